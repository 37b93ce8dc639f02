"""The small parts: waits, permits, effects, swept rows, sessions."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import provider_body
from controller_fakes import MIGRATION, OTHER, PROVIDER
from domain_samples import REQUEST, migration, record
from fake_clock import FakeClock, HeldClock
from osmig.api.migration import MigrationType
from osmig.api.names import Kind, Reason, Verb
from osmig.api.provider import ProviderType
from osmig.clock import SystemClock
from osmig.controllers.first_sweep import FirstSweep
from osmig.controllers.inbox import Inbox
from osmig.controllers.permits import Fence
from osmig.controllers.sessions import Sessions
from osmig.controllers.sweeping import Rows
from osmig.controllers.waits import Waits
from osmig.domain.calls import Answer, Call, Receipt
from osmig.domain.clock import Clock
from osmig.domain.errors import Transient
from osmig.domain.operations import RecordView, Stage, Sweep
from osmig.drivers import servers, tenants
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall
from osmig.drivers.tenants.views import ReplicaJob
from server_fakes import FakeBackend
from tenant_fakes import FakeWaldur

if TYPE_CHECKING:
    from osmig.drivers.driver import Driver

LATER = Transient("Unreachable", "x", operation="o")
LIVE = MigrationType.LIVE_MIGRATION
REPLICA_JOB = ReplicaJob(source_resource="s", destination_offering="o", destination_plan="p")
CALLS: dict[Call, Driver[Any, Any]] = {
    StartCall(): servers.DRIVER,
    VerbCall(verb=Verb.ABORT, record_id="7"): servers.DRIVER,
    ReplicateCall(job=REPLICA_JOB): tenants.DRIVER,
    TerminateCall(replica_id="r"): tenants.DRIVER,
}
SENT = (Verb.ABORT, Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT)


# --- waits


def test_a_wait_goes_on_while_its_label_stays_and_begins_anew_with_another() -> None:
    clock = FakeClock()
    waits = Waits(clock)
    assert waits.ages(MIGRATION) == {}
    waits.note(MIGRATION, "x")
    clock.advance(5)
    waits.note(MIGRATION, "x")
    assert waits.ages(MIGRATION) == {"x": 5.0}
    assert waits.ages(OTHER) == {}
    waits.note(MIGRATION, "y")
    clock.advance(1)
    assert waits.ages(MIGRATION) == {"y": 1.0}
    waits.note(MIGRATION, "")
    waits.note(MIGRATION, "")
    assert waits.ages(MIGRATION) == {}


def test_every_clock_offers_what_the_domain_asks_for() -> None:
    wanted = {name for name in vars(Clock) if not name.startswith("_")}
    assert wanted == {"now", "boottime", "sleep"}
    for clock in (FakeClock(), HeldClock(), SystemClock()):
        assert wanted <= set(dir(clock))


# --- permits


@pytest.mark.parametrize(
    ("passed_s", "fence_s", "is_valid"),
    [(0.0, 10.0, True), (4.9, 0.1, True), (5.0, 10.0, False), (1.0, 0.0, False), (1.0, -3.0, False)],
)
def test_a_permit_holds_for_five_seconds_after_the_write_began_and_while_the_lease_is_ours(
    *,
    passed_s: float,
    fence_s: float,
    is_valid: bool,
) -> None:
    clock = FakeClock()
    permit = Fence(clock, lambda: fence_s, call_before_s=5.0).permit(clock.boottime())
    clock.advance(passed_s)
    assert permit.is_valid() is is_valid


# --- effects


async def test_a_start_is_sent_once_and_its_receipt_is_the_answer() -> None:
    backend, clock = FakeBackend(), FakeClock()
    permit = Fence(clock, lambda: 1.0, call_before_s=5.0).permit(clock.boottime())
    answer = await servers.DRIVER.send(backend, StartCall(), migration(), permit)
    assert answer == Answer(call=StartCall(), receipt=Receipt(request_id=REQUEST))
    assert (backend.calls, backend.permits) == (["start"], [True])


@pytest.mark.parametrize("call", [StartCall(), *(VerbCall(verb=verb, record_id="7") for verb in SENT)])
async def test_every_expected_failure_of_a_call_is_an_answer(call: StartCall | VerbCall) -> None:
    backend, clock = (
        FakeBackend(fail={name: [LATER] for name in ("start", *(f"{verb} 7" for verb in SENT))}),
        FakeClock(),
    )
    permit = Fence(clock, lambda: 1.0, call_before_s=5.0).permit(clock.boottime())
    answer = await servers.DRIVER.send(backend, call, migration(), permit)
    assert answer == Answer(call=call, error=LATER)


@pytest.mark.parametrize("verb", SENT)
async def test_an_order_is_sent_to_its_record(verb: Verb) -> None:
    backend, clock = FakeBackend(), FakeClock()
    permit = Fence(clock, lambda: 1.0, call_before_s=5.0).permit(clock.boottime())
    call = VerbCall(verb=verb, record_id="7")
    answer = await servers.DRIVER.send(backend, call, migration(), permit)
    assert answer == Answer(call=call)
    assert backend.calls == [f"{verb} 7"]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: type(call).__name__)
async def test_a_call_reaches_the_backends_of_its_own_driver_alone(call: Call) -> None:
    permit = Fence(FakeClock(), lambda: 1.0, call_before_s=5.0).permit(0.0)
    pairs: list[tuple[Driver[Any, Any], Any]] = [
        (servers.DRIVER, FakeBackend()),
        (tenants.DRIVER, FakeWaldur().connect("good")),
    ]
    for driver, backend in pairs:
        if driver is CALLS[call]:
            assert (await driver.send(backend, call, migration(), permit)).error is None
            assert len(backend.calls) == 1
        else:
            with pytest.raises(TypeError, match=f"{type(call).__name__} is no call about"):
                await driver.send(backend, call, migration(), permit)
            assert backend.calls == []


# --- swept rows


def sweep(*rows: RecordView, is_full: bool = False) -> Sweep:
    return Sweep(records=tuple(rows), cursor=None, is_full=is_full)


def none_of_ours(_: str) -> bool:
    return False


def test_a_sweep_tells_what_is_new_or_changed() -> None:
    rows = Rows()
    first = record("queued")
    assert rows.merge(sweep(first), is_ours=none_of_ours) == {"7"}
    assert rows.merge(sweep(first), is_ours=none_of_ours) == frozenset()
    assert rows.merge(sweep(record("running")), is_ours=none_of_ours) == {"7"}
    assert rows.get("7") == record("running")


def test_what_is_over_is_kept_only_for_a_migration_of_ours() -> None:
    rows = Rows()
    rows.merge(sweep(record("running", number=7), record("running", number=8)), is_ours=none_of_ours)
    over = sweep(record("completed", number=7), record("completed", number=8))
    assert rows.merge(over, is_ours=lambda record_id: record_id == "7") == {"7", "8"}
    assert rows.get("7") == record("completed", number=7)
    assert rows.get("8") is None


def test_what_a_full_sweep_leaves_out_has_vanished_and_a_partial_one_leaves_out_what_did_not_change() -> None:
    rows = Rows()
    rows.merge(sweep(record(number=7), record(number=8)), is_ours=none_of_ours)
    assert rows.merge(sweep(), is_ours=none_of_ours) == frozenset()
    assert rows.merge(sweep(record(number=8), is_full=True), is_ours=none_of_ours) == {"7"}
    assert rows.get("7") is None
    rows.forget("8")
    rows.forget("8")
    assert rows.get("8") is None


def test_a_row_is_found_by_its_id_or_its_uuid() -> None:
    rows = Rows()
    rows.merge(sweep(record(number=7), record(number=8, uuid="u-8")), is_ours=none_of_ours)
    assert [rows.find(name) for name in ("7", "u-8", "u-9")] == [rows.get("7"), rows.get("8"), None]
    assert {row.id for row in rows} == {"7", "8"}


def test_rows_are_counted_by_what_they_wait_for_and_foreign_ones_by_their_word() -> None:
    rows = Rows()
    cold = replace(record("running", number=4), stage=Stage.AWAITING_CONFIRMATION, status="finished")
    found = [record("running", number=1), record("queued", number=2), record("accepted", number=3), cold]
    rows.merge(sweep(*found, record("completed", number=5)), is_ours=lambda record_id: record_id in {"1", "5"})
    by_type = ({"type": "live-migration", "count": 4},)
    assert rows.count() == {"running": 1, "queued": 2, "awaiting_confirmation": 1, "by_type": by_type}
    assert rows.count_unowned_confirmations(is_ours=lambda _: False) == 1
    assert rows.count_unowned_confirmations(is_ours=lambda record_id: record_id == "4") == 0
    foreign = rows.count_foreign(is_ours=lambda record_id: record_id == "1")
    assert foreign == {"queued": 1, "accepted": 1, "finished": 1}


def test_a_sweep_that_began_before_a_read_does_not_undo_what_the_read_brought() -> None:
    rows = Rows()
    accepted = replace(record("accepted"), updated=None)
    then = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    queued = replace(record("queued"), updated=then)
    running = replace(record("running"), updated=then + dt.timedelta(microseconds=1))
    rows.learn([queued])
    assert rows.merge(sweep(accepted), is_ours=none_of_ours) == frozenset()
    assert rows.get("7") == queued
    assert rows.merge(sweep(running), is_ours=none_of_ours) == {"7"}
    rows.learn([queued, record("completed", number=6)])
    assert rows.get("7") == running
    assert rows.get("6") is None


def test_a_row_that_is_dated_ahead_is_changed_by_what_is_dated_right() -> None:
    rows, now = Rows(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    ahead = replace(record("running"), updated=now + dt.timedelta(minutes=5))
    rows.learn([ahead])
    rows.begin_sweep()
    over = replace(record("post-migrating"), updated=now)
    assert rows.merge(sweep(over), is_ours=none_of_ours) == {"7"}
    rows.merge(sweep(ahead), is_ours=none_of_ours)
    ended = replace(record("completed"), updated=now)
    rows.learn([ended])
    assert rows.get("7") == ended


# --- sessions


async def test_a_provider_that_does_not_exist_is_not_found_and_one_that_is_new_is_probed() -> None:
    sessions = Sessions()
    assert sessions.view(PROVIDER, LIVE, ProviderType.OPENSTACK, exists=False).reason == Reason.PROVIDER_NOT_FOUND
    assert sessions.view(PROVIDER, LIVE, ProviderType.OPENSTACK, exists=True).reason == Reason.PROBING
    session = sessions.ensure(PROVIDER)
    assert sessions.ensure(PROVIDER) is session
    assert sessions.view(PROVIDER, LIVE, ProviderType.OPENSTACK, exists=True) is session.view
    assert (session.view.is_ready, session.view.reason) == (False, Reason.PROBING)


async def test_closing_closes_connections_once() -> None:
    sessions = Sessions()
    backend = FakeBackend()
    sessions.ensure(PROVIDER).backend = backend
    sessions.ensure(OTHER)
    await sessions.close_all()
    await sessions.close(PROVIDER)
    assert backend.is_closed
    assert sessions.get(PROVIDER) is None


def test_every_provider_of_the_start_must_have_been_contacted_once() -> None:
    inbox, sessions = Inbox(), Sessions()
    first_sweep = FirstSweep(inbox, sessions)
    assert not first_sweep.is_over(), "nothing was listed yet"
    inbox.offer(Kind.PROVIDER, provider_body())
    first_sweep.begin()
    assert not first_sweep.is_over()
    sessions.ensure(PROVIDER)
    assert not first_sweep.is_over()
    sessions.ensure(PROVIDER).is_attempted = True
    assert first_sweep.is_over()


def test_a_provider_that_comes_later_is_not_waited_for() -> None:
    inbox, sessions = Inbox(), Sessions()
    first_sweep = FirstSweep(inbox, sessions)
    first_sweep.begin()
    assert first_sweep.is_over()
    inbox.offer(Kind.PROVIDER, provider_body())
    assert first_sweep.is_over()


def test_a_provider_that_is_gone_is_not_waited_for() -> None:
    inbox, sessions = Inbox(), Sessions()
    first_sweep = FirstSweep(inbox, sessions)
    inbox.offer(Kind.PROVIDER, provider_body())
    first_sweep.begin()
    inbox.forget(PROVIDER)
    assert first_sweep.is_over()
