"""What keeps a plan from beginning, from going on, or lets it end otherwise: each with its phase and conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from osmig.api.names import ConditionStatus, Phase
from osmig.api.plan import parse_plan
from osmig.api.plan_names import PlanPhase, PlanReason, PlanVerb
from osmig.domain.observation import ProviderView
from osmig.domain.operations import RecordView, Stage
from osmig.domain.plans.building import QUIET_WAIT_S
from osmig.domain.plans.decisions import CommitPlan, CreateChild, DeletePlan, DisableService, OrderChild, ReadCloud
from osmig.domain.plans.machine import decide_plan
from osmig.domain.plans.observation import SWEEP_PERIOD_S
from osmig.domain.plans.services import describe_left
from osmig.domain.plans.sweeps import HostRow
from osmig.domain.plans.targets import resolve
from plan_samples import plan_body
from plan_world import DISABLE, READY, PlanWorld, server, server_id

PAST, FUTURE = "2026-12-05T20:00:00Z", "2026-12-05T22:00:00Z"


class Row(NamedTuple):
    """A plan that has changed nothing, what stands in its way, and what is told about it."""

    phase: PlanPhase
    reason: PlanReason
    spec: dict[str, Any]
    world: dict[str, Any]
    is_stalled: bool = False
    words: str = ""


P, R = PlanPhase, PlanReason
GO_TO_CMP8 = {"template": {"placement": {"destinationHost": "cmp8"}}}
BROKEN: dict[str, Any] = {"servers": [server(1), server(2, status="ERROR")]}
TABLE: dict[str, Row] = {
    "the Provider is not ready": Row(
        P.WAITING,
        R.PROVIDER_NOT_READY,
        {},
        {"provider": ProviderView(is_ready=False, message="no route")},
        words="no route",
    ),
    "the Provider says nothing": Row(
        P.WAITING, R.PROVIDER_NOT_READY, {}, {"provider": ProviderView(is_ready=False)}, words="not ready"
    ),
    "hosts cannot be seen": Row(
        P.WAITING, R.HOSTS_NOT_VISIBLE, {}, {"provider": ProviderView(is_ready=True)}, is_stalled=True
    ),
    "a read failed": Row(P.WAITING, R.RETRYING, {}, {"read_error": "HTTP 503"}, words="HTTP 503"),
    "a sweep is not complete": Row(P.WAITING, R.INCOMPLETE_SWEEP, {}, {"problem": "cell 2"}, words="cmp1: cell 2"),
    "another plan empties the host": Row(
        P.WAITING, R.HOST_CLAIMED, {}, {"claimed": {"cmp1": "other"}}, words="by other"
    ),
    "it is too early": Row(P.WAITING, R.NOT_BEFORE, {"schedule": {"notBeforeTime": FUTURE}}, {}, words="22:00:00Z"),
    "it is too late": Row(P.EXPIRED, R.EXPIRED, {"schedule": {"notAfterTime": PAST}}, {}, is_stalled=True),
    "it needs an approval": Row(P.AWAITING_APPROVAL, R.AWAITING_APPROVAL, {"approval": "Manual"}, {}, words="approve"),
    "it is suspended": Row(P.PAUSED, R.SUSPENDED, {"suspend": True}, {}),
    "something is blocked": Row(
        P.FAILED, R.SERVERS_BLOCKED, {"onBlocked": "Refuse"}, BROKEN, is_stalled=True, words="ServerInError 1: web-2"
    ),
    "no such host": Row(
        P.WAITING, R.HOST_NOT_FOUND, {"targets": {"hosts": ["typo"]}}, {}, is_stalled=True, words="typo"
    ),
    "no such aggregate": Row(
        P.WAITING, R.HOST_NOT_FOUND, {"targets": {"aggregate": "rack9"}}, {}, is_stalled=True, words="aggregate rack9"
    ),
    "servers cannot go where no host is": Row(
        P.WAITING, R.DESTINATION_NOT_USABLE, GO_TO_CMP8, {}, is_stalled=True, words="is no compute host of the cloud"
    ),
    "servers cannot go where the plan empties": Row(
        P.WAITING,
        R.DESTINATION_NOT_USABLE,
        {"targets": {"aggregate": "rack1"}, **GO_TO_CMP8},
        {"hosts": ("cmp1", "cmp8")},
        is_stalled=True,
        words="cmp8 is emptied by this plan itself",
    ),
    "no such zone": Row(
        P.WAITING, R.HOST_NOT_FOUND, {"targets": {"availabilityZone": "az9"}}, {}, is_stalled=True, words="zone az9"
    ),
}
"""By what stands in its way."""


def condition(world: PlanWorld, kind: str) -> Any:  # noqa: ANN401 - the model, or None
    """Return a condition, if it is there."""
    return next((one for one in world.status.conditions if one.type == kind), None)


@pytest.mark.parametrize("case", TABLE)
def test_what_stands_in_the_way_is_told_and_nothing_is_changed(case: str) -> None:
    row = TABLE[case]
    fields: dict[str, Any] = {"servers": [server()]} | row.world
    world = PlanWorld(spec=DISABLE | row.spec, **fields)

    world.step()

    assert (world.phase, condition(world, "Succeeded").reason) == (row.phase, row.reason)
    assert row.words in condition(world, "Succeeded").message
    assert (condition(world, "Stalled") is not None) == row.is_stalled
    assert (condition(world, "Reconciling") is not None) != row.is_stalled
    assert world.done == []
    assert world.status.start_time is None


@pytest.mark.parametrize(
    ("case", "due_s"),
    [
        ("a read failed", SWEEP_PERIOD_S),
        ("a sweep is not complete", SWEEP_PERIOD_S),
        ("another plan empties the host", SWEEP_PERIOD_S),
        ("servers cannot go where no host is", SWEEP_PERIOD_S),
        ("it is suspended", QUIET_WAIT_S),
    ],
)
def test_what_ends_by_itself_is_looked_at_as_often_as_hosts_are(case: str, due_s: float) -> None:
    row = TABLE[case]
    world = PlanWorld(spec=DISABLE | row.spec, servers=[server()], **row.world)
    world.step()
    assert world.due_s == due_s


@pytest.mark.parametrize(
    ("change", "words", "is_stalled"),
    [({"is_enabled": False}, "cmp8 is disabled", True), ({"is_up": False}, "cmp8 does not report", False)],
    ids=["disabled", "down"],
)
def test_no_more_servers_go_to_a_host_that_takes_none_and_they_do_once_it_does(
    change: dict[str, Any], words: str, *, is_stalled: bool
) -> None:
    spec = DISABLE | GO_TO_CMP8 | {"limits": {"maxInFlight": 1}}
    world = PlanWorld(spec=spec, servers=[server(1), server(2)], hosts=("cmp1", "cmp8", "cmp9"))
    for _ in range(3):
        world.step()
        world.wait(1)
    (made,) = world.children
    healthy = world.services["cmp8"]

    world.services["cmp8"] = replace(healthy, **change)
    world.cloud_hosts = None
    world.end(made)
    world.wait()
    world.step()
    assert (world.phase, condition(world, "Succeeded").reason) == (P.WAITING, R.DESTINATION_NOT_USABLE)
    assert words in condition(world, "Succeeded").message
    assert (condition(world, "Stalled") is not None) == is_stalled
    assert len(world.children) == 1

    world.services["cmp8"] = healthy
    world.cloud_hosts = None
    world.run()
    assert (world.phase, len(world.children)) == (P.SUCCEEDED, 2)


def test_the_preview_of_a_plan_whose_servers_cannot_go_where_they_shall_says_so() -> None:
    world = PlanWorld(spec={"mode": "Validate", **GO_TO_CMP8}, servers=[server()])

    world.step()

    assert [(row.verdict, row.reason) for row in world.status.preview.not_plain] == [
        ("Wait", R.DESTINATION_NOT_USABLE.value)
    ]


def test_a_plan_that_came_too_late_and_finds_its_hosts_empty_has_succeeded() -> None:
    world = PlanWorld(spec=DISABLE | {"schedule": {"notAfterTime": PAST}})

    world.step()

    assert (world.phase, condition(world, "Ready").reason) == (P.SUCCEEDED, R.ALREADY_DRAINED)
    assert world.done == []


def test_a_plan_that_came_too_late_does_not_call_a_host_empty_whose_moves_are_unconfirmed() -> None:
    record = RecordView(id="7", stage=Stage.AWAITING_CONFIRMATION, source_host="cmp1")
    world = PlanWorld(spec=DISABLE | {"schedule": {"notAfterTime": PAST}}, records=[record])

    world.step()

    assert world.phase == P.EXPIRED


def test_a_plan_begins_when_its_time_has_come() -> None:
    world = PlanWorld(spec=DISABLE | {"schedule": {"notBeforeTime": FUTURE}}, servers=[server()])
    world.step()
    assert world.due_s == 300.0
    world.wait(3500)
    world.step()
    assert world.due_s == 100.0
    world.wait(100)
    world.step()

    assert world.status.start_time == world.now


def test_after_its_last_time_what_moves_ends_and_nothing_begins() -> None:
    world = PlanWorld(
        spec=DISABLE | {"schedule": {"notAfterTime": FUTURE}, "limits": {"maxInFlight": 1}},
        servers=[server(1), server(2)],
    )
    for _ in range(2):
        world.step()
        world.wait(2.0)
    assert "NoExpiry" not in world.notes
    world.wait(3600)
    world.step()
    assert (world.phase, condition(world, "Ready").reason) == (P.RUNNING, R.EXPIRED)

    for child in list(world.children):
        world.end(child)
    world.wait()
    world.step()

    assert world.phase == P.EXPIRED
    assert len(world.children) == 1
    assert condition(world, "Stalled") is not None


def test_validate_changes_nothing_and_tells_everything() -> None:
    world = PlanWorld(spec={"mode": "Validate", **DISABLE}, claimed={"cmp1": "other"}, servers=BROKEN["servers"])

    world.step()
    world.step()

    assert (world.phase, condition(world, "Succeeded").reason) == (P.SUCCEEDED, R.VALIDATED)
    assert world.done == []
    preview = world.status.preview
    assert (preview.counts.move, preview.counts.blocked, preview.counts.memory_mib) == (1, 1, 2048)
    assert preview.free_memory_mib == 65536
    assert [(one.name, one.verdict, one.reason) for one in preview.not_plain] == [("web-2", "Blocked", "ServerInError")]
    assert condition(world, "Blocked").message == "ServerInError 1: web-2"


def test_a_plan_that_was_only_validated_is_evaluated_anew_when_its_spec_changes() -> None:
    world = PlanWorld(spec={"mode": "Validate", **DISABLE}, servers=[server()])
    world.step()
    world.plan = parse_plan(plan_body(spec=DISABLE, generation=2)).model_copy(update={"status": world.status})

    world.run()

    assert world.phase == P.SUCCEEDED
    assert len(world.children) == 1
    assert world.status.observed_generation == 2


def test_a_plan_that_is_over_takes_note_of_another_spec_and_does_nothing() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.run()
    before, done = world.status, list(world.done)
    world.plan = world.plan.model_copy(update={"metadata": world.plan.metadata.model_copy(update={"generation": 2})})
    world.step()
    world.step()

    assert world.status.observed_generation == 2
    assert {one.observed_generation for one in world.status.conditions} == {2}
    assert world.status.completion_time == before.completion_time
    assert world.done == done


def test_applying_the_same_manifest_again_changes_nothing() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.run()
    world.step()
    before = world.status

    world.wait()
    world.step()

    assert world.status == before
    assert world.due_s is None


def test_a_plan_goes_away_after_its_time() -> None:
    world = PlanWorld(spec=DISABLE | {"ttlSecondsAfterFinished": 60})
    world.run()
    world.step()
    assert world.due_s == 60.0
    world.wait(60)

    assert isinstance(world.step(), DeletePlan)


def test_too_many_failures_abort_when_the_plan_says_so() -> None:
    world = PlanWorld(
        spec=DISABLE | {"failureBudget": {"maxFailures": 0, "onExceeded": "Abort"}},
        servers=[server(number) for number in range(1, 5)],
    )
    for _ in range(2):
        world.step()
        world.wait(2.0)
    first, second = world.children
    world.end(first, Phase.FAILED)
    world.wait()
    world.step()
    assert world.phase == P.ABORTING
    assert [one.name for one in world.made(OrderChild)] == [second]
    world.end(second, Phase.ABORTED)
    world.wait()
    world.step()

    assert (world.phase, condition(world, "Succeeded").reason) == (P.ABORTED, R.BUDGET_EXCEEDED)
    assert len(world.children) == 2


def test_suspend_begins_nothing_new_and_what_moves_goes_on() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server(number) for number in range(1, 5)])
    for _ in range(2):
        world.step()
        world.wait(2.0)
    suspended = parse_plan(plan_body(spec=DISABLE | {"suspend": True}, generation=2))
    world.plan = suspended.model_copy(update={"status": world.status})
    for child in list(world.children):
        world.end(child)
    world.wait()
    world.step()

    assert world.phase == P.PAUSED
    assert len(world.children) == 2
    assert condition(world, "Reconciling") is not None


def test_while_the_provider_is_away_the_phase_stays_and_an_abort_still_reaches_the_migrations() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    for _ in range(2):
        world.step()
        world.wait(2.0)
    world.provider = ProviderView(is_ready=False, reason="Unreachable", message="no route")
    world.order(PlanVerb.ABORT)
    world.step()
    assert len(world.made(OrderChild)) == 1
    world.step()

    assert world.phase == P.RUNNING
    assert condition(world, "ProviderReady").reason == "Unreachable"
    assert len(world.made(OrderChild)) == 1


def test_a_name_that_somebody_else_has_is_told_and_the_others_move() -> None:
    world = PlanWorld(spec=DISABLE | {"limits": {"maxInFlight": 1}}, servers=[server(1), server(2)])
    for _ in range(2):
        world.step()
        world.wait(2.0)
    (taken,) = world.children
    world.children.clear()
    world.memory = replace(world.memory, seen={})
    world.names_taken = frozenset({taken})
    world.wait()
    world.step()
    assert len(world.children) == 1
    for child in list(world.children):
        world.end(child)
    world.wait()
    world.step()

    assert condition(world, "Stalled").reason == R.NAME_TAKEN
    assert taken in condition(world, "Stalled").message


def test_a_status_that_cannot_be_read_is_no_ground_for_anything() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.plan = parse_plan(plan_body(spec=DISABLE, status={"round": "many"}))

    decision = world.step()

    assert isinstance(decision, CommitPlan)
    assert decision.effects == ()
    assert decision.status == world.plan.status


def test_a_plan_that_is_being_deleted_begins_nothing_and_enables_nothing() -> None:
    world = PlanWorld(spec={"maintenance": {"computeService": "Disable", "onFinish": "Enable"}}, servers=[server()])
    world.step()
    world.plan = world.plan.model_copy(
        update={"metadata": world.plan.metadata.model_copy(update={"deletion_timestamp": world.now})}
    )
    for _ in range(3):
        world.wait()
        world.step()

    assert [type(effect) for effect in world.done] == [DisableService]
    assert not world.is_enabled("cmp1")


def test_while_the_provider_is_away_a_release_waits() -> None:
    world = PlanWorld(spec=DISABLE)
    world.run()
    world.provider = ProviderView(is_ready=False)
    world.wait()
    world.order(PlanVerb.RELEASE)
    world.step()
    assert world.due_s == 30.0
    world.provider = READY
    for _ in range(3):
        world.step()
        world.wait(2.0)

    assert world.is_enabled("cmp1")


def test_what_is_left_disabled_is_named_with_the_command_that_enables_it() -> None:
    world = PlanWorld(spec=DISABLE)
    assert describe_left(world.plan) is None
    world.run()

    note = describe_left(world.plan)

    assert note is not None
    assert "openstack compute service set --enable cmp1 nova-compute" in note.text


HOSTS = (
    HostRow(name="b", aggregates=("rack1",), zone="az1"),
    HostRow(name="a", aggregates=("rack1", "ssd"), zone="az2"),
    HostRow(name="c", zone="az1"),
)


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ({"hosts": ["z", "y"]}, ("y", "z")),
        ({"aggregate": "rack1"}, ("a", "b")),
        ({"availabilityZone": "az1"}, ("b", "c")),
    ],
)
def test_targets_are_resolved_to_names(targets: dict[str, Any], names: tuple[str, ...]) -> None:
    plan = parse_plan(plan_body(spec={"targets": targets}))

    assert resolve(plan.spec.targets, HOSTS) == names


def test_a_zone_of_too_many_hosts_is_refused() -> None:
    plan = parse_plan(plan_body(spec={"targets": {"availabilityZone": "az1"}}))

    found = resolve(plan.spec.targets, [HostRow(name=f"h{number}", zone="az1") for number in range(51)])

    assert not isinstance(found, tuple)
    assert (found.reason, found.is_stalled) == (R.TOO_MANY_HOSTS, True)
    assert "51 hosts" in found.message


def test_the_hosts_of_an_aggregate_are_looked_up_once() -> None:
    world = PlanWorld(spec=DISABLE | {"targets": {"aggregate": "rack1"}}, servers=[server()])
    world.step()
    world.cloud_hosts = (HostRow(name="cmp7", aggregates=("rack1",)),)

    world.run()

    assert [host.name for host in world.status.hosts] == ["cmp1"]
    assert world.phase == P.SUCCEEDED


def test_the_conditions_of_every_end_are_those_that_kstatus_reads() -> None:
    ends = {P.SUCCEEDED: Phase.SUCCEEDED, P.FAILED: Phase.FAILED}
    for phase, ending in ends.items():
        world = PlanWorld(spec=DISABLE, servers=[server()])
        world.run(ends=ending)
        good = ConditionStatus.TRUE if phase is P.SUCCEEDED else ConditionStatus.FALSE
        assert world.phase == phase
        assert condition(world, "Succeeded").status is good
        assert condition(world, "Ready").status is good
        assert condition(world, "Finished").status is ConditionStatus.TRUE
        assert condition(world, "ProviderReady") is None
        assert (condition(world, "Stalled") is None) == (phase is P.SUCCEEDED)
        assert condition(world, "Reconciling") is None


@pytest.mark.parametrize("kind", ["Approved", "Blocked", "Drained"])
def test_a_condition_that_is_false_gives_a_cause_of_its_own(kind: str) -> None:
    world = PlanWorld(spec=DISABLE | {"approval": "Manual"})
    causes = {"Approved": R.AWAITING_APPROVAL, "Blocked": R.NOTHING_BLOCKED, "Drained": R.NOT_PROVEN}
    world.step()
    assert condition(world, kind).status is ConditionStatus.FALSE
    assert condition(world, kind).reason == causes[kind]

    world.order(PlanVerb.ABORT)
    world.step()

    assert world.phase == P.ABORTED
    assert condition(world, kind).status is ConditionStatus.FALSE
    assert condition(world, kind).reason == causes[kind].replace("AwaitingApproval", "NotApproved")


def test_a_host_that_a_server_is_left_on_is_not_drained_for_that_reason() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])

    world.step()

    assert condition(world, "Drained").reason == R.SERVERS_LEFT


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (Phase.SUCCEEDED, "Succeeded: every host is proven empty"),
        (Phase.FAILED, "Failed: ServersLeft: cmp1: 1 failed"),
    ],
)
def test_how_a_plan_ended_is_said_once(phase: Phase, text: str) -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])

    world.run(ends=phase)

    assert world.told["PlanFinished"] == text


def test_after_a_release_a_retry_disables_the_host_once_more_and_it_can_be_released_again() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.run(ends=Phase.FAILED)
    for token in ("once", "twice"):
        world.order(PlanVerb.RELEASE, token)
        for _ in range(4):
            world.step()
            world.wait(2.0)
        assert world.is_enabled("cmp1")
        world.order(PlanVerb.RETRY, token)
        world.step()
        assert not world.is_enabled("cmp1")
        assert condition(world, "HostsDisabled").status is ConditionStatus.FALSE
        world.run(ends=Phase.FAILED)
        assert condition(world, "HostsDisabled").status is ConditionStatus.TRUE


def test_while_hosts_are_given_back_they_are_not_called_disabled() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    world.run(ends=Phase.FAILED)
    host = world.status.hosts[0].model_copy(update={"released_time": world.now})
    status = world.status.model_copy(update={"hosts": (host,), "phase": P.PENDING, "completion_time": None})
    world.plan = world.plan.model_copy(update={"status": status})
    world.wait()
    world.step()

    assert condition(world, "HostsDisabled").reason == R.RELEASED


def test_many_blocked_servers_are_grouped_by_cause() -> None:
    servers = [server(number, status="ERROR") for number in range(1, 6)] + [server(9, status="SUSPENDED")]
    world = PlanWorld(spec={"mode": "Validate"}, servers=servers)

    world.step()

    assert condition(world, "Blocked").message == "ServerInError 5: web-1, web-2, web-3 (2 more); ServerState 1: web-9"


def test_nothing_to_do_for_a_young_decision_is_decided_again_after_the_read() -> None:
    world = PlanWorld(spec=DISABLE)
    first = decide_plan(world.observe())

    assert not isinstance(first, CommitPlan)
    assert isinstance(world.step(), CommitPlan)
    assert world.made(CreateChild) == []


def test_a_plan_begins_by_looks_of_its_own_and_not_by_those_of_another_plan_before_it() -> None:
    world = PlanWorld(spec=DISABLE, servers=[server()])
    enabled = world.services["cmp1"]
    world.services["cmp1"] = replace(enabled, is_enabled=False, disabled_reason="osmig/moves/drain/0ld0uid0: x")
    world.sweeps["cmp1"] = world.sweep("cmp1")
    world.services["cmp1"] = enabled
    world.wait(5.0)

    world.run()

    assert world.phase == P.SUCCEEDED
    assert "ServiceDisabled" in world.notes


def test_a_plan_for_a_project_does_not_begin_by_a_look_of_before() -> None:
    world = PlanWorld(spec={"targets": {"projectID": "77"}})
    world.target_sweep = world.look_at_servers()
    world.servers.append(server())
    world.wait(5.0)

    world.run()

    assert (world.phase, len(world.children)) == (P.SUCCEEDED, 1)


def test_a_long_list_of_servers_is_read_on_and_not_begun_anew_by_each_step() -> None:
    servers = [{"id": server_id(number)} for number in range(200)]
    world = PlanWorld(spec={"targets": {"servers": servers}})
    first = decide_plan(world.observe())
    assert isinstance(first, CommitPlan)
    world.commit(first)

    asked = []
    for _ in range(3):
        decision = decide_plan(world.observe())
        assert isinstance(decision, ReadCloud)
        asked.append(decision.targets_after_s)
        world.wait(50.0)

    assert asked == [1000.0] * 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("CMP1", "CMP1 (the cloud has cmp1)"),
        ("cmp1.example.org", "cmp1.example.org (the cloud has cmp1)"),
        ("cmp7", "the name cmp7"),
    ],
)
def test_a_host_in_another_spelling_is_named_as_the_cloud_spells_it(name: str, told: str) -> None:
    world = PlanWorld(spec={"targets": {"hosts": [name]}}, servers=[server()])
    world.step()

    reason = condition(world, "Succeeded")
    assert (reason.reason, world.phase) == (PlanReason.HOST_NOT_FOUND, P.WAITING)
    assert told in reason.message
    assert reason.message.endswith(told.rpartition(" has ")[2] if "cmp7" in told else ")")
