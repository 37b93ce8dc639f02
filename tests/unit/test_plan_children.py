"""A plan's Migrations are those that it controls, as they are now."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from api_samples import SERVER_ID, TIME, full_migration_status, migration_body
from osmig.api.names import Kind, MigrationType, Phase, Verb
from osmig.api.plan_names import LABEL_INDEX, LABEL_MEMORY, LABEL_PLAN, LABEL_SERVER_ID
from osmig.controllers.inbox import Inbox
from osmig.controllers.keys import Key
from osmig.controllers.plan_children import PLACE_FREE_S, WAKE_S, PlanChildren, read_child
from osmig.controllers.plan_owners import find_owner
from osmig.domain.plans.children import ChildView
from osmig.domain.plans.naming import name_child_of

PLAN = Key(Kind.PLAN, "team-a", "drain")
CHILD = Key(Kind.MIGRATION, "team-a", name_child_of("drain", "plan-1", SERVER_ID, 2))
OWNER = {
    "apiVersion": "osmig.dev/v1alpha1",
    "kind": "MigrationPlan",
    "name": "drain",
    "uid": "plan-1",
    "controller": True,
    "blockOwnerDeletion": False,
}


def child(version: int = 1, *, owner: dict[str, Any] | None = OWNER, status: object = None, **metadata: object) -> Any:  # noqa: ANN401
    """A Migration that a plan made."""
    body = migration_body(spec={"server": {"id": SERVER_ID}, "placement": {"sourceHost": "cmp1"}}, status=status)
    labels = {LABEL_PLAN: "drain", LABEL_SERVER_ID: SERVER_ID, LABEL_INDEX: "2", "other": "label"}
    own = {"name": CHILD.name, "uid": "c-1", "resourceVersion": str(version), "labels": labels}
    body["metadata"] |= own | metadata | ({"ownerReferences": [owner]} if owner else {})
    return body


class Family:
    """The Migrations of plans, and who was woken for them."""

    def __init__(self) -> None:
        """Know of none."""
        self.inbox = Inbox()
        self.woken: list[tuple[Key, float]] = []
        self.children = PlanChildren(self.inbox, lambda key, delay_s=0.0: self.woken.append((key, delay_s)))

    def offer(self, body: dict[str, Any]) -> None:
        """Let a body be seen."""
        self.inbox.offer(Kind.MIGRATION, body)
        entry = self.inbox.get(CHILD)
        assert entry is not None
        self.children.note(CHILD, entry.body)

    def names(self, uid: str = "plan-1") -> list[str]:
        """Return the names of a plan's Migrations."""
        return [view.name for view in self.children.list_views(uid)]


def test_a_migration_is_the_child_of_the_very_plan_that_controls_it() -> None:
    family = Family()
    family.offer(child())
    assert (family.names(), family.names("plan-2")) == ([CHILD.name], [])
    assert family.woken == [(PLAN, WAKE_S)]


@pytest.mark.parametrize(
    "owner",
    [
        None,
        {**OWNER, "controller": False},
        {**OWNER, "kind": "Deployment"},
        {**OWNER, "apiVersion": "plans.example.org/v1"},
    ],
)
def test_what_a_plan_does_not_control_is_not_its_child(owner: dict[str, Any] | None) -> None:
    family = Family()
    family.offer(child(owner=owner))
    assert family.names() == []
    assert find_owner(child(owner=owner)) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"name": "by-hand"},
        {"labels": {LABEL_INDEX: "1"}},
        {"labels": {LABEL_INDEX: "x", LABEL_SERVER_ID: SERVER_ID}},
        {"labels": {}},
        {"ownerReferences": [{**OWNER, "uid": "plan-2"}]},
        {"ownerReferences": [{**OWNER, "name": "drain2"}]},
    ],
    ids=str,
)
def test_who_copies_owner_and_labels_makes_no_child_and_wakes_no_plan(forged: dict[str, Any]) -> None:
    family = Family()
    body = child(owner=None, ownerReferences=[OWNER])
    body["metadata"] |= forged
    family.inbox.offer(Kind.MIGRATION, body)
    key = Key(Kind.MIGRATION, "team-a", body["metadata"]["name"])
    family.children.note(key, body)
    assert (family.names(), family.names("plan-2"), family.woken) == ([], [], [])


def test_a_child_of_which_somebody_changed_the_server_is_not_the_plans() -> None:
    family = Family()
    body = child()
    body["spec"]["server"] = {"id": SERVER_ID.replace("1", "2")}
    family.offer(body)
    assert family.names() == []


def test_a_plan_is_stepped_when_the_phase_of_a_child_changes_and_when_the_child_goes() -> None:
    family = Family()
    family.offer(child(1))
    family.offer(child(2))
    assert len(family.woken) == 1
    family.offer(child(3, status={"phase": "Running"}))
    family.offer(child(4, status={"phase": "Running", "attempt": 1}))
    assert len(family.woken) == 2
    family.offer(child(5, status={"phase": "Running"}, deletionTimestamp="2030-01-01T00:00:00Z"))
    assert len(family.woken) == 3
    family.inbox.forget(CHILD)
    family.children.note(CHILD, None)
    family.children.note(CHILD, None)
    assert len(family.woken) == 4
    assert family.names() == []


@pytest.mark.parametrize(
    ("phase", "delay_s"),
    [
        *((phase, PLACE_FREE_S) for phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.AWAITING_CONFIRMATION)),
        *((phase, WAKE_S) for phase in (Phase.QUEUED, Phase.STARTING, Phase.RUNNING, Phase.ABORTING)),
    ],
)
def test_a_plan_is_stepped_sooner_after_a_child_that_leaves_a_place_free(phase: Phase, delay_s: float) -> None:
    family = Family()
    family.offer(child(1))
    family.offer(child(2, status={"phase": phase}))
    assert family.woken[-1] == (PLAN, delay_s)
    family.inbox.forget(CHILD)
    family.children.note(CHILD, None)
    assert family.woken[-1] == (PLAN, PLACE_FREE_S)


def test_a_child_that_is_given_away_is_not_its_plans_any_more() -> None:
    family = Family()
    family.offer(child(1))
    family.offer(child(2, owner={**OWNER, "name": "other", "uid": "plan-2"}))
    assert (family.names(), family.names("plan-2")) == ([], []), "nor does another plan get it"
    assert [key.name for key, _ in family.woken] == ["drain", "drain"]


def test_a_child_is_read_with_all_that_its_plan_has_to_know() -> None:
    view = read_child(CHILD, child(status=full_migration_status()))
    assert (view.name, view.server_id, view.index, view.type) == (
        CHILD.name,
        SERVER_ID,
        2,
        MigrationType.LIVE_MIGRATION,
    )
    assert view.source_host == "cmp1"
    assert view.phase is not None
    assert view.is_sent
    assert view.tokens
    assert set(view.tokens) <= set(Verb)
    assert view.total_bytes is not None
    assert view.start_time is not None


def test_a_child_is_read_anew_only_when_it_has_changed() -> None:
    family = Family()
    family.offer(child(1))
    (first,), (second,) = family.children.list_views("plan-1"), family.children.list_views("plan-1")
    assert first is second
    family.offer(child(2, status={"phase": "Queued"}))
    (third,) = family.children.list_views("plan-1")
    assert third.phase is Phase.QUEUED


def test_a_child_that_cannot_be_read_counts_as_under_way() -> None:
    body = child(status={"phase": "Succeeded"})
    body["spec"]["type"] = "Teleportation"
    view = read_child(CHILD, body)
    assert (view.server_id, view.phase, view.is_in_flight) == (SERVER_ID, None, True)


@pytest.mark.parametrize("word", ["", "x", "²", "-1", "9" * 13])
def test_a_label_that_is_no_number_is_the_first_index_and_no_memory(word: str) -> None:
    body = child()
    body["metadata"]["labels"] |= {LABEL_INDEX: word, LABEL_MEMORY: word}
    view = read_child(CHILD, body)
    assert (view.index, view.memory_mib) == (1, 0)


def test_nothing_that_a_plan_asks_of_a_child_is_left_at_its_default() -> None:
    about = {"status": "False", "reason": "X", "message": "why", "lastTransitionTime": TIME}
    claims = [{"type": kind, **about} for kind in ("Succeeded", "Converging")]
    status = {**full_migration_status(), "phase": "Running", "attempt": 2, "conditions": claims}
    body = child(status=status, deletionTimestamp=TIME)
    body["metadata"]["labels"][LABEL_MEMORY] = "2048"
    body["spec"] |= {"type": "ColdMigration"}
    view = read_child(CHILD, body)
    same = {one.name for one in fields(ChildView) if getattr(view, one.name) in (one.default, None, "", {})}
    assert same == set()


def test_a_child_of_a_hidden_host_leaves_it_by_its_anonymous_name() -> None:
    body = child()
    body["spec"]["placement"] = {"sourceHostID": "a" * 56}
    assert read_child(CHILD, body).source_host == "a" * 56


def test_the_memory_that_a_server_had_when_its_migration_was_made_is_kept() -> None:
    family = Family()
    body = child()
    body["metadata"]["labels"][LABEL_MEMORY] = "2048"
    family.offer(body)
    (view,) = family.children.list_views("plan-1")
    assert view.memory_mib == 2048
