"""Whatever servers, people, other tools and crashes do: what a plan never does."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from osmig.api.names import MigrationType, Phase
from osmig.api.plan_names import PlanVerb
from osmig.domain.operations import RecordView, Stage
from osmig.domain.plans import waves
from osmig.domain.plans.decisions import CommitPlan, CreateChild, DeletePlan, DisableService, EnableService
from osmig.domain.plans.naming import marker_of
from osmig.domain.plans.phases import PLAN_FINISHED
from plan_world import PlanWorld, server

if TYPE_CHECKING:
    from osmig.domain.plans.sweeps import HostSweep, ServiceRow

HOSTS = ("cmp1", "cmp2")
SPEC = {
    "targets": {"hosts": list(HOSTS)},
    "maintenance": {"computeService": "Disable"},
    "limits": {"maxInFlight": 3, "maxInFlightPerSourceHost": 2},
    "failureBudget": {"maxFailures": 1},
}
WAVES = {
    "waves": [{"name": "canary", "hosts": ["cmp2"]}, {"name": "rest", "hosts": ["cmp1"], "delaySeconds": 40}],
    "maintenance": {"computeService": "Disable", "disable": "PerWave"},
    "fallback": {"method": "Cold"},
}
TIMED = {"deadlineSeconds": 100}
VERBS = (
    PlanVerb.ABORT,
    PlanVerb.RELEASE,
    PlanVerb.RETRY,
    PlanVerb.PAUSE,
    PlanVerb.RESUME,
    PlanVerb.CONFIRM,
    PlanVerb.FORCE_COMPLETE,
)
ENDS = (Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.AWAITING_CONFIRMATION, Phase.RUNNING)

numbers = st.integers(1, 6)
events = st.one_of(
    st.tuples(st.sampled_from(["step"] * 6 + ["die", "restart", "short", "long"])),
    st.tuples(st.just("land"), numbers, st.sampled_from([*HOSTS, "cmp9"])),
    st.tuples(st.just("leave"), numbers),
    st.tuples(st.just("become"), numbers, st.sampled_from(["ACTIVE", "ERROR", "BUILD", "SOFT_DELETED", "SHUTOFF"])),
    st.tuples(st.just("child"), numbers, st.sampled_from(ENDS)),
    st.tuples(st.just("delete-child"), numbers),
    st.tuples(st.just("service"), st.sampled_from(HOSTS), st.sampled_from(["on", "off", "other"])),
    st.tuples(st.just("problem"), st.sampled_from(["", "", "HTTP 500"])),
    st.tuples(st.just("record"), st.sampled_from([*HOSTS, ""])),
    st.tuples(st.just("verb"), st.sampled_from(VERBS), st.integers(0, 50)),
)


def happen(world: PlanWorld, event: tuple[Any, ...]) -> None:
    """Let something happen that no plan has ordered."""
    kind, *rest = event
    if kind in {"restart", "short", "long", "problem", "record", "verb", "service"}:
        happen_around(world, kind, *rest)
    elif kind in {"land", "leave", "become"}:
        happen_to_server(world, kind, *rest)
    elif kind in {"child", "delete-child"}:
        happen_to_child(world, kind, *rest)


def happen_around(world: PlanWorld, kind: str, *rest: Any) -> None:  # noqa: ANN401 - of the event
    """Let the process, the clock, the cloud or people do something."""
    match kind:
        case "restart":
            world.restart()
        case "short":
            world.wait(3.0)
        case "long":
            world.wait()
        case "service":
            happen_to_service(world, *rest)
        case "problem":
            world.problem = rest[0]
        case "record":
            world.records = [RecordView(id="7", stage=Stage.RUNNING, destination_host=rest[0])] if rest[0] else []
        case _:
            world.order(rest[0], f"token-{rest[1]}")


def happen_to_server(world: PlanWorld, kind: str, number: int, *rest: str) -> None:
    """Let a server land, leave, or get another status."""
    id_ = server(number).id
    if kind == "become":
        world.servers = [dataclasses.replace(row, status=rest[0]) if row.id == id_ else row for row in world.servers]
        return
    world.servers = [row for row in world.servers if row.id != id_]
    if kind == "land":
        world.servers.append(server(number, host=rest[0]))


def happen_to_service(world: PlanWorld, host: str, change: str) -> None:
    """Let another tool change a compute service."""
    on = {"is_enabled": True, "disabled_reason": ""}
    changes: dict[str, Any] = on if change == "on" else {"is_enabled": False, "disabled_reason": change}
    world.services[host] = dataclasses.replace(world.services[host], **changes)


def happen_to_child(world: PlanWorld, kind: str, number: int, *rest: Any) -> None:  # noqa: ANN401 - a phase, or none
    """Let a Migration go on, end, or be deleted by somebody."""
    for child in list(world.children.values()):
        if child.server_id != server(number).id or child.is_finished:
            continue
        if kind == "delete-child":
            world.delete_child(child.name)
        elif rest[0] in {Phase.AWAITING_CONFIRMATION, Phase.RUNNING}:
            world.follow(child.name, phase=rest[0], is_sent=True)
        else:
            world.end(child.name, rest[0], reason="PreCheckFailed" if rest[0] is Phase.FAILED else "")


def assert_effects(world: PlanWorld, decision: CommitPlan) -> None:
    """Assert that every effect rests on what the newest sweep has shown."""
    for effect in decision.effects:
        if isinstance(effect, DisableService):
            assert service_of(world, effect.host).is_enabled
            (host,) = (one for one in decision.status.hosts if one.name == effect.host)
            assert host.before is not None
            assert host.order_time is not None
        elif isinstance(effect, EnableService):
            assert service_of(world, effect.host).disabled_reason.startswith(marker_of(world.plan))
            assert decision.status.phase in PLAN_FINISHED
        elif isinstance(effect, CreateChild):
            placement = effect.spec.placement
            assert placement is not None
            assert world.sweeps[str(placement.source_host)].is_complete
            assert decision.status.phase not in PLAN_FINISHED
            assert decision.status.start_time is not None
            deadline = decision.status.deadline_time
            assert world.plan.spec.on_deadline == "Alert" or (deadline is not None and world.now < deadline)
            assert placement.source_host in waves.list_begun(world.plan.spec, decision.status)
            assert_cold_for_a_reason(world, effect)


def assert_cold_for_a_reason(world: PlanWorld, effect: CreateChild) -> None:
    """Assert that a cold move is for a server that is off, or whose live move failed so that the plan wants it."""
    if effect.spec.type is not MigrationType.COLD_MIGRATION:
        return
    assert effect.spec.server is not None
    seen = {row.id: row for sweep in world.sweeps.values() for row in sweep.servers}
    earlier = [child.reason for child in world.children.values() if child.server_id == effect.spec.server.id]
    falls_back = world.plan.spec.fallback is not None and "PreCheckFailed" in earlier
    assert seen[str(effect.spec.server.id)].status == "SHUTOFF" or falls_back


def service_of(world: PlanWorld, host: str) -> ServiceRow:
    """Return the service as the newest sweep, a complete one, shows it."""
    service = world.sweeps[host].service
    assert service is not None
    assert world.sweeps[host].is_complete
    return service


def assert_bounds(world: PlanWorld) -> None:
    """Assert that no server has two Migrations under way, and no limit is passed."""
    under_way = [child for child in world.children.values() if not child.is_finished]
    assert all(count == 1 for count in Counter(child.server_id for child in under_way).values())


def is_quiet(sweep: HostSweep) -> bool:
    """Whether a sweep shows a closed, empty host."""
    service = sweep.service
    closed = service is not None and not service.is_enabled
    return sweep.is_complete and closed and not sweep.servers and not sweep.moves


def assert_proof(world: PlanWorld, known: set[str]) -> None:
    """Assert that a host that is newly called drained was seen so by the last sweeps, 30 s apart."""
    for host in world.status.hosts:
        if host.drained_time is None or host.name in known:
            continue
        last = world.history[host.name][-1]
        quiet = []
        for sweep in reversed(world.history[host.name]):
            if not is_quiet(sweep):
                break
            quiet.append(sweep)
        assert last.started_s - quiet[-1].started_s >= 30.0


def assert_last_look(world: PlanWorld) -> None:
    """Assert that a plan that ends now has looked at each host since the last Migration away from it was over."""
    if world.status.completion_time != world.now:
        return
    for host in world.status.hosts:
        if host.drained_time is None and host.name in world.over_s:
            assert world.sweeps[host.name].started_s > world.over_s[host.name]


@given(
    st.sampled_from([{}, WAVES, TIMED, TIMED | {"onDeadline": "Pause"}, WAVES | TIMED | {"onDeadline": "Abort"}]),
    st.lists(st.integers(1, 6), unique=True),
    st.lists(events, max_size=60),
)
def test_whatever_happens_a_plan_keeps_its_promises(
    more: dict[str, Any], present: list[int], happenings: list[tuple[Any, ...]]
) -> None:
    world = PlanWorld(
        spec=SPEC | more,
        servers=[server(number, host=HOSTS[number % 2]) for number in present],
        hosts=(*HOSTS, "cmp9"),
    )
    for event in happenings:
        if event[0] not in {"step", "die"}:
            happen(world, event)
            continue
        known = {host.name for host in world.status.hosts if host.drained_time is not None}
        limits = len([child for child in world.children.values() if child.is_in_flight])
        decision = world.step(dies_after_the_write=event[0] == "die")
        assert not isinstance(decision, DeletePlan)
        assert_effects(world, decision)
        assert_bounds(world)
        assert_proof(world, known)
        assert_last_look(world)
        made = [effect for effect in decision.effects if isinstance(effect, CreateChild)]
        assert not made or limits + len(made) <= 3
        if event[0] == "die":
            world.restart()


@given(st.lists(events, max_size=30))
def test_a_partial_sweep_never_drains_and_never_ends(happenings: list[tuple[Any, ...]]) -> None:
    world = PlanWorld(spec=SPEC, hosts=(*HOSTS, "cmp9"), problem="a cell is silent")
    for event in happenings:
        if event[0] not in {"problem", "verb"}:
            happen(world, event)
        world.step()
        world.wait()

    assert all(host.drained_time is None for host in world.status.hosts)
    assert world.status.completion_time is None
    assert world.done == []


@given(st.lists(events, max_size=30))
def test_another_tools_disabled_service_stays_as_it_is(happenings: list[tuple[Any, ...]]) -> None:
    world = PlanWorld(
        spec={**SPEC, "maintenance": {"computeService": "Disable", "onFinish": "Enable"}},
        servers=[server(1)],
        hosts=(*HOSTS, "cmp9"),
    )
    for host in HOSTS:
        happen_to_service(world, host, "other")
    for event in happenings:
        if event[0] not in {"service", "problem"}:
            happen(world, event)
        world.step()
        world.wait()

    assert {world.services[host].disabled_reason for host in HOSTS} == {"other"}
    assert not [effect for effect in world.done if isinstance(effect, (DisableService, EnableService))]
