"""Rows of any age and oddity become views: only a row's own id is required."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from osmig.drivers.tenants.views import OrderStage, ReplicaStage, RunStage, RunView
from osmig.drivers.tenants.waldur.translate import count_items, read_order_stage, view_run
from osmig.drivers.tenants.waldur.wire import NetworkRow, PlanRow, ResourceRow, RunRow, read_created, read_rows
from osmig.net.json_reading import UnreadableError
from osmig.net.wire import read_row

ROW: dict[str, Any] = {
    "uuid": "b630630e-cf39-44a2-8094-c0c10f32a55c",
    "created": "2026-11-21T01:04:09.707977Z",
    "modified": "2026-11-21T01:04:12.833833Z",
    "mappings": None,
    "created_by_uuid": "737fd39e9ba64e3db2b0f8f531f0c15a",
    "src_resource_uuid": "B8444897D6E64277ADB048B2CF09FCA5",
    "dst_offering_uuid": "433d309398ba4d92bf550acea7544378",
    "dst_resource_uuid": "a30676f802cc4fff8e81a6010c1b2a4d",
    "dst_resource_name": "shop-3f9a2c1e-1",
    "dst_resource_state": "Creating",
    "state": "CREATING",
    "error_message": "",
    "error_traceback": "Traceback (most recent call last): secret",
    "something_new": {"a": [1]},
}


def view(**changes: Any) -> RunView:  # noqa: ANN401 - any JSON
    return view_run(RunRow.model_validate(ROW | changes))


def test_a_row_is_shown_with_ids_without_dashes() -> None:
    assert view() == RunView(
        id="b630630ecf3944a28094c0c10f32a55c",
        stage=RunStage.CREATING,
        status="CREATING",
        replica_stage=ReplicaStage.CREATING,
        replica_status="Creating",
        replica_id="a30676f802cc4fff8e81a6010c1b2a4d",
        replica_name="shop-3f9a2c1e-1",
        source_id="b8444897d6e64277adb048b2cf09fca5",
        offering_id="433d309398ba4d92bf550acea7544378",
        user_id="737fd39e9ba64e3db2b0f8f531f0c15a",
        created=dt.datetime(2026, 11, 21, 1, 4, 9, 707977, dt.UTC),
        updated=dt.datetime(2026, 11, 21, 1, 4, 12, 833833, dt.UTC),
    )


def test_a_row_with_nothing_but_its_id_is_shown() -> None:
    assert view_run(RunRow.model_validate({"uuid": ROW["uuid"]})) == RunView(id="b630630ecf3944a28094c0c10f32a55c")


@pytest.mark.parametrize("name", sorted(ROW.keys() - {"uuid"}))
@pytest.mark.parametrize("odd", [None, [1], {"a": 1}, 3.5, "nonsense"], ids=str)
def test_no_odd_field_hides_a_row(name: str, odd: object) -> None:
    assert view(**{name: odd}).id == "b630630ecf3944a28094c0c10f32a55c"


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("CREATION_SCHEDULED", RunStage.SCHEDULED),
        ("Creation Scheduled", RunStage.SCHEDULED),
        ("CREATING", RunStage.CREATING),
        ("Creating", RunStage.CREATING),
        ("OK", RunStage.OK),
        ("ERRED", RunStage.ERRED),
        ("Erred", RunStage.ERRED),
        ("UPDATING", RunStage.UNKNOWN),
        ("DELETION_SCHEDULED", RunStage.UNKNOWN),
        ("whatever", RunStage.UNKNOWN),
        (None, RunStage.UNKNOWN),
    ],
)
def test_states_of_both_spellings_are_read(word: str | None, stage: RunStage) -> None:
    assert view(state=word).stage is stage


@pytest.mark.parametrize("stage", list(ReplicaStage))
def test_each_state_of_a_replica_is_read(stage: ReplicaStage) -> None:
    assert view(dst_resource_state=stage.value).replica_stage is stage


def test_the_error_is_one_clean_line_and_the_traceback_is_nowhere() -> None:
    error = 'ConnectFailure("Unable to connect to http://keystone.internal:5000/v3")\nTraceback (most recent call last)'
    shown = view(error_message=error)

    assert shown.error == 'ConnectFailure("Unable to connect to …")'
    assert "secret" not in repr(RunRow.model_validate(ROW))


@pytest.mark.parametrize("word", ["pending-consumer", "pending-provider", "pending-project", "pending-start-date"])
def test_an_order_that_waits_is_under_way(word: str) -> None:
    assert read_order_stage(word) is OrderStage.UNDER_WAY


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("executing", OrderStage.UNDER_WAY),
        ("done", OrderStage.DONE),
        ("erred", OrderStage.ERRED),
        ("canceled", OrderStage.ERRED),
        ("rejected", OrderStage.ERRED),
        ("new", OrderStage.UNKNOWN),
        (None, OrderStage.UNKNOWN),
    ],
)
def test_an_order_that_was_called_off_counts_as_failed(word: str | None, stage: OrderStage) -> None:
    assert read_order_stage(word) is stage


def test_items_are_counted_by_their_states() -> None:
    items = count_items(["OK", "ok", "CREATING", "ERRED", None])

    assert (items.total, items.done, items.failed) == (5, 2, 1)


def test_a_bad_row_is_left_out_of_its_list_and_counted_and_one_that_comes_twice_is_one() -> None:
    content = json.dumps([ROW, None, 3, {"uuid": "x"}, {}, ROW]).encode()

    page = read_rows(RunRow, content)

    assert [row.uuid for row in page.rows.values()] == ["b630630ecf3944a28094c0c10f32a55c"]
    assert (page.count, len(page.keys)) == (6, 5)


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b"3", b"\xff", b"[" * 100_000], ids=lambda text: text[:8])
def test_what_is_no_list_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_rows(RunRow, content)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"{}", b'{"uuid": 3}'], ids=str)
def test_what_is_no_row_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_row(RunRow, content)


def test_an_order_is_answered_with_or_without_an_id() -> None:
    created = read_created(json.dumps(ROW).encode())
    assert created is not None
    assert created.uuid == "b630630ecf3944a28094c0c10f32a55c"
    assert read_created(b'{"mappings": {}, "src_resource": "x"}') is None
    with pytest.raises(UnreadableError):
        read_created(b"<html>")
    with pytest.raises(UnreadableError):
        read_created(b"[]")


def test_the_tenant_behind_a_resource_is_told_or_linked() -> None:
    told = {"resource_uuid": "5d4bd0b7-a3a5-4b0f-8b0f-4f4e0a9f1c01"}
    linked = {"scope": "https://waldur.example/api/openstack-tenants/5d4bd0b7a3a54b0f8b0f4f4e0a9f1c01/"}

    for body in (told, linked):
        assert ResourceRow.model_validate(body).tenant_id == "5d4bd0b7a3a54b0f8b0f4f4e0a9f1c01"
    assert ResourceRow.model_validate({"scope": None}).tenant_id is None


def test_one_odd_limit_does_not_hide_the_others() -> None:
    assert ResourceRow.model_validate({"limits": {"ram": "x", "cores": 2}}).limits == {"ram": None, "cores": 2.0}


def test_odd_subnets_do_not_hide_their_network() -> None:
    assert NetworkRow.model_validate({"uuid": ROW["uuid"], "subnets": 3}).subnets is None


GONE: dict[str, object] = {"scope": None, "resource_uuid": None, "resource_type": None}


@pytest.mark.parametrize(
    ("fields", "is_gone"),
    [
        (GONE, True),
        ({}, False),
        ({"scope": None}, False),
        (GONE | {"resource_type": "OpenStack.Tenant"}, False),
        (GONE | {"scope": ["odd"]}, False),
        (GONE | {"resource_uuid": "odd", "is_scope_gone": True}, False),
    ],
)
def test_a_resource_has_lost_its_tenant_only_if_waldur_says_so(fields: dict[str, object], *, is_gone: bool) -> None:
    assert ResourceRow.model_validate(fields).is_scope_gone is is_gone


def test_the_flags_of_a_plan_that_are_odd_or_not_there_are_unknown() -> None:
    row = PlanRow.model_validate({"uuid": "1" * 32, "is_active": {"odd": 1}})

    assert (row.is_active, row.archived) == (None, None)
