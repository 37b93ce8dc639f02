"""What `status.upstream` of a Provider says: how much moves there, in which scope, and why something is not counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.discovery import DiscoveryMode, UpstreamCounts
from osmig.domain.capabilities import Scope

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.provider import Provider
    from osmig.controllers.sessions import Session
    from osmig.drivers.driver import Driver

WRITES_AT_ONCE = 2
WRITES_WINDOW_S = 60.0
"""In so many seconds no more than `WRITES_AT_ONCE` writes are made for new counts alone."""

OFF = "spec.discovery.mode is Off"
NO_RIGHT = (
    "The credentials may list migrations neither of the cloud nor of their project: only those that are declared here "
    "are known"
)


def count_upstream(
    session: Session, provider: Provider, driver: Driver[Any, Any], now: dt.datetime
) -> UpstreamCounts | None:
    """Count what is known of a Provider; what was counted last stands while nothing is known yet."""
    before = provider.status.upstream
    if not session.view.is_ready or session.probe is None:
        return before
    why_not = find_why_not(session, provider, driver)
    is_awaited = driver.list_operations is not None and not session.listing.is_read
    if is_awaited and not why_not:
        return before or UpstreamCounts.model_validate({"scope": session.probe.scope})
    counts = session.rows.count() if can_count(session, provider, driver) else {}
    told = {"scope": session.probe.scope, "message": why_not or None, "sample_time": now if counts else None}
    mirrors = {"mirrored": session.mirroring.has, "not_mirrored": session.mirroring.lacks}
    after = UpstreamCounts.model_validate({**told, **counts, **mirrors})
    is_same = before is not None and after == before.model_copy(update={"sample_time": after.sample_time})
    return before if is_same else after


def can_count(session: Session, provider: Provider, driver: Driver[Any, Any]) -> bool:
    """Whether the session's rows are what goes on at the Provider."""
    is_listed = driver.lists_operations or session.listing.is_read
    return is_listed and not find_why_not(session, provider, driver)


def find_why_not(session: Session, provider: Provider, driver: Driver[Any, Any]) -> str:
    """Say why nothing is counted; empty where it is, or will be."""
    if provider.spec.effective_discovery.mode is DiscoveryMode.OFF:
        return OFF
    if driver.lists_operations and session.probe is not None and session.probe.scope is Scope.UNKNOWN:
        return NO_RIGHT
    return session.listing.why_not


def may_write(session: Session, now: float) -> bool:
    """Whether new counts alone are worth a write now; ``now`` is a boottime. Who may, has written."""
    session.counts_written = [moment for moment in session.counts_written if now - moment < WRITES_WINDOW_S]
    if len(session.counts_written) >= WRITES_AT_ONCE:
        return False
    session.counts_written.append(now)
    return True
