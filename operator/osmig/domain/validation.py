"""``mode: Validate``: check everything that can be checked without side effect, send nothing, tell it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import PreflightCheck
from osmig.api.names import CheckResult, Reason
from osmig.domain import outcome, pauses
from osmig.domain.observation import Decision, Read, ReadFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osmig.domain.observation import Observation


def validate(observation: Observation) -> Decision:
    """Decide for a Migration that shall only be checked; changing it to Execute evaluates it anew."""
    if observation.preflight is None and observation.trouble is not None:
        return pauses.retry_later(observation, observation.trouble)
    if observation.preflight is None:
        return ReadFacts(frozenset({Read.PREFLIGHT}))
    is_found = not any(check.result is CheckResult.FAIL for check in observation.preflight)
    if is_found and observation.survey is None and observation.trouble is None:
        # who else of ours has the server is known by its id only
        return ReadFacts(frozenset({Read.PREFLIGHT, Read.SURVEY}))
    checks = (*observation.preflight, _check_rivals(observation))
    failed = [check for check in checks if check.result is CheckResult.FAIL]
    if failed:
        return outcome.fail(observation, Reason.PREFLIGHT_FAILED, sum_up_failed(failed), preflight=checks)
    return outcome.succeed(observation, Reason.VALIDATED, sum_up(checks), preflight=checks)


def _check_rivals(observation: Observation) -> PreflightCheck:
    if observation.survey is None:
        message = "not looked at, for the server was not read"
        return PreflightCheck(check="Rivals", result=CheckResult.SKIPPED, path="spec.server", message=message)
    if observation.rival:
        message = f"{observation.rival} moves this server; this one would wait for it"
        return PreflightCheck(check="Rivals", result=CheckResult.WARN, path="spec.server", message=message)
    message = "no other Migration moves this server"
    return PreflightCheck(check="Rivals", result=CheckResult.PASS, path="spec.server", message=message)


def sum_up_failed(failed: Sequence[PreflightCheck]) -> str:
    """Return what failed, each with the path of its field, in one line."""
    told = "; ".join(f"{check.path or check.check}: {check.message or 'failed'}" for check in failed)
    return f"{told}; nothing was sent"


def sum_up(checks: Sequence[PreflightCheck]) -> str:
    """Return how many checks had which result, in one line."""
    counts = [
        f"{count} {word}"
        for result, word in (
            (CheckResult.PASS, "passed"),
            (CheckResult.WARN, "with a warning"),
            (CheckResult.SKIPPED, "skipped"),
        )
        if (count := sum(check.result is result for check in checks))
    ]
    return f"checks: {', '.join(counts)}; nothing was sent"
