"""Nova's JSON in our words, of new and old clouds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from osmig.domain.operations import TERMINAL_STAGES, MoveKind, Stage
from osmig.drivers.servers.nova.translate import (
    STAGES,
    to_action,
    to_progress,
    to_record,
    to_server,
    to_stage,
    to_trace,
)
from osmig.drivers.servers.policy.progress import measure_percent

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER: dict[str, Any] = {"id": "s1", "name": "vm", "status": "ACTIVE", "tenant_id": "p", "hostId": "h", "progress": 0}


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("accepted", Stage.ACCEPTED),
        ("queued", Stage.QUEUED),
        ("preparing", Stage.PREPARING),
        ("running", Stage.RUNNING),
        ("running (post-copy)", Stage.SWITCHING_OVER),
        ("completed", Stage.SUCCEEDED),
        ("cancelled", Stage.CANCELLED),
        ("failed", Stage.FAILED),
        ("error", Stage.ERROR),
        ("pre-migrating", Stage.PREPARING),
        ("migrating", Stage.RUNNING),
        ("post-migrating", Stage.SWITCHING_OVER),
        ("finished", Stage.AWAITING_CONFIRMATION),
        ("confirming", Stage.CONFIRMING),
        ("confirmed", Stage.SUCCEEDED),
        ("reverting", Stage.REVERTING),
        ("reverted", Stage.REVERTED),
        ("Done", Stage.SUCCEEDED),
        ("FINISHED", Stage.AWAITING_CONFIRMATION),
        (" Running ", Stage.RUNNING),
        ("teleporting", Stage.UNKNOWN),
        ("", Stage.UNKNOWN),
    ],
)
def test_each_word_has_its_stage_in_any_case(word: str, stage: Stage) -> None:
    assert to_stage(word) is stage


def test_only_words_that_end_a_move_are_terminal() -> None:
    ends = {word for word, stage in STAGES.items() if stage in TERMINAL_STAGES}

    assert ends == {"completed", "done", "cancelled", "failed", "error", "confirmed", "reverted"}


def test_a_row_of_today_is_read_whole() -> None:
    record = to_record(
        {
            "id": 17, "uuid": "u", "instance_uuid": "s1", "status": "running", "migration_type": "live-migration",
            "source_compute": "cmp1", "dest_compute": "cmp2", "dest_host": None, "user_id": "me",
            "created_at": "2026-11-21T10:00:00.000001", "updated_at": None,
        }
    )  # fmt: skip

    assert (record.id, record.number, record.server_id, record.stage) == ("17", 17, "s1", Stage.RUNNING)
    assert (record.source_host, record.destination_host, record.user_id) == ("cmp1", "cmp2", "me")
    assert record.created == dt.datetime(2026, 11, 21, 10, 0, 0, 1, tzinfo=dt.UTC)
    assert record.updated is None
    assert (record.kind, record.type, record.uuid) == (MoveKind.LIVE, "live-migration", "u")


def test_a_row_of_an_old_cloud_is_read_as_far_as_it_goes() -> None:
    record = to_record({"id": 1234, "instance_uuid": "s1", "status": "Done", "dest_host": "1.2.3.4"})

    assert (record.id, record.stage, record.status, record.type) == ("1234", Stage.SUCCEEDED, "Done", None)
    assert (record.kind, record.uuid, record.destination_host) == (MoveKind.UNKNOWN, None, None)
    assert record.created is None


def test_a_row_of_a_cold_move_shows_no_address() -> None:
    record = to_record(
        {
            "id": 18, "uuid": "u", "instance_uuid": "s1", "status": "finished", "migration_type": "migration",
            "source_compute": "cmp1", "dest_compute": "cmp2", "dest_host": "10.0.0.7", "old_instance_type_id": 5,
            "new_instance_type_id": 5,
        }
    )  # fmt: skip

    assert (record.kind, record.stage) == (MoveKind.COLD, Stage.AWAITING_CONFIRMATION)
    assert record.destination_host == "cmp2"
    assert "10.0.0.7" not in repr(record)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("live-migration", MoveKind.LIVE),
        ("Live-Migration", MoveKind.LIVE),
        ("migration", MoveKind.COLD),
        ("MIGRATION ", MoveKind.COLD),
        ("resize", MoveKind.RESIZE),
        ("evacuation", MoveKind.EVACUATION),
        ("teleportation", MoveKind.OTHER),
        (None, MoveKind.UNKNOWN),
        ("", MoveKind.UNKNOWN),
    ],
)
def test_each_type_has_its_kind_and_stays_verbatim(word: str | None, kind: MoveKind) -> None:
    record = to_record({"id": 1, "migration_type": word, "status": "error"})

    assert (record.kind, record.type) == (kind, word or None)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(1, 2, MoveKind.RESIZE), (1, 1, MoveKind.UNKNOWN), (1, None, MoveKind.UNKNOWN), (None, 2, MoveKind.UNKNOWN)],
)
def test_where_the_type_is_missing_another_flavor_tells_a_resize(
    before: int | None, after: int | None, kind: MoveKind
) -> None:
    row = {"id": 1, "status": "Done", "old_instance_type_id": before, "new_instance_type_id": after}

    assert to_record(row).kind is kind


@pytest.mark.parametrize("text", ["2026-11-21T10:00:00Z", "2026-11-21T12:00:00+02:00", "2026-11-21T10:00:00"])
def test_times_are_utc_however_they_are_written(text: str) -> None:
    assert to_record({"id": 1, "updated_at": text}).updated == dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["yesterday", "", 5, None, [], "2026-13-45"])
def test_a_time_that_cannot_be_read_is_none(text: object) -> None:
    assert to_record({"id": 1, "updated_at": text}).updated is None


@pytest.mark.parametrize("read", [to_record, to_server, to_action])
def test_what_has_no_id_is_refused(read: Callable[[dict[str, object]], object]) -> None:
    rows: tuple[dict[str, object], ...] = (
        {},
        {"id": None, "request_id": None},
        {"id": "", "request_id": ""},
        {"id": True, "request_id": []},
    )
    for row in rows:
        with pytest.raises(ValueError, match="is missing"):
            read(row)


@pytest.mark.parametrize(
    ("fields", "busy"),
    [
        ({}, False),
        ({"OS-EXT-STS:task_state": "migrating"}, True),
        ({"status": "MIGRATING"}, True),
        ({"status": "VERIFY_RESIZE"}, True),
        ({"status": "Resizing"}, True),
        ({"status": "RESIZING"}, True),
        ({"status": "RESIZE"}, True),
        ({"status": "REVERT_RESIZE"}, True),
        ({"status": "SHUTOFF"}, False),
        ({"status": "ERROR"}, False),
    ],
)
def test_a_server_is_busy_by_task_or_status(fields: dict[str, Any], busy: bool) -> None:  # noqa: FBT001
    assert to_server(SERVER | fields).is_busy is busy


@pytest.mark.parametrize(
    ("fields", "awaits"),
    [
        ({}, False),
        ({"status": "VERIFY_RESIZE"}, True),
        ({"status": "Verify_Resize"}, True),
        ({"status": "VERIFY_RESIZE", "OS-EXT-STS:task_state": None}, True),
        ({"status": "VERIFY_RESIZE", "OS-EXT-STS:task_state": "deleting"}, False),
        ({"status": "RESIZE"}, False),
        ({"status": "RESIZING"}, False),
        ({"status": "REVERT_RESIZE"}, False),
    ],
)
def test_a_server_awaits_confirmation_only_when_nothing_else_goes_on(fields: dict[str, Any], awaits: bool) -> None:  # noqa: FBT001
    assert to_server(SERVER | fields).awaits_confirmation is awaits


@pytest.mark.parametrize("fields", [{"status": "ERROR"}, {"OS-EXT-STS:vm_state": "error"}])
def test_a_server_is_in_error_by_status_or_state(fields: dict[str, Any]) -> None:
    assert to_server(SERVER | fields).is_in_error
    assert not to_server(SERVER).is_in_error


def test_hosts_are_none_where_they_are_hidden() -> None:
    assert to_server(SERVER).host is None
    assert to_server(SERVER | {"OS-EXT-SRV-ATTR:host": "cmp1"}).host == "cmp1"


def test_a_servers_percentage_means_nothing_while_it_is_idle() -> None:
    assert to_server(SERVER).progress_percent is None
    assert to_server(SERVER | {"status": "MIGRATING", "progress": 180}).progress_percent == 100
    assert to_server(SERVER | {"status": "MIGRATING", "progress": None}).progress_percent is None


def row(memory: tuple[Any, Any, Any], disk: tuple[Any, Any, Any] = (None, None, None)) -> dict[str, Any]:
    return {
        f"{medium}_{part}_bytes": value
        for medium, values in (("memory", memory), ("disk", disk))
        for part, value in zip(("total", "processed", "remaining"), values, strict=True)
    }


@pytest.mark.parametrize(
    ("numbers", "percent"),
    [
        (row((100, 30, 70)), 30),
        (row((100, 500, 70)), 30),  # pages sent again
        (row((100, 0, 100)), 0),
        (row((100, 100, 0)), 100),
        (row((100, 100, 150)), 0),  # dirtied faster than sent
        (row((100, 30, 70), (300, 0, 300)), 8),
        (row((100, 30, 70), (0, 0, 0)), 30),
        (row((None, None, None)), None),
        (row((0, 0, 0)), None),
        (row((100, 30, None)), None),
    ],
)
def test_a_percentage_comes_from_what_remains(numbers: dict[str, Any], percent: int | None) -> None:
    assert measure_percent(to_progress(numbers)) == percent


def test_zero_bytes_stay_numbers_and_nonsense_is_none() -> None:
    progress = to_progress(row((0, 0, 0), (-1, "5", True)))

    assert (progress.memory.total, progress.memory.processed, progress.memory.remaining) == (0, 0, 0)
    assert (progress.disk.total, progress.disk.processed, progress.disk.remaining) == (None, None, None)


def test_an_action_tells_whether_it_failed() -> None:
    action = to_action({"request_id": "req-1", "action": "live-migration", "user_id": None, "message": "Error"})

    assert action.is_failed
    assert action.user_id is None
    assert not to_action({"request_id": "req-1", "message": None}).is_failed


EVENT = {"event": "conductor_live_migrate_instance", "start_time": "2026-11-21T10:00:01.5"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (None, (False, None)),
        ("no list", (False, None)),
        ([], (True, None)),
        ([{"event": "compute_check_can_live_migrate_source", "start_time": "2026-11-21T10:00:09"}], (False, None)),
        ([{"event": "compute_x"}, "no event", {**EVENT, "start_time": "2026-11-21T10:00:03"}, EVENT], (True, 1.5)),
        ([{**EVENT, "start_time": "no time"}], (False, None)),
    ],
    ids=["hidden", "nonsense", "not taken up yet", "other words", "taken up", "without a time"],
)
def test_a_start_is_taken_up_when_the_conductor_says_so(events: object, expected: tuple[bool, float | None]) -> None:
    began = dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
    trace = to_trace({"request_id": "req-1", "user_id": "me", "start_time": "2026-11-21T10:00:00", "events": events})
    assert (trace.user_id, trace.started) == ("me", began)
    after_s = (trace.began - began).total_seconds() if trace.began is not None else None
    assert (trace.shows_events, after_s) == expected


@pytest.mark.parametrize(
    ("row", "is_on_no_host"),
    [
        ({"hostId": "", "OS-EXT-SRV-ATTR:host": None}, True),
        ({"hostId": ""}, True),
        ({"hostId": "h"}, False),
        ({"hostId": "h", "OS-EXT-SRV-ATTR:host": "cmp1"}, False),
        ({"hostId": None}, False),
    ],
    ids=["shelved, seen by an administrator", "shelved", "hidden", "shown", "a cloud that names no hosts"],
)
def test_a_server_on_no_host_is_told_from_one_whose_host_is_hidden(*, row: dict[str, Any], is_on_no_host: bool) -> None:
    assert to_server({**SERVER, **row}).is_on_no_host == is_on_no_host
