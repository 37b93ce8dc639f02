"""Which settings contradict one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.settings import Settings


def find_conflicts(settings: Settings) -> Iterator[str]:
    """Yield one message per pair of settings that cannot both hold, each naming both and what would go wrong."""
    lease, protocol, polling = settings.lease, settings.protocol, settings.polling
    if settings.endpoints.unlisted == "refused" and not settings.endpoints.allow:
        yield "--unlisted-endpoints (refused) wants an --allow-endpoint, or no Provider could be used"
    if not lease.renew_deadline_s < lease.duration_s:
        yield (
            f"--lease-renew-deadline ({lease.renew_deadline_s:g} s) must be shorter than --lease-duration "
            f"({lease.duration_s:g} s), or two processes act at once"
        )
    if not lease.period_s < lease.renew_deadline_s:
        yield (
            f"--lease-period ({lease.period_s:g} s) must be shorter than --lease-renew-deadline "
            f"({lease.renew_deadline_s:g} s), or the Lease is lost without a second try"
        )
    longest_call_s = protocol.call_before_s + settings.upstream.connect_timeout_s + settings.upstream.read_timeout_s
    if protocol.adopt_after_s < longest_call_s:
        yield (
            f"--adopt-after ({protocol.adopt_after_s:g} s) must be at least --call-before + --connect-timeout + "
            f"--read-timeout ({longest_call_s:g} s), or a call still under way may be taken for lost"
        )
    if polling.full_sweep_period_s < polling.sweep_period_s:
        yield (
            f"--full-sweep-period ({polling.full_sweep_period_s:g} s) must not be shorter than --sweep-period "
            f"({polling.sweep_period_s:g} s)"
        )
    if polling.run_poll_max_s < polling.run_poll_s:
        yield (
            f"--run-poll-max ({polling.run_poll_max_s:g} s) must not be shorter than --run-poll "
            f"({polling.run_poll_s:g} s)"
        )
