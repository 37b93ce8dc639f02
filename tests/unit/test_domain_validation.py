"""``mode: Validate``: everything is checked and told, nothing is sent, and Execute afterwards starts the move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_samples import LOST, ask, observe, pre_start, reason_of, result_of, server
from domain_world import World, decide_in
from osmig.api.migration import PreflightCheck
from osmig.api.names import CheckResult, ControlResult, Phase, Reason, Verb
from osmig.domain.errors import Transient
from osmig.drivers.servers.calls import StartCall

if TYPE_CHECKING:
    from decided import Decided

VALIDATE = {"mode": "Validate"}


def check(
    name: str, result: CheckResult = CheckResult.PASS, path: str | None = None, message: str = ""
) -> PreflightCheck:
    return PreflightCheck(check=name, result=result, path=path, message=message or None)


GOOD = (check("Server"), check("Hosts", CheckResult.SKIPPED))
BAD = (check("Server"), check("DestinationHost", CheckResult.FAIL, "spec.placement.destinationHost", "is disabled"))


def validate(checks: tuple[PreflightCheck, ...], **changes: Any) -> Decided:  # noqa: ANN401 - as observe() takes them
    return decide_in(World(preflight=checks, pre_start=pre_start()), observe(wanted=VALIDATE, **changes))


def test_the_preflight_is_read_first_and_the_server_only_when_it_was_found() -> None:
    assert decide(observe(wanted=VALIDATE)).wants == {"preflight"}
    assert decide(observe(wanted=VALIDATE, preflight=GOOD)).wants == {"preflight", "pre_start"}
    assert not decide(observe(wanted=VALIDATE, preflight=BAD)).wants


def test_a_migration_that_passes_every_check_is_validated_and_nothing_is_sent() -> None:
    decision = validate(GOOD)
    status = decision.status
    assert (status.phase, reason_of(status), status.start_time) == (Phase.SUCCEEDED, Reason.VALIDATED, None)
    assert (decision.call, decision.claims, status.pending_call, status.attempts) == (None, False, None, ())
    assert [found.check for found in status.preflight] == ["Server", "Hosts", "Rivals"]
    assert status.conditions[0].message == "checks: 2 passed, 1 skipped; nothing was sent"
    assert status.progress is None


def test_a_failed_check_fails_the_migration_by_the_path_of_the_field() -> None:
    status = validate((*BAD, check("Rights", CheckResult.FAIL))).status
    assert (status.phase, reason_of(status)) == (Phase.FAILED, Reason.PREFLIGHT_FAILED)
    message = status.conditions[0].message
    assert message == "spec.placement.destinationHost: is disabled; Rights: failed; nothing was sent"
    assert status.preflight[-1].result is CheckResult.SKIPPED, "nobody looked for rivals"


def test_a_rival_is_a_warning_for_the_move_would_wait() -> None:
    status = validate(GOOD, conflicting="team-a/other").status
    rivals = status.preflight[-1]
    assert (status.phase, rivals.check, rivals.result) == (Phase.SUCCEEDED, "Rivals", CheckResult.WARN)
    assert "team-a/other" in (rivals.message or "")
    assert "1 with a warning" in status.conditions[0].message
    assert validate(GOOD).status.preflight[-1].result is CheckResult.PASS


@pytest.mark.parametrize(("retry_after_s", "due_s"), [(None, 10.0), (33.0, 33.0)])
def test_a_preflight_that_cannot_be_read_is_tried_again(retry_after_s: float | None, due_s: float) -> None:
    read_error = Transient("Unreachable", "later", operation="o", retry_after_s=retry_after_s)
    decision = decide(observe(wanted=VALIDATE, read_error=read_error))
    assert (decision.status.phase, reason_of(decision.status), decision.due_s) == (
        Phase.PENDING,
        Reason.RETRYING,
        due_s,
    )


def test_a_survey_that_fails_after_a_good_preflight_leaves_the_rivals_out() -> None:
    read_error = Transient("Unreachable", "later", operation="o")
    status = decide(observe(wanted=VALIDATE, preflight=GOOD, read_error=read_error)).status
    assert (status.phase, status.preflight[-1].result) == (Phase.SUCCEEDED, CheckResult.SKIPPED)


def test_what_was_validated_starts_when_its_mode_becomes_execute() -> None:
    validated = validate(GOOD).status
    assert decide(observe(validated, wanted=VALIDATE)).status == validated
    anew = decide(observe(validated, generation=2)).status
    assert (anew.phase, anew.preflight, anew.completion_time) == (Phase.PENDING, (), None)
    assert decide(observe(anew, generation=2, pre_start=pre_start())).call == StartCall()


def test_a_check_waits_for_the_provider_and_answers_to_abort_and_suspend() -> None:
    assert validate(GOOD, provider=LOST).status.phase is Phase.QUEUED
    latched = decide(observe(wanted=VALIDATE, verb_requests=(ask(Verb.ABORT),))).status
    aborted = decide(observe(latched, wanted=VALIDATE)).status
    assert (aborted.phase, result_of(aborted, Verb.ABORT)) == (Phase.ABORTED, ControlResult.DONE)
    held = decide(observe(wanted={**VALIDATE, "suspend": True}, preflight=GOOD)).status
    assert held.phase is Phase.SUSPENDED


def test_a_busy_server_is_the_preflights_matter_and_starts_nothing() -> None:
    world = World(preflight=GOOD, pre_start=pre_start(server(busy=True)))
    assert decide_in(world, observe(wanted=VALIDATE)).call is None
