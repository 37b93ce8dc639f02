"""Conditions as kstatus reads them: its rules are written out here, and each row of the status table is judged."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from decided import decide
from domain_samples import LOST, NOW, READY, conditions_of, observe, pre_start, started, status_in
from osmig.api.meta import to_wire
from osmig.api.migration import MigrationStatus
from osmig.api.names import ConditionType, Phase, Reason
from osmig.domain.conditions import Verdict, describe_migration, describe_provider, find_condition
from osmig.domain.observation import ProviderView

if TYPE_CHECKING:
    from collections.abc import Mapping

LATER = NOW.replace(hour=1)


def judge_as_kstatus(body: Mapping[str, Any]) -> str:
    """Follow kstatus' order: deletion, generation, Reconciling and Stalled as listed, Ready, else Current."""
    metadata, status = body["metadata"], body.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata["generation"]:
        return "InProgress"
    conditions = status.get("conditions") or []
    for condition in conditions:
        if condition["status"] == "True" and condition["type"] in {"Reconciling", "Stalled"}:
            return {"Reconciling": "InProgress", "Stalled": "Failed"}[condition["type"]]
    for condition in conditions:
        if condition["type"] == "Ready":
            return "Current" if condition["status"] == "True" else "InProgress"
    return "Current"


def verdict_of(status: MigrationStatus, *, generation: int = 1) -> str:
    return judge_as_kstatus({"metadata": {"generation": generation}, "status": to_wire(status)})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "Current"),
        ({"observedGeneration": -1}, "InProgress"),
        ({"conditions": [{"type": "Succeeded", "status": "Unknown"}]}, "Current"),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, "InProgress"),
        (
            {"conditions": [{"type": "Stalled", "status": "True"}, {"type": "Reconciling", "status": "True"}]},
            "Failed",
        ),
    ],
)
def test_the_rules_written_out_here_are_the_library_s(body: dict[str, Any], expected: object) -> None:
    assert judge_as_kstatus({"metadata": {"generation": 1}, "status": body}) == expected


LIVE = (Phase.PENDING, Phase.QUEUED, Phase.STARTING, Phase.RUNNING, Phase.ABORTING)


@pytest.mark.parametrize(
    ("phase", "succeeded", "finished", "ready", "verdict"),
    [
        *((phase, "Unknown", "False", "False", "InProgress") for phase in LIVE),
        (Phase.SUCCEEDED, "True", "True", "True", "Current"),
        (Phase.FAILED, "False", "True", "False", "Failed"),
        (Phase.ABORTED, "False", "True", "False", "Failed"),
    ],
)
def test_each_row_of_the_status_table_holds(
    phase: Phase, succeeded: str, finished: str, ready: str, verdict: str
) -> None:
    status = status_in(phase, "Why")
    conditions = conditions_of(status)
    assert (conditions["Succeeded"], conditions["Finished"], conditions["Ready"]) == (succeeded, finished, ready)
    assert ("Reconciling" in conditions) == (phase in LIVE)
    assert ("Stalled" in conditions) == (verdict == "Failed")
    assert not {"Complete", "Failed"} & set(conditions)
    assert verdict_of(status) == verdict
    assert {condition.reason for condition in status.conditions if condition.type != "ProviderReady"} == {"Why"}


def test_a_new_object_with_nothing_but_the_default_of_its_crd_is_in_progress() -> None:
    assert verdict_of(MigrationStatus()) == "InProgress"


def test_a_changed_object_is_in_progress_until_it_was_looked_at() -> None:
    assert verdict_of(status_in(Phase.SUCCEEDED), generation=2) == "InProgress"


def test_an_object_that_is_being_deleted_is_terminating() -> None:
    body = {"metadata": {"generation": 1, "deletionTimestamp": "t"}, "status": to_wire(started())}
    assert judge_as_kstatus(body) == "Terminating"


def test_what_decide_writes_is_in_progress_from_the_first_write_on() -> None:
    decision = decide(observe(pre_start=pre_start(), generation=4))
    assert verdict_of(decision.status, generation=4) == "InProgress"
    assert {condition.observed_generation for condition in decision.status.conditions} == {4}


def test_reconciling_and_stalled_exist_only_while_true() -> None:
    for phase in Phase:
        listed = [c for c in status_in(phase).conditions if c.type in {"Reconciling", "Stalled"}]
        assert len(listed) <= 1
        assert all(condition.status == "True" for condition in listed)


def test_a_transition_time_moves_only_when_the_status_of_its_condition_does() -> None:
    before = status_in(Phase.STARTING).conditions
    running = Verdict(phase=Phase.RUNNING, reason="Running", message="new words")
    after = describe_migration(running, LOST, before=before, generation=2, now=LATER)
    moved = {condition.type for condition in after if condition.last_transition_time == LATER}
    assert moved == {"ProviderReady"}
    done = Verdict(phase=Phase.SUCCEEDED, reason="Succeeded", message="")
    ended = describe_migration(done, READY, before=after, generation=2, now=LATER)
    assert {condition.last_transition_time for condition in ended} == {LATER}


def test_a_provider_without_a_reason_still_has_one_in_its_condition() -> None:
    nameless = LOST.__class__(is_ready=False)
    found = find_condition(decide(observe(provider=nameless)).status.conditions, ConditionType.PROVIDER_READY)
    assert found is not None
    assert found.reason == Reason.PROVIDER_NOT_READY


@pytest.mark.parametrize(
    ("is_ready", "reason", "ready", "login", "extra", "verdict"),
    [
        (True, Reason.PROBE_SUCCEEDED, "True", "True", None, "Current"),
        (False, Reason.PROBING, "False", "Unknown", "Reconciling", "InProgress"),
        (False, Reason.UNREACHABLE, "False", "Unknown", "Reconciling", "InProgress"),
        (False, Reason.SECRET_NOT_FOUND, "False", "Unknown", "Reconciling", "InProgress"),
        (False, Reason.UNAUTHORIZED, "False", "False", "Stalled", "Failed"),
        (False, Reason.INVALID_CONFIGURATION, "False", "Unknown", "Stalled", "Failed"),
        (False, Reason.ENDPOINT_REFUSED, "False", "Unknown", "Stalled", "Failed"),
        (False, Reason.TOO_MANY_ROWS, "False", "Unknown", "Stalled", "Failed"),
    ],
)
def test_a_provider_is_stalled_only_by_what_a_person_must_mend(
    *, is_ready: bool, reason: str, ready: str, login: str, extra: str | None, verdict: str
) -> None:
    view = ProviderView(is_ready=is_ready, reason=reason, message="m")
    conditions = describe_provider(view, before=(), generation=1, now=NOW)
    found = {condition.type: condition.status.value for condition in conditions}
    assert (found["Ready"], found["AuthenticationSucceeded"]) == (ready, login)
    assert {"Reconciling", "Stalled"} & set(found) == ({extra} if extra else set())
    wire = [to_wire(condition) for condition in conditions]
    body = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": wire}}
    assert judge_as_kstatus(body) == verdict


@pytest.mark.parametrize(
    ("left", "is_told"),
    [(None, False), (timedelta(days=8), False), (timedelta(days=7), True), (timedelta(), True), (-timedelta(1), True)],
)
def test_credentials_that_expire_soon_are_a_condition_and_change_no_other(
    *, left: timedelta | None, is_told: bool
) -> None:
    view = ProviderView(is_ready=True, reason=Reason.PROBE_SUCCEEDED)
    plain = describe_provider(view, before=(), generation=1, now=NOW)
    told = describe_provider(view, before=(), generation=1, now=NOW, expires=None if left is None else NOW + left)
    assert told[: len(plain)] == plain
    assert [(found.type, found.reason) for found in told[len(plain) :]] == (
        [(ConditionType.CREDENTIALS_EXPIRING, Reason.EXPIRES_SOON)] if is_told else []
    )


def test_the_moment_at_which_credentials_expire_is_said() -> None:
    view = ProviderView(is_ready=True, reason=Reason.PROBE_SUCCEEDED)
    found = find_condition(
        describe_provider(view, before=(), generation=1, now=NOW, expires=NOW), ConditionType.CREDENTIALS_EXPIRING
    )
    assert found is not None
    assert "expire at 2030-01-01T00:00:00Z" in found.message
