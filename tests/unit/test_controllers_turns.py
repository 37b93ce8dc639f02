"""Whose turn it is: places by lane, namespace and in all, and turns that go round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_samples import migration_body, provider_body
from controller_fakes import PROVIDER
from controller_lab import Lab
from osmig.api.names import Kind
from osmig.controllers.inbox import Inbox
from osmig.controllers.intake import Intake
from osmig.controllers.keys import Key
from osmig.controllers.lanes import Lanes
from osmig.controllers.ledger import Ledger
from osmig.controllers.turns import Lane, Places, Sort, Turns
from plan_samples import plan_body

if TYPE_CHECKING:
    from typing import Any

    import pytest

PLACES = Places(lane=2, namespace=3, total=5)


def key_named(name: str, namespace: str = "a") -> Key:
    return Key(Kind.MIGRATION, namespace, name)


class Table:
    """Turns whose keys are told by name."""

    def __init__(self, places: Places = PLACES) -> None:
        """Let nobody wait."""
        self.turns = Turns(places)

    def add(self, *names: str, namespace: str = "a", provider: str = "p", sort: Sort = Sort.POLL) -> None:
        """Let keys wait."""
        for name in names:
            self.turns.add(key_named(name, namespace), Lane(namespace, sort, provider))

    def take(self) -> list[str]:
        """Give away every place that may be taken now."""
        taken = []
        while (key := self.turns.take()) is not None:
            taken.append(key.name)
        return taken

    def end(self, name: str, namespace: str = "a") -> None:
        """Let a step end."""
        self.turns.release(key_named(name, namespace))


def test_one_lane_has_its_places_in_the_order_of_coming_and_no_more() -> None:
    table = Table()
    table.add("m1", "m2", "m3", "m4")
    assert table.take() == ["m1", "m2"]
    assert table.take() == []
    table.end("m2")
    assert table.take() == ["m3"]


def test_another_provider_of_the_namespace_has_places_of_its_own_up_to_the_namespaces() -> None:
    table = Table()
    table.add("m1", "m2", "m3")
    table.add("n1", "n2", provider="q")
    assert table.take() == ["m1", "n1", "m2"]


def test_another_namespace_and_another_sort_wait_for_neither() -> None:
    table = Table(Places(lane=2, namespace=3, total=100))
    table.add("m1", "m2", "m3")
    table.take()
    table.add("order", sort=Sort.ORDER)
    table.add("start", sort=Sort.START)
    table.add("theirs", namespace="b")
    assert table.take() == ["order", "start", "theirs"]


def test_turns_go_round_between_namespaces_and_lanes() -> None:
    table = Table(Places(lane=9, namespace=9, total=100))
    table.add("m1", "m2", "m3")
    table.add("n1", provider="q")
    table.add("t1", "t2", namespace="b")
    assert table.take() == ["m1", "t1", "n1", "t2", "m2", "m3"]


def test_when_all_places_are_taken_the_first_step_of_a_namespace_is_not_held_up() -> None:
    table = Table(Places(lane=2, namespace=2, total=2))
    table.add("m1", "m2")
    assert table.take() == ["m1", "m2"]
    table.add("t1", "t2", namespace="b")
    assert table.take() == ["t1"], "its second waits like everybody's"
    table.end("m1")
    assert table.take() == []
    table.end("m2")
    assert table.take() == ["t2"]


def test_one_that_waits_changes_lanes_and_waits_in_one_only() -> None:
    table = Table(Places(lane=1, namespace=9, total=9))
    table.add("m1", "m2", "m3")
    assert table.take() == ["m1"]
    table.add("m3", sort=Sort.ORDER)
    table.add("m3", sort=Sort.ORDER)
    assert table.take() == ["m3"]
    table.add("m2", sort=Sort.ORDER)
    table.end("m3")
    table.end("m1")
    assert table.take() == ["m2"]


def body_of(name: str, status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
    body = migration_body(spec={"server": {"name": "web"}})
    body["metadata"] |= {"name": name, "uid": name, "resourceVersion": "5", **metadata}
    body["status"] = status or {}
    return body


def test_a_key_belongs_where_its_newest_body_says() -> None:
    inbox, ledger = Inbox(), Ledger()
    intake, lanes = Intake(inbox, ledger, lambda _: None), Lanes(inbox, ledger)
    running = {"phase": "Running", "upstream": {"id": "7"}}
    over = {"phase": "Succeeded", "completionTime": "2030-01-01T00:00:00Z"}
    accepted, sent = {"verb": "abort", "result": "Accepted"}, {"sentTime": "2030-01-01T00:00:00Z"}
    policy = {"policy": "OnStall", "verb": "abort"}
    for body in (
        body_of("new"),
        body_of("accepted", running | {"controls": [accepted]}),
        body_of("wanted by the spec", running | {"policyOrders": [policy]}),
        body_of("sent", running | {"controls": [accepted | sent], "policyOrders": [policy | sent]}),
        body_of("rejected", running | {"controls": [accepted | {"result": "Rejected"}]}),
        body_of("alerted", running | {"policyOrders": [{"policy": "OnStall"}]}),
        body_of("running", running),
        body_of("over", over, deletionTimestamp="2030-01-01T00:00:00Z"),
        body_of("told", running, annotations={"osmig.dev/abort": "1"}),
        body_of("deleted", running, deletionTimestamp="2030-01-01T00:00:00Z"),
        body_of("given up", {"phase": "Queued"}, deletionTimestamp="2030-01-01T00:00:00Z"),
    ):
        intake.take(Kind.MIGRATION, body)
    sorts = {name: lanes.find(Key(Kind.MIGRATION, "team-a", name)) for name in ("new", "running", "over", "told")}
    assert {name: lane.sort for name, lane in sorts.items()} == {
        "new": Sort.START,
        "running": Sort.POLL,
        "over": Sort.POLL,
        "told": Sort.ORDER,
    }
    for name in ("sent", "rejected", "alerted"):
        assert lanes.find(Key(Kind.MIGRATION, "team-a", name)).sort is Sort.POLL
    for name in ("deleted", "given up", "accepted", "wanted by the spec"):
        assert lanes.find(Key(Kind.MIGRATION, "team-a", name)).sort is Sort.ORDER
    assert {lane.provider for lane in sorts.values()} == {"region-one"}
    assert lanes.find(PROVIDER) == Lane("team-a", Sort.OTHER_KIND, "region-one")
    assert lanes.find(Key(Kind.MIGRATION, "team-a", "gone")).sort is Sort.OTHER_KIND


async def test_a_hundred_migrations_of_a_provider_that_hangs_cost_another_tenant_no_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab()
    lab.api.secrets["team-b", "clouds"] = {"clouds.yaml": b"x"}
    begun: list[tuple[float, str]] = []
    scheduler = lab.controllers.scheduler

    async def step(key: Key) -> None:
        """Make a step that hangs if it is the neighbour's."""
        begun.append((lab.clock.elapsed, key.namespace))
        if key.namespace == "team-a":
            await lab.clock.sleep(60.0)

    monkeypatch.setattr(scheduler, "_step", step)
    lab.offer(Kind.PROVIDER, provider_body())
    for number in range(100):
        lab.offer(Kind.MIGRATION, body_of(f"slow-{number}"))
    for number in range(30):
        lab.offer(Kind.MIGRATION, body_of(f"running-{number}", {"phase": "Running", "upstream": {"id": str(number)}}))
    lab.clock.advance(1.0)
    healthy = body_of("healthy", namespace="team-b")
    lab.offer(Kind.MIGRATION, healthy)
    await lab.run(seconds=0.5)
    assert [at for at, namespace in begun if namespace == "team-b"] == [1.0]


async def test_plans_of_a_provider_that_hangs_cost_neither_providers_nor_other_plans_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab()
    begun: list[tuple[float, str]] = []
    scheduler = lab.controllers.scheduler

    async def step(key: Key) -> None:
        """Make a step that hangs if it is one of the slow Provider's plans."""
        begun.append((lab.clock.elapsed, key.name))
        if key.name.startswith("slow"):
            await lab.clock.sleep(60.0)

    monkeypatch.setattr(scheduler, "_step", step)
    for number in range(100):
        lab.offer(Kind.PLAN, plan_body(name=f"slow-{number}", uid=f"slow-{number}", namespace="team-a"))
    lab.clock.advance(1.0)
    lab.offer(Kind.PROVIDER, provider_body())
    other = {"providerRef": {"name": "region-two"}}
    lab.offer(Kind.PLAN, plan_body(spec=other, name="other", uid="other", namespace="team-a"))
    await lab.run(seconds=0.5)
    assert sorted(name for at, name in begun if at == 1.0 and not name.startswith("slow")) == ["other", "region-one"]
    assert 0 < sum(name.startswith("slow") for _, name in begun) <= 20
