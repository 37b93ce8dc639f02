"""Statuses: read leniently, written in the form and within the bounds of the API server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from api_samples import TIME, full_migration_status, mapping_body, migration_body, provider_body
from osmig.api.mapping import MappingStatus, parse_mapping
from osmig.api.meta import to_wire
from osmig.api.migration import Control, Failure, MigrationStatus, PendingCall, UpstreamFacts, parse_migration
from osmig.api.names import ControlResult, Phase, Verb
from osmig.api.provider import ProviderStatus, parse_provider

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_mapping_with_an_unreadable_status_is_read_as_new() -> None:
    mapping = parse_mapping(mapping_body(status={"findings": "none"}))

    assert mapping.status == MappingStatus()


def test_an_untouched_status_is_written_as_not_observed_and_nothing_else() -> None:
    assert to_wire(MigrationStatus()) == {"observedGeneration": -1}
    assert to_wire(ProviderStatus()) == {"observedGeneration": -1}


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": -1}])
def test_a_new_object_has_an_empty_readable_status(status: object) -> None:
    migration = parse_migration(migration_body(status=status))

    assert migration.status == MigrationStatus()
    assert migration.status_readable


def test_status_fields_of_a_newer_version_are_ignored() -> None:
    newer = full_migration_status()
    newer["forecast"] = {"etaSeconds": 7}
    newer["progress"]["jitterSeconds"] = 3

    migration = parse_migration(migration_body(status=newer))

    assert to_wire(migration.status) == full_migration_status()


@pytest.mark.parametrize(
    "garbage",
    [{"phase": "Teleporting"}, {"pendingCall": {"operation": 7}}, {"attempts": "none"}, {"progress": {"percent": 900}}],
)
def test_an_unreadable_status_keeps_only_the_fact_that_something_was_started(garbage: dict[str, Any]) -> None:
    migration = parse_migration(migration_body(status={"startTime": TIME, "attempt": 2, **garbage}))

    assert migration.status == MigrationStatus(start_time=datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert not migration.status_readable


@pytest.mark.parametrize("garbage", ["started", ["x"], 5, {"startTime": "yesterday"}, {"startTime": {}}])
def test_garbage_for_a_status_never_breaks_the_whole_object(garbage: object) -> None:
    migration = parse_migration(migration_body(status=garbage))

    assert migration.status == MigrationStatus()
    assert not migration.status_readable
    assert migration.spec.server_name == "db-07"


def test_a_provider_with_an_unreadable_status_is_read_as_new() -> None:
    provider = parse_provider(provider_body(status={"upstream": {"running": -4}}))

    assert provider.status == ProviderStatus()


def test_times_go_out_in_utc_and_whole_seconds() -> None:
    tallinn = timezone(timedelta(hours=2))

    wire = to_wire(MigrationStatus(start_time=NOON.astimezone(tallinn)))

    assert wire["startTime"] == "2026-11-21T12:00:00Z"


def test_a_status_built_here_equals_the_one_read_back() -> None:
    status = MigrationStatus(start_time=NOON, phase=Phase.STARTING)

    assert parse_migration(migration_body(status=to_wire(status))).status == status


def test_the_time_of_an_intent_keeps_its_microseconds() -> None:
    call = PendingCall(operation="live-migrate", attempt=1, holder="h", time=NOON.replace(microsecond=5), sends=1)

    wire = to_wire(MigrationStatus(pending_call=call))

    assert wire["pendingCall"]["time"] == "2026-11-21T12:00:00.000005Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        MigrationStatus(start_time=NOON.replace(tzinfo=None))


def test_texts_from_upstream_are_cut_to_what_the_api_server_takes() -> None:
    status = MigrationStatus(
        upstream=UpstreamFacts(status="x" * 900),
        failure=Failure(reason="MigrationError", message="y" * 5000),
    )

    wire = to_wire(status)

    assert wire["upstream"]["status"] == "x" * 64
    assert wire["failure"]["message"] == "y" * 1024


def test_an_empty_token_can_be_taken_down() -> None:
    control = Control(verb=Verb.ABORT, token="", attempt=1, result=ControlResult.REJECTED, time=NOON)

    assert to_wire(MigrationStatus(controls=(control,)))["controls"][0]["token"] == ""
