"""What moves on a cloud, whoever began it: counted for every engine, at a pace of its own, and never a silent 0."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import provider_body
from controller_fakes import PROVIDER
from controller_lab import Lab
from domain_samples import record
from osmig.api.names import Kind
from osmig.controllers.counting import NO_RIGHT, OFF
from osmig.controllers.listing import LIST_PERIOD_S, LIST_REST
from osmig.domain.capabilities import Scope
from osmig.domain.errors import BackendError, NotPermitted, TooManyRows, Transient, Unauthorized
from osmig.domain.operations import MoveKind, RecordView, Stage
from tenant_fakes import WALDUR, replication_body, waldur_body, waldur_secret

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

AWAY = Transient("Unreachable", "The endpoint answered 503 to list-all-runs", operation="list-all-runs")
FORBIDDEN = NotPermitted("NotPermitted", "Waldur forbids list-all-runs", operation="list-all-runs")
ENDLESS = TooManyRows("TooManyRows", "more than 20 pages", operation="list-all-runs")
REFUSED = Unauthorized("Unauthorized", "Waldur does not accept the token", operation="list-all-runs")


def run(number: int, stage: Stage = Stage.RUNNING, status: str = "CREATING") -> RecordView:
    return RecordView(id=f"{number:032x}", stage=stage, status=status, kind=MoveKind.REPLICATION)


async def waldur_lab(*operations: RecordView, error: BackendError | None = None, **discovery: Any) -> Lab:  # noqa: ANN401
    """An engine with a Provider of type Waldur, stepped once; its first list raises ``error``."""
    lab = Lab()
    lab.waldur.list_errors = [error] if error is not None else []
    lab.api.secrets["team-a", "waldur"] = waldur_secret()
    lab.waldur.operations = operations
    lab.offer(Kind.PROVIDER, waldur_body(discovery=discovery))
    await lab.step(WALDUR)
    return lab


def discover(lab: Lab, key: Key, mode: str) -> None:
    lab.api.objects[key]["spec"]["discovery"] = {"mode": mode}
    lab.api.change(key, generation=2)
    lab.show(key)


def upstream_of(lab: Lab, key: Key = WALDUR) -> dict[str, Any]:
    told: dict[str, Any] = lab.api.status(key)["upstream"]
    return {name: value for name, value in told.items() if name != "sampleTime"}


def is_ready(lab: Lab, key: Key = WALDUR) -> bool:
    session = lab.controllers.sessions.get(key)
    return session is not None and session.view.is_ready


# --- where sweeps list nothing


async def test_what_waldur_does_is_counted_by_state_and_type() -> None:
    scheduled = run(3, Stage.QUEUED, "CREATION_SCHEDULED")
    lab = await waldur_lab(run(1), run(2), scheduled, run(4, Stage.SUCCEEDED, "OK"), run(5, Stage.UNKNOWN, "PAUSED"))
    await lab.run(seconds=1)
    assert upstream_of(lab) == {
        "scope": "Project",
        "running": 3,
        "queued": 1,
        "awaitingConfirmation": 0,
        "byType": [{"type": "tenant-replication", "count": 4}],
    }
    for status, count in (("creating", 2), ("creation_scheduled", 1), ("other", 1), ("ok", 0)):
        assert lab.count("osmig_foreign_migrations", status=status) == count
    assert not next(family for family in lab.metrics.collect() if family.name == "osmig_unowned_confirmations").samples


async def test_before_the_first_list_nothing_is_said_to_be_none() -> None:
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = waldur_secret()
    lab.waldur.list_gate = asyncio.Event()
    lab.offer(Kind.PROVIDER, waldur_body())
    await lab.run(seconds=30)
    assert is_ready(lab), "a slow list holds up nothing"
    assert lab.tenants[0].calls.count("sweep") >= 3
    assert upstream_of(lab) == {"scope": "Project", "byType": []}
    assert lab.count("osmig_foreign_migrations") == 0
    assert lab.tenants[0].lists == 1


async def test_the_list_is_read_once_a_minute_and_more_rarely_when_it_takes_long() -> None:
    lab = await waldur_lab(run(1))
    await lab.run(seconds=600)
    assert lab.tenants[0].lists in {10, 11}
    lab.waldur.list_gate.clear()
    await lab.run(seconds=LIST_PERIOD_S + 30)
    lab.waldur.list_gate.set()
    lists = lab.tenants[0].lists
    await lab.run(seconds=LIST_REST * 30 - 60)
    assert lab.tenants[0].lists == lists


async def test_a_replication_of_ours_counts_and_is_nobody_elses() -> None:
    lab = await waldur_lab()
    lab.offer(Kind.MIGRATION, replication_body())
    await lab.run(seconds=30)
    [own] = [row for row in lab.api.objects.values() if row["kind"] == "Migration"]
    lab.waldur.operations = (replace(run(1), id=own["status"]["upstream"]["id"]), run(2))
    await lab.run(seconds=LIST_PERIOD_S + 10)
    assert upstream_of(lab)["running"] == 2
    assert lab.count("osmig_foreign_migrations") == 1


async def test_a_list_that_fails_makes_no_provider_unready_and_says_so_in_words_after_a_while() -> None:
    lab = await waldur_lab(run(1))
    await lab.run(seconds=5)
    lab.waldur.list_errors = [AWAY] * 3
    await lab.run(seconds=2 * LIST_PERIOD_S)
    assert upstream_of(lab)["running"] == 1, "what was listed last stands"
    await lab.run(seconds=LIST_PERIOD_S)
    assert is_ready(lab)
    assert upstream_of(lab) == {"scope": "Project", "byType": [], "message": AWAY.message}
    assert lab.count("osmig_foreign_migrations") == 0
    await lab.run(seconds=LIST_PERIOD_S + 60)
    assert upstream_of(lab)["running"] == 1


@pytest.mark.parametrize("error", [FORBIDDEN, ENDLESS], ids=["no right", "endless"])
async def test_a_list_that_may_not_be_read_is_told_at_once(error: BackendError) -> None:
    lab = await waldur_lab(run(1), error=error)
    await lab.run(seconds=5)
    assert is_ready(lab)
    assert upstream_of(lab) == {"scope": "Project", "byType": [], "message": error.message}


async def test_a_token_that_the_list_is_refused_for_is_refused() -> None:
    lab = await waldur_lab(run(1), error=REFUSED)
    await lab.run(seconds=5)
    reasons = {c["type"]: c["reason"] for c in lab.api.status(WALDUR)["conditions"]}
    assert reasons["Ready"] == "Unauthorized"


async def test_the_service_is_left_alone_for_as_long_as_it_asks() -> None:
    lab = await waldur_lab(run(1), error=Transient("Busy", "later", operation="o", retry_after_s=400.0))
    await lab.run(seconds=390)
    assert lab.tenants[0].lists == 1
    await lab.run(seconds=30)
    assert lab.tenants[0].lists == 2


async def test_off_lists_nothing_and_drops_the_series() -> None:
    lab = await waldur_lab(run(1), mode="Off")
    await lab.run(seconds=300)
    assert lab.tenants[0].lists == 0
    assert upstream_of(lab) == {"scope": "Project", "byType": [], "message": OFF}


async def test_turning_it_off_and_on_makes_no_new_connection() -> None:
    lab = await waldur_lab(run(1))
    await lab.run(seconds=5)
    assert lab.count("osmig_foreign_migrations") == 1
    discover(lab, WALDUR, "Off")
    await lab.run(seconds=60)
    assert lab.count("osmig_foreign_migrations") == 0
    assert upstream_of(lab)["message"] == OFF
    discover(lab, WALDUR, "Count")
    await lab.run(seconds=60)
    assert upstream_of(lab)["running"] == 1
    assert len(lab.tenants) == 1


async def test_a_provider_that_is_deleted_is_not_listed_on() -> None:
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = waldur_secret()
    lab.waldur.list_gate = asyncio.Event()
    lab.offer(Kind.PROVIDER, waldur_body())
    await lab.run(seconds=5)
    await lab.controllers.sessions.close_all()
    await lab.clock.pass_by(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("list ")]


# --- where sweeps list


async def nova_lab(*rows: RecordView, scope: Scope = Scope.CLOUD, **discovery: Any) -> Lab:  # noqa: ANN401
    lab = Lab()
    lab.cloud.rows, lab.cloud.scope = rows, scope
    lab.offer(Kind.PROVIDER, provider_body(spec={"discovery": discovery}))
    await lab.step(PROVIDER)
    return lab


async def test_credentials_that_may_list_nothing_say_so_and_count_no_zero() -> None:
    lab = await nova_lab(scope=Scope.UNKNOWN)
    assert upstream_of(lab, PROVIDER) == {"scope": "Unknown", "byType": [], "message": NO_RIGHT}
    names = {family.name for family in lab.metrics.collect() if family.samples}
    assert names.isdisjoint({"osmig_foreign_migrations", "osmig_unowned_confirmations"})


async def test_off_counts_no_move_and_still_knows_them() -> None:
    lab = await nova_lab(record("running"))
    assert lab.count("osmig_foreign_migrations") == 1
    discover(lab, PROVIDER, "Off")
    await lab.run(seconds=70)
    assert upstream_of(lab, PROVIDER) == {"scope": "Cloud", "byType": [], "message": OFF}
    assert lab.count("osmig_foreign_migrations") == 0
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    assert [row.id for row in session.rows] == ["7"], "limits count them"


async def test_moves_that_wait_for_nobodys_confirmation_are_counted() -> None:
    gate = replace(record("running", number=4), stage=Stage.AWAITING_CONFIRMATION, status="finished")
    lab = await nova_lab(gate, replace(gate, id="5", kind=MoveKind.RESIZE), record("running", number=6))
    assert lab.count("osmig_unowned_confirmations") == 2
    assert upstream_of(lab, PROVIDER)["awaitingConfirmation"] == 2
    assert upstream_of(lab, PROVIDER)["byType"] == [
        {"type": "live-migration", "count": 2},
        {"type": "resize", "count": 1},
    ]
    lab.cloud.rows = ()
    lab.cloud.is_full = True
    await lab.run(seconds=620)
    assert lab.count("osmig_unowned_confirmations") == 0


async def test_counts_that_change_with_every_sweep_are_written_twice_a_minute() -> None:
    lab = await nova_lab(record("running"))
    written = len(lab.api.puts)
    for turn in range(60):
        lab.cloud.rows = (record("running" if turn % 2 else "queued"),)
        await lab.clock.pass_by(10)
        await lab.step(PROVIDER)
    assert 18 <= len(lab.api.puts) - written <= 22
    await lab.clock.pass_by(60)
    await lab.step(PROVIDER)
    assert upstream_of(lab, PROVIDER)["running"] == 1, "the last ones are written in the end"
