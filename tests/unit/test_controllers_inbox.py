"""The newest body and every verb seen, whatever order they arrive in; and who has what."""

from __future__ import annotations

from typing import Any

import pytest

from controller_fakes import MIGRATION, OTHER, PROVIDER, bare_body
from osmig.api.names import Kind, Verb
from osmig.controllers.inbox import Inbox, find_manager
from osmig.domain.observation import VerbRequest


def verb_requests(inbox: Inbox) -> list[tuple[Verb, str]]:
    entry = inbox.get(MIGRATION)
    assert entry is not None
    return [(ask.verb, ask.token) for ask in entry.verb_requests]


def version(inbox: Inbox) -> int:
    entry = inbox.get(MIGRATION)
    assert entry is not None
    return entry.version


@pytest.mark.parametrize(
    ("first", "second", "is_new", "kept"),
    [(1, 2, True, 2), (2, 1, False, 2), (2, 2, False, 2), (9, 10, True, 10), (10, 9, False, 10), (1, "odd", True, 0)],
)
def test_an_older_body_never_replaces_a_newer_one(*, first: object, second: object, is_new: bool, kept: int) -> None:
    inbox = Inbox()
    assert inbox.offer(Kind.MIGRATION, bare_body(first))
    assert inbox.offer(Kind.MIGRATION, bare_body(second)) is is_new
    assert version(inbox) == kept


def test_the_verbs_of_an_older_body_count_all_the_same() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(5))
    assert inbox.offer(Kind.MIGRATION, bare_body(4, abort="true"))
    assert version(inbox) == 5
    assert verb_requests(inbox) == [(Verb.ABORT, "true")]


def test_verbs_merge_and_their_removal_changes_nothing() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(1, abort="a"))
    inbox.offer(Kind.MIGRATION, bare_body(2))
    inbox.offer(Kind.MIGRATION, bare_body(3, force_complete="f"))
    inbox.offer(Kind.MIGRATION, bare_body(4, abort="b", force_complete="f"))
    assert verb_requests(inbox) == [(Verb.ABORT, "a"), (Verb.FORCE_COMPLETE, "f"), (Verb.ABORT, "b")]


def test_a_version_that_was_taken_brings_nothing_unless_an_older_one_with_another_order_came_since() -> None:
    inbox, newest = Inbox(), bare_body(6, abort="b")
    assert not inbox.knows(Kind.MIGRATION, newest)
    inbox.offer(Kind.MIGRATION, newest)
    assert inbox.knows(Kind.MIGRATION, newest)
    assert not inbox.offer(Kind.MIGRATION, newest)
    inbox.offer(Kind.MIGRATION, bare_body(5, abort="a"))
    assert not inbox.knows(Kind.MIGRATION, newest), "it tells which of both orders is the later one"
    assert inbox.offer(Kind.MIGRATION, newest)
    assert verb_requests(inbox) == [(Verb.ABORT, "b"), (Verb.ABORT, "a"), (Verb.ABORT, "b")]


def test_what_is_latched_is_dropped_and_what_came_meanwhile_stays() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(1, abort="a"))
    entry = inbox.get(MIGRATION)
    assert entry is not None
    latched = tuple(entry.verb_requests)
    inbox.offer(Kind.MIGRATION, bare_body(2, abort="b"))
    inbox.settle(MIGRATION, latched)
    assert verb_requests(inbox) == [(Verb.ABORT, "b")]
    inbox.settle(OTHER, latched)


def test_the_same_token_is_collected_once_for_one_object_and_anew_for_another_of_its_name() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(1, abort="a"))
    inbox.offer(Kind.MIGRATION, bare_body(2, abort="a"))
    assert len(verb_requests(inbox)) == 1
    inbox.offer(Kind.MIGRATION, bare_body(3, uid="u-2", abort="a"))
    assert len(verb_requests(inbox)) == 1


def test_an_object_of_another_uid_replaces_everything_that_was_known() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(1, abort="a"))
    assert inbox.offer(Kind.MIGRATION, bare_body(7, uid="u-2"))
    assert (version(inbox), verb_requests(inbox)) == (7, [])


def test_an_earlier_object_of_the_same_name_out_of_a_late_list_is_ignored() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(7, uid="u-2"))
    assert not inbox.offer(Kind.MIGRATION, bare_body(3, abort="a"))
    assert (version(inbox), verb_requests(inbox)) == (7, [])


def test_a_script_that_writes_faster_than_we_latch_loses_its_oldest_orders() -> None:
    inbox = Inbox()
    for number in range(1, 31):
        inbox.offer(Kind.MIGRATION, bare_body(number, abort=f"t{number}"))
    assert [token for _, token in verb_requests(inbox)] == [f"t{number}" for number in range(11, 31)]


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        ({"phase": "Running"}, True),
        ({"phase": "Running", "completionTime": "2026-11-21T10:00:00Z"}, True),
        ({"phase": "Succeeded", "completionTime": "2026-11-21T10:00:00Z"}, False),
        ({}, True),
    ],
    ids=["under way", "with an end that somebody else wrote", "ended", "nothing written yet"],
)
def test_a_deletion_waits_for_us_until_the_migration_has_ended(*, status: dict[str, Any], waits: bool) -> None:
    body = bare_body(1) | {"status": status}
    body["metadata"]["deletionTimestamp"] = "2026-11-21T11:00:00Z"
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, body)
    entry = inbox.get(MIGRATION)
    assert entry is not None
    assert entry.is_being_deleted is waits


def test_objects_are_forgotten_by_their_uid() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(1))
    assert inbox.forget(MIGRATION, uid="another") is None
    assert inbox.forget(MIGRATION, uid="u-1") is not None
    assert inbox.forget(MIGRATION) is None
    assert (len(inbox), inbox.keys(Kind.MIGRATION)) == (0, ())


def test_keys_are_told_apart_by_kind() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, bare_body(1))
    inbox.offer(Kind.PROVIDER, bare_body(1, name="region-one"))
    assert inbox.keys(Kind.PROVIDER) == (PROVIDER,)
    assert MIGRATION.text == "Migration/team-a/db-07"


def managed(manager: str, time: str | None, annotation: str = "osmig.dev/abort") -> dict[str, Any]:
    entry: dict[str, Any] = {"manager": manager}
    entry["fieldsV1"] = {"f:metadata": {"f:annotations": {".": {}, f"f:{annotation}": {}}}}
    return entry if time is None else entry | {"time": time}


@pytest.mark.parametrize(
    ("fields", "manager"),
    [
        ([managed("kubectl-annotate", "2026-01-01T00:00:00Z")], "kubectl-annotate"),
        ([managed("old", "2026-01-01T00:00:00Z"), managed("new", "2026-01-02T00:00:00Z")], "new"),
        ([managed("x", None)], "x"),
        ([managed("x", "t", annotation="osmig.dev/force-complete")], ""),
        ([{"manager": "bare"}, {"manager": "bare", "fieldsV1": {"f:spec": {}}}], ""),
        (None, ""),
    ],
)
def test_who_set_an_annotation_is_what_managed_fields_say(fields: list[dict[str, Any]] | None, manager: str) -> None:
    raw = bare_body(1, abort="a")
    raw["metadata"]["managedFields"] = fields
    assert find_manager(raw, "osmig.dev/abort") == manager
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, raw)
    entry = inbox.get(MIGRATION)
    assert entry is not None
    assert entry.verb_requests == [VerbRequest(verb=Verb.ABORT, token="a", field_manager=manager)]  # noqa: S106 - an order's token
