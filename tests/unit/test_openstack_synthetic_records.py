"""Records made up from a server and its actions: which stage each move has come to, as far as these can tell."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from http_upstream import Upstream, answer
from nova_support import GRANTED
from old_clouds import SERVER, ask, speak
from osmig.api.names import Verb
from osmig.domain.errors import BackendError, NotInThisState, NotPermitted, Unsupported
from osmig.domain.operations import MoveKind, RecordView, Stage
from osmig.drivers.servers.nova.synthetic_records import is_synthetic, judge_by_events, make_records
from osmig.drivers.servers.nova.translate import ActionView
from osmig.drivers.servers.views import ServerView

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from osmig.drivers.servers.ports import ServerBackend

BEGIN = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
LIVE, COLD, RESIZE = "live-migration", "migrate", "resize"
IDLE = ServerView(id="s", name="vm", status="ACTIVE")
OFF = ServerView(id="s", name="vm", status="SHUTOFF")
IN_ERROR = ServerView(id="s", name="vm", status="ERROR", is_in_error=True)


def busy(status: str, task_state: str | None = None) -> ServerView:
    return ServerView(id="s", name="vm", status=status, task_state=task_state, is_busy=True)


def actions(*words: str) -> tuple[ActionView, ...]:
    """Make actions from words, oldest first; a word with ! failed. Nova lists the newest first."""
    made = [
        ActionView(
            request_id=f"req-{number}",
            name=word.rstrip("!"),
            user_id="u",
            started=BEGIN + dt.timedelta(minutes=number),
            is_failed=word.endswith("!"),
        )
        for number, word in enumerate(words)
    ]
    return tuple(reversed(made))


CASES: list[tuple[ServerView, tuple[str, ...], Stage]] = [
    # under way
    (busy("MIGRATING", "migrating"), (LIVE,), Stage.RUNNING),
    (busy("MIGRATING"), (LIVE,), Stage.RUNNING),
    (busy("MIGRATING", "migrating"), (LIVE, "live_migration_cancel"), Stage.RUNNING),
    (busy("PAUSED", "migrating"), (LIVE,), Stage.RUNNING),
    (busy("RESIZE", "resize_prep"), (COLD,), Stage.RUNNING),
    (busy("RESIZE", "resize_finish"), (COLD,), Stage.RUNNING),
    (busy("RESIZE", "resize_prep"), (f"{COLD}!",), Stage.RUNNING),
    (busy("RESIZING"), (COLD,), Stage.RUNNING),
    (busy("RESIZE", "resize_migrating"), (RESIZE,), Stage.RUNNING),
    # the gate
    (busy("VERIFY_RESIZE"), (COLD,), Stage.AWAITING_CONFIRMATION),
    (busy("VERIFY_RESIZE"), (f"{COLD}!",), Stage.AWAITING_CONFIRMATION),
    (busy("VERIFY_RESIZE"), (COLD, "confirmResize"), Stage.CONFIRMING),
    (busy("VERIFY_RESIZE"), (COLD, "confirmResize!"), Stage.AWAITING_CONFIRMATION),
    (busy("VERIFY_RESIZE"), (COLD, "revertResize"), Stage.REVERTING),
    (busy("REVERT_RESIZE", "resize_reverting"), (COLD, "revertResize"), Stage.REVERTING),
    (busy("VERIFY_RESIZE"), (COLD, "confirmResize", COLD), Stage.AWAITING_CONFIRMATION),
    # over
    (IDLE, (LIVE,), Stage.SUCCEEDED),
    (IDLE, (f"{LIVE}!",), Stage.ERROR),
    (IDLE, (LIVE, "live_migration_cancel"), Stage.CANCELLED),
    (IDLE, (LIVE, "live_migration_cancel!"), Stage.SUCCEEDED),
    (IDLE, (LIVE, "reboot"), Stage.SUCCEEDED),
    (busy("REBOOT", "rebooting"), (LIVE, "reboot"), Stage.SUCCEEDED),
    (IDLE, (COLD, "confirmResize"), Stage.SUCCEEDED),
    (IDLE, (f"{COLD}!", "confirmResize"), Stage.SUCCEEDED),
    (IDLE, (COLD, "revertResize"), Stage.REVERTED),
    (IDLE, (COLD, "revertResize!"), Stage.SUCCEEDED),
    (OFF, (COLD, "revertResize"), Stage.REVERTED),
    (IDLE, (COLD,), Stage.SUCCEEDED),
    (OFF, (COLD,), Stage.SUCCEEDED),
    (IDLE, (f"{COLD}!",), Stage.ERROR),
    (IN_ERROR, (LIVE,), Stage.ERROR),
    (IN_ERROR, (COLD, "revertResize"), Stage.ERROR),
]


@pytest.mark.parametrize(
    ("server", "words", "stage"),
    CASES,
    ids=[f"{server.status} {server.task_state} {' '.join(words)}" for server, words, _ in CASES],
)
def test_the_newest_move_is_judged_by_its_server_and_what_followed(
    server: ServerView, words: tuple[str, ...], stage: Stage
) -> None:
    assert make_records(server, actions("create", *words))[0].stage is stage


def test_older_moves_are_judged_by_their_own_actions_alone() -> None:
    words = ("create", LIVE, COLD, "confirmResize", COLD, "revertResize", f"{COLD}!", RESIZE, "reboot", LIVE)

    records = make_records(busy("MIGRATING", "migrating"), actions(*words))

    assert [(record.kind, record.stage) for record in records] == [
        (MoveKind.LIVE, Stage.RUNNING),
        (MoveKind.RESIZE, Stage.SUCCEEDED),
        (MoveKind.COLD, Stage.ERROR),
        (MoveKind.COLD, Stage.REVERTED),
        (MoveKind.COLD, Stage.SUCCEEDED),
        (MoveKind.LIVE, Stage.SUCCEEDED),
    ]


def test_a_record_has_the_ids_and_words_of_its_action_and_server() -> None:
    newest, oldest = make_records(busy("MIGRATING", "migrating"), actions(LIVE, "Live-Migration"))

    assert (newest.id, newest.server_id, newest.user_id, newest.created) == (
        "req-1",
        "s",
        "u",
        BEGIN + dt.timedelta(minutes=1),
    )
    assert (newest.status, oldest.status) == ("migrating", "succeeded")
    assert (newest.type, newest.kind) == ("Live-Migration", MoveKind.LIVE)
    assert newest.source_host is newest.destination_host is None


def test_numbers_grow_with_time_and_do_not_depend_on_how_many_actions_are_listed() -> None:
    everything = actions(LIVE, COLD, "confirmResize", LIVE)

    numbers = [record.number for record in make_records(IDLE, everything)]

    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 3
    assert make_records(IDLE, everything[:1])[0].number == numbers[0]


def test_a_record_that_is_over_says_how_it_ended_and_one_under_way_what_the_server_says() -> None:
    assert make_records(IDLE, actions(COLD, "revertResize"))[0].status == "reverted"
    assert make_records(busy("VERIFY_RESIZE"), actions(COLD))[0].status == "verify_resize"


def test_a_server_that_never_moved_has_no_records() -> None:
    assert make_records(IDLE, actions("create", "reboot", "lock")) == ()


def test_an_action_without_a_time_has_no_number() -> None:
    assert make_records(IDLE, (ActionView(request_id="req-1", name=LIVE),))[0].number == 0


def events(**results: str | None) -> dict[str, Any]:
    return {"events": [{"event": event, "result": result} for event, result in results.items()]}


ARRIVED = "compute_post_live_migration_at_destination"
EVENTS: list[tuple[MoveKind, Stage, dict[str, Any], Stage]] = [
    (MoveKind.LIVE, Stage.ERROR, events(**{ARRIVED: "Success"}), Stage.SUCCEEDED),
    (MoveKind.LIVE, Stage.ERROR, events(**{ARRIVED: None}), Stage.SUCCEEDED),
    (MoveKind.LIVE, Stage.ERROR, events(**{ARRIVED: "Error"}), Stage.ERROR),
    (MoveKind.LIVE, Stage.ERROR, events(compute_live_migration="Success"), Stage.ERROR),
    (MoveKind.LIVE, Stage.CANCELLED, events(**{ARRIVED: "Success"}), Stage.SUCCEEDED),
    (MoveKind.LIVE, Stage.CANCELLED, events(compute_live_migration="Success"), Stage.CANCELLED),
    (MoveKind.LIVE, Stage.SUCCEEDED, events(compute_live_migration="Success"), Stage.FAILED),
    (MoveKind.LIVE, Stage.SUCCEEDED, events(compute_live_migration="x", **{ARRIVED: "Success"}), Stage.SUCCEEDED),
    (MoveKind.LIVE, Stage.SUCCEEDED, events(conductor_live_migrate_instance="Success"), Stage.SUCCEEDED),
    (MoveKind.LIVE, Stage.SUCCEEDED, {}, Stage.SUCCEEDED),
    (MoveKind.LIVE, Stage.ERROR, {"events": None}, Stage.ERROR),
    (MoveKind.LIVE, Stage.ERROR, {"events": ["nonsense", {}]}, Stage.ERROR),
    (MoveKind.COLD, Stage.ERROR, events(compute_prep_resize="Error", compute_finish_resize="Success"), Stage.SUCCEEDED),
    (MoveKind.COLD, Stage.ERROR, events(cold_migrate="Error"), Stage.ERROR),
    (MoveKind.COLD, Stage.SUCCEEDED, events(compute_resize_instance="Success"), Stage.SUCCEEDED),
    (MoveKind.COLD, Stage.REVERTED, events(compute_finish_resize="Success"), Stage.REVERTED),
]


@pytest.mark.parametrize(("kind", "before", "action", "after"), EVENTS)
def test_events_tell_whether_the_newest_move_arrived(
    kind: MoveKind, before: Stage, action: dict[str, Any], after: Stage
) -> None:
    record = RecordView(id="req-1", kind=kind, stage=before)

    found = judge_by_events(record, action)

    assert found.stage is after
    assert found.status == (after.lower() if after is not before else record.status)


def test_nova_numbers_its_records_and_an_actions_id_is_no_number() -> None:
    assert is_synthetic("req-1b2c")
    assert is_synthetic("")
    assert not is_synthetic("41")


MOVED = {"request_id": "req-1", "action": LIVE, "start_time": "2026-11-21T12:00:00.000000", "message": None}
HIDING: dict[str, Any] = {
    "os_migrations": 403,
    "detail": {"servers": [{"id": SERVER, "status": "ACTIVE"}]},
    "os_instance_actions": {"instanceActions": [MOVED]},
    SERVER.replace("-", "_"): {"server": {"id": SERVER, "status": "ACTIVE"}},
    "req_1": {"instanceAction": {**MOVED, **events(compute_live_migration="Success")}},
}


def test_a_cloud_that_hides_its_migrations_is_followed_by_server_actions_and_events(upstream: Upstream) -> None:
    speak(upstream, "2.90", **HIDING)

    (record,) = ask(upstream, lambda backend: backend.records(SERVER))

    assert (record.id, record.stage, record.status) == ("req-1", Stage.FAILED, "failed")


def test_events_that_are_hidden_leave_it_to_the_host(upstream: Upstream) -> None:
    speak(upstream, "2.90", **HIDING | {"req_1": 403})

    (record,) = ask(upstream, lambda backend: backend.records(SERVER))

    assert record.stage is Stage.SUCCEEDED


@pytest.mark.parametrize("word", ["os_instance_actions", SERVER.replace("-", "_")])
def test_where_not_even_these_may_be_read_nothing_is_made_up(upstream: Upstream, word: str) -> None:
    speak(upstream, "2.90", **HIDING | {word: 403})

    with pytest.raises(NotPermitted):
        ask(upstream, lambda backend: backend.records(SERVER))


def test_a_right_that_was_lost_since_the_probe_is_made_up_for(upstream: Upstream) -> None:
    async def question(backend: ServerBackend) -> RecordView:
        speak(upstream, "2.90", **HIDING | {"os_migrations": {"migrations": []}})
        assert await backend.records(SERVER) == ()
        speak(upstream, "2.90", **HIDING)
        return (await backend.records(SERVER))[0]

    assert ask(upstream, question).id == "req-1"


ROW = {"id": 41, "uuid": "u"}
ORDERS: list[tuple[str, dict[str, Any], type[BackendError] | None]] = [
    ("2.90", {"migrations": {"migrations": [ROW]}}, None),
    ("2.90", {"migrations": {"migrations": []}}, NotInThisState),
    ("2.90", {"migrations": 403}, NotPermitted),
    ("2.22", {"migrations": {"migrations": [ROW]}}, Unsupported),
]


@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.FORCE_COMPLETE])
@pytest.mark.parametrize(("version", "bodies", "refusal"), ORDERS)
def test_an_order_finds_the_number_of_its_migration_or_is_not_sent(
    upstream: Upstream, version: str, bodies: dict[str, Any], refusal: type[BackendError] | None, verb: Verb
) -> None:
    def accept(handler: BaseHTTPRequestHandler) -> None:
        answer(202)(handler)

    speak(upstream, version, **HIDING | bodies | {"41": accept, "action": accept})
    if refusal is None:
        ask(upstream, lambda backend: backend.apply(verb, SERVER, "req-1", GRANTED))
    else:
        with pytest.raises(refusal):
            ask(upstream, lambda backend: backend.apply(verb, SERVER, "req-1", GRANTED))

    orders = [seen for seen in upstream.seen if not seen.startswith("GET ")]
    path = f"/v2.1/servers/{SERVER}/migrations/41"
    expected = f"DELETE {path}" if verb is Verb.ABORT else f"POST {path}/action"
    assert orders == ([expected] if refusal is None else [])


def test_progress_of_a_record_that_is_made_up_is_that_of_the_one_under_way(upstream: Upstream) -> None:
    row = ROW | {"memory_total_bytes": 100, "memory_remaining_bytes": 25}
    speak(upstream, "2.90", **HIDING | {"migrations": {"migrations": [row]}})

    sample = ask(upstream, lambda backend: backend.progress(SERVER, "req-1"))
    assert (sample.memory.total, sample.memory.remaining) == (100, 25)
    assert ask(upstream, lambda backend: backend.progress(SERVER, "40")) is None
