"""What a plan does to the world: each Migration once, services only under a permit, nothing once the plan is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import SERVER_ID, migration_body
from controller_lab import Lab, lab_with
from host_fakes import FakeHosts, service
from osmig.api.migration import parse_migration
from osmig.api.names import Kind, Verb
from osmig.api.plan_names import LABEL_PLAN_UID
from osmig.controllers.deletion_events import DeletionEvents
from osmig.controllers.keys import Key
from osmig.controllers.ledger import Ledger
from osmig.controllers.permits import Fence
from osmig.controllers.plan_effects import MAX_REFUSED, EffectResults, PlanEffects
from osmig.controllers.publishing import Publisher
from osmig.domain.errors import (
    InvalidWrite,
    KubeForbidden,
    KubeUnavailable,
    ObjectChanged,
    ObjectGone,
    QuotaReached,
    Transient,
)
from osmig.domain.plans.decisions import CreateChild, DisableService, EnableService, OrderChild
from osmig.domain.plans.naming import name_child_of
from osmig.domain.plans.services import FIRST_PAUSE_S, MAX_PAUSE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osmig.domain.plans.decisions import Effect

PLAN = Key(Kind.PLAN, "team-a", "drain")
CHILD = Key(Kind.MIGRATION, "team-a", name_child_of("drain", "plan-1", SERVER_ID, 1))
MARKER = "osmig/team-a/drain/plan-1:"
MOVE = CreateChild(
    name=CHILD.name,
    labels={LABEL_PLAN_UID: "plan-1"},
    spec=parse_migration(migration_body(spec={"server": {"id": SERVER_ID}, "placement": {"sourceHost": "cmp1"}})).spec,
)
DISABLE = DisableService(host="cmp1", service_id="service-cmp1", reason=f"{MARKER} firmware")
ENABLE = EnableService(host="cmp1", service_id="service-cmp1", marker=MARKER)
ABORT = OrderChild(name=CHILD.name, verb=Verb.ABORT, token="plan-1-abort")  # noqa: S106 - a verb's token is no secret


def plan_body() -> dict[str, Any]:
    """A plan as far as its effects go."""
    metadata = {"name": "drain", "namespace": "team-a", "uid": "plan-1"}
    return {"metadata": metadata, "spec": {"providerRef": {"name": "region-one"}, "targets": {"hosts": ["cmp1"]}}}


class Scene:
    """A plan, an API server and a cloud with two hosts."""

    def __init__(self, lab: Lab) -> None:
        """Let the plan be known."""
        self.lab = lab
        self.hosts = FakeHosts(services={name: service(name) for name in ("cmp1", "cmp2")})
        self.results = EffectResults()
        controllers = lab.controllers
        fence = Fence(lab.clock, lambda: lab.fence_s, call_before_s=5.0)
        publisher = Publisher(
            inbox=controllers.inbox,
            intake=controllers.intake,
            statuses=lab.api,
            resources=lab.api.as_resources,
            events=lab.events.as_recorder,
            deletion_events=DeletionEvents(inbox=controllers.inbox, ledger=Ledger(), events=lab.events.as_recorder),
        )
        self.effects = PlanEffects(inbox=controllers.inbox, publisher=publisher, fence=fence, clock=lab.clock)
        lab.offer(Kind.PLAN, plan_body())

    async def carry_out(self, *effects: Effect) -> None:
        """Carry effects out."""
        await self.effects.carry_out(PLAN, effects, self.hosts, self.results)

    def taken(self) -> frozenset[str]:
        """Return the names that are known to belong to others."""
        return self.results.pauses.list_names(self.lab.clock.boottime(), is_taken=True)

    def created(self) -> list[str]:
        """Return what was created, in order."""
        return [change for change in self.lab.api.changes if change.startswith("create")]


async def scene() -> Scene:
    """Begin with a plan that has done nothing."""
    return Scene(await lab_with())


def test_a_child_is_created_as_the_plans_and_is_known_at_once() -> None:
    async def story() -> None:
        begun = await scene()
        await begun.carry_out(MOVE)
        body = begun.lab.api.objects[CHILD]
        (owner,) = body["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
            "MigrationPlan",
            "plan-1",
            True,
            False,
        )
        assert body["metadata"]["labels"] == {LABEL_PLAN_UID: "plan-1"}
        assert body["spec"]["server"] == {"id": SERVER_ID}
        assert begun.lab.controllers.inbox.get(CHILD) is not None

    asyncio.run(story())


@pytest.mark.parametrize("is_known", [False, True])
def test_a_child_that_an_earlier_self_made_is_not_made_twice(*, is_known: bool) -> None:
    async def story() -> None:
        begun = await scene()
        await begun.carry_out(MOVE)
        if not is_known:
            begun.lab.controllers.inbox.forget(CHILD)
        await begun.carry_out(MOVE)
        assert begun.created() == [f"create {CHILD.name}"]
        assert begun.taken() == set()
        assert begun.lab.controllers.inbox.get(CHILD) is not None

    asyncio.run(story())


def test_a_creation_whose_answer_was_lost_ends_the_step_and_is_found_by_the_next() -> None:
    async def story() -> None:
        begun = await scene()
        begun.lab.api.create_errors = [KubeUnavailable("Timeout", "no answer")]
        with pytest.raises(KubeUnavailable):
            await begun.carry_out(MOVE)
        await begun.carry_out(MOVE)
        assert begun.created() == [f"create {CHILD.name}"]

    asyncio.run(story())


def test_a_migration_that_the_api_server_refuses_is_told_until_one_is_made() -> None:
    async def story() -> None:
        begun = await scene()
        begun.lab.api.create_errors = [
            KubeForbidden("Forbidden", "exceeded quota"),
            InvalidWrite("Invalid", "denied by a policy"),
        ]
        for told in ("exceeded quota", "denied by a policy"):
            await begun.carry_out(MOVE)
            assert begun.results.pauses.why == f"no Migration can be made: {told}"
            begun.lab.clock.advance(MAX_PAUSE_S)
        await begun.carry_out(MOVE)
        assert begun.results.pauses.why == ""

    asyncio.run(story())


def others(count: int) -> list[CreateChild]:
    """Make more Migrations, of other names."""
    return [replace(MOVE, name=f"drain-{number}") for number in range(count)]


async def count_refused(begun: Scene, refusals: Sequence[Exception], *effects: Effect) -> int:
    """Carry effects out at an API server that refuses what is created; return how often it was asked."""
    begun.lab.api.create_errors = list(refusals)
    await begun.carry_out(*effects)
    return len(refusals) - len(begun.lab.api.create_errors)


def test_a_quota_that_is_used_up_is_asked_once_then_ever_more_rarely() -> None:
    async def story() -> None:
        begun, asked = await scene(), []
        full = [QuotaReached("QuotaReached", "exceeded quota: osmig")] * 100
        for _ in range(24 * 3600 // 30):
            asked.append(await count_refused(begun, full, *others(20)))
            begun.lab.clock.advance(30.0)
        assert asked[:3] == [1, 1, 0]
        assert max(asked) == 1
        assert sum(asked) <= 24 * 3600 / MAX_PAUSE_S + 5
        begun.lab.clock.advance(MAX_PAUSE_S)
        begun.lab.api.create_errors = []
        await begun.carry_out(*others(20))
        assert len(begun.created()) == 20
        assert begun.results.pauses.why == ""

    asyncio.run(story())


def test_one_migration_that_a_policy_denies_holds_up_none_of_the_others() -> None:
    async def story() -> None:
        begun = await scene()
        assert await count_refused(begun, [KubeForbidden("Forbidden", "denied")], *others(3)) == 1
        assert begun.created() == ["create drain-1", "create drain-2"]
        now_s = begun.lab.clock.boottime()
        assert begun.results.pauses.list_names(now_s, is_taken=False) == {"drain-0"}
        assert begun.results.pauses.list_names(now_s + FIRST_PAUSE_S, is_taken=False) == frozenset()

    asyncio.run(story())


def test_a_policy_that_denies_all_migrations_is_asked_a_few_times_in_a_step_and_not_in_the_next() -> None:
    async def story() -> None:
        begun = await scene()
        denied = [InvalidWrite("Invalid", "denied")] * 100
        assert await count_refused(begun, denied, *others(50)) == MAX_REFUSED
        begun.lab.clock.advance(1.0)
        assert await count_refused(begun, denied, *others(50)) == 0

    asyncio.run(story())


def test_an_order_to_one_migration_that_a_policy_denies_reaches_the_others() -> None:
    async def story() -> None:
        begun = await scene()
        two = [replace(ABORT, name=child.name) for child in others(2)]
        await begun.carry_out(*others(2))
        begun.lab.api.annotate_errors = [KubeForbidden("Forbidden", "no right to abort")]
        await begun.carry_out(*two)
        assert begun.results.pauses.why == "abort cannot be ordered of drain-0: no right to abort"
        orders = [one["metadata"].get("annotations", {}) for one in begun.lab.api.objects.values()]
        assert orders.count({"osmig.dev/abort": "plan-1-abort"}) == 1
        begun.lab.api.annotate_errors = [KubeForbidden("Forbidden", "no right to abort")]
        await begun.carry_out(two[0])
        assert len(begun.lab.api.annotate_errors) == 1, "not asked again so soon"
        begun.lab.clock.advance(MAX_PAUSE_S)
        begun.lab.api.annotate_errors = []
        await begun.carry_out(two[0])
        assert begun.results.pauses.why == ""

    asyncio.run(story())


def test_a_migration_that_may_not_be_tried_again_lets_others_pass() -> None:
    async def story() -> None:
        begun = await scene()
        await begun.carry_out(MOVE)
        begun.lab.api.annotate_errors = [KubeForbidden("Forbidden", "no right to retry")]
        await begun.carry_out(replace(ABORT, verb=Verb.RETRY))
        assert begun.results.pauses.list_names(begun.lab.clock.boottime(), is_taken=False) == {CHILD.name}

    asyncio.run(story())


@pytest.mark.parametrize("owner", [None, {"name": "drain", "uid": "plan-0"}])
def test_a_name_that_somebody_else_has_is_told(owner: dict[str, Any] | None) -> None:
    async def story() -> None:
        begun = await scene()
        body = migration_body(spec={"server": {"id": SERVER_ID}})
        body["metadata"] |= {"name": CHILD.name, "uid": "foreign"}
        if owner:
            kind = {"apiVersion": "osmig.dev/v1alpha1", "kind": "MigrationPlan", "controller": True}
            body["metadata"]["ownerReferences"] = [kind | owner]
        begun.lab.api.add(Kind.MIGRATION, body)
        await begun.carry_out(MOVE)
        assert begun.taken() == {CHILD.name}

    asyncio.run(story())


def test_a_name_that_is_free_again_right_after_it_was_taken_is_left_to_the_next_step() -> None:
    async def story() -> None:
        begun = await scene()
        await begun.carry_out(MOVE)
        begun.lab.api.get_error = ObjectGone("NotFound", "gone")
        await begun.carry_out(MOVE)
        assert begun.taken() == set()

    asyncio.run(story())


def test_nothing_is_created_for_a_plan_that_is_gone_or_going() -> None:
    async def story() -> None:
        begun = await scene()

        def delete(_: object = None) -> None:
            body = plan_body()
            body["metadata"] |= {"deletionTimestamp": "2030-01-01T00:00:00Z", "finalizers": ["x"]}
            begun.lab.offer(Kind.PLAN, body)

        begun.hosts.on_change = delete
        with pytest.raises(ObjectChanged):
            await begun.carry_out(DISABLE, MOVE)
        begun.lab.controllers.inbox.forget(PLAN)
        with pytest.raises(ObjectGone):
            await begun.carry_out(MOVE)
        assert begun.created() == []

    asyncio.run(story())


def test_a_service_is_changed_under_a_permit_that_the_lease_gives() -> None:
    async def story() -> None:
        begun = await scene()
        await begun.carry_out(DISABLE)
        assert begun.hosts.orders == [("cmp1", DISABLE.reason)]
        begun.lab.fence_s = 0.0
        await begun.carry_out(ENABLE)
        assert begun.hosts.permits == [True, False]

    asyncio.run(story())


def test_a_service_that_could_not_be_changed_is_told_until_it_could() -> None:
    async def story() -> None:
        begun = await scene()
        begun.hosts.fail["disable"] = [Transient("Unreachable", "no answer from it", operation="disable-host")]
        await begun.carry_out(DISABLE, MOVE)
        assert begun.results.problems == {"cmp1": "no answer from it"}
        assert begun.created() == [f"create {CHILD.name}"], "one host does not hold up the others"
        await begun.carry_out(DISABLE)
        assert begun.results.problems == {}

    asyncio.run(story())


def test_services_wait_while_there_is_no_connection() -> None:
    async def story() -> None:
        begun = await scene()
        await begun.effects.carry_out(PLAN, (DISABLE, MOVE), None, begun.results)
        assert begun.hosts.orders == []
        assert begun.created() == [f"create {CHILD.name}"]

    asyncio.run(story())


def test_an_order_to_a_child_is_its_annotation_and_one_that_is_gone_gets_none() -> None:
    async def story() -> None:
        begun = await scene()
        await begun.carry_out(ABORT)
        await begun.carry_out(MOVE, ABORT)
        annotations = begun.lab.api.objects[CHILD]["metadata"]["annotations"]
        assert annotations == {"osmig.dev/abort": "plan-1-abort"}
        begun.lab.api.objects.pop(CHILD)
        await begun.carry_out(ABORT)

    asyncio.run(story())
