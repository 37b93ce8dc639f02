"""``mode: Validate``: check everything that can be checked without side effect, send nothing, tell it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import PreflightCheck
from osmig.api.names import CheckResult, Reason
from osmig.domain import outcome, pauses, preflight
from osmig.drivers.servers.facts import read as read_facts

if TYPE_CHECKING:
    from osmig.domain.observation import Decision
    from osmig.drivers.servers.facts import MoveObservation


def validate(observation: MoveObservation) -> Decision:
    """Decide for a Migration that shall only be checked; changing it to Execute evaluates it anew."""
    if observation.facts.preflight is None and observation.read_error is not None:
        return pauses.retry_later(observation, observation.read_error)
    if observation.facts.preflight is None:
        return read_facts("preflight")
    is_found = not any(check.result is CheckResult.FAIL for check in observation.facts.preflight)
    if is_found and observation.facts.pre_start is None and observation.read_error is None:
        # who else of ours has the server is known by its id only
        return read_facts("preflight", "pre_start")
    checks = (*observation.facts.preflight, _check_conflicts(observation))
    failed = [check for check in checks if check.result is CheckResult.FAIL]
    if failed:
        return outcome.fail(observation, Reason.PREFLIGHT_FAILED, preflight.sum_up_failed(failed), preflight=checks)
    return outcome.succeed(observation, Reason.VALIDATED, preflight.sum_up(checks), preflight=checks)


def _check_conflicts(observation: MoveObservation) -> PreflightCheck:
    if observation.facts.pre_start is None:
        message = "not looked at, for the server was not read"
        return PreflightCheck(check="Rivals", result=CheckResult.SKIPPED, path="spec.server", message=message)
    if observation.facts.conflicting:
        message = f"{observation.facts.conflicting} moves this server; this one would wait for it"
        return PreflightCheck(check="Rivals", result=CheckResult.WARN, path="spec.server", message=message)
    message = "no other Migration moves this server"
    return PreflightCheck(check="Rivals", result=CheckResult.PASS, path="spec.server", message=message)
