"""The one door for bodies, the echo of own writes, and the ledger of who has what."""

from __future__ import annotations

from typing import Any

import pytest

from controller_fakes import MIGRATION, OTHER, PROVIDER, bare_body
from osmig.api.names import Kind
from osmig.controllers.inbox import Inbox
from osmig.controllers.intake import Intake
from osmig.controllers.keys import Key
from osmig.controllers.ledger import Ledger
from osmig.controllers.owners import Owners
from osmig.domain.queueing import HostPair


def key_named(name: str) -> Key:
    return MIGRATION._replace(name=name)


ACTING = {"phase": "Running", "server": {"id": "s-1"}, "upstream": {"id": "7", "requestID": "req-1"}}
OVER = ACTING | {"phase": "Succeeded"}
MOVE = HostPair("cmp1", "cmp2")


def open_door() -> tuple[Intake, Ledger, list[Key]]:
    woken: list[Key] = []
    ledger = Ledger()
    return Intake(Inbox(), ledger, woken.append), ledger, woken


def test_only_what_brings_something_new_wakes_its_object() -> None:
    intake, _, woken = open_door()
    intake.offer(Kind.MIGRATION, bare_body(1))
    intake.offer(Kind.MIGRATION, bare_body(1))
    assert intake.take(Kind.MIGRATION, bare_body(2))
    intake.offer(Kind.MIGRATION, bare_body(2))
    assert woken == [MIGRATION]


def test_a_deleted_object_is_forgotten_by_uid_and_stepped_once_more() -> None:
    intake, ledger, woken = open_door()
    intake.take(Kind.MIGRATION, bare_body(1, status=ACTING))
    intake.remove(Kind.MIGRATION, bare_body(9, uid="another"))
    assert (woken, ledger.find(PROVIDER, "7")) == ([], MIGRATION)
    intake.remove(Kind.MIGRATION, bare_body(9))
    assert (woken, ledger.find(PROVIDER, "7")) == ([MIGRATION], None)


def test_a_provider_has_no_claims() -> None:
    intake, ledger, _ = open_door()
    intake.offer(Kind.PROVIDER, bare_body(1, name="region-one"))
    assert ledger.followers(PROVIDER) == frozenset()


def test_the_ledger_says_who_follows_what() -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, bare_body(1, status=ACTING))
    assert ledger.find(PROVIDER, "7") == MIGRATION
    assert ledger.find_conflicting(OTHER, "s-1") == MIGRATION
    assert ledger.find_conflicting(MIGRATION, "s-1") is None
    assert (ledger.claimed(OTHER), ledger.claimed(MIGRATION)) == (frozenset({"req-1"}), frozenset())
    assert ledger.followers(PROVIDER) == {MIGRATION}


def test_what_is_over_keeps_only_its_request_id() -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, bare_body(1, status=OVER))
    assert ledger.find(PROVIDER, "7") is None
    assert ledger.find_conflicting(OTHER, "s-1") is None
    assert ledger.claimed(OTHER) == {"req-1"}


def test_an_intent_has_its_server_and_a_queued_migration_has_not() -> None:
    _, ledger, _ = open_door()
    server = {"server": {"id": "s-1"}}
    ledger.note(MIGRATION, bare_body(1, status=server | {"phase": "Queued"}))
    assert ledger.find_conflicting(OTHER, "s-1") is None
    ledger.note(MIGRATION, bare_body(2, status=server | {"phase": "Starting", "pendingCall": {"holder": "x"}}))
    assert ledger.find_conflicting(OTHER, "s-1") == MIGRATION


def test_claims_end_with_their_object() -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, bare_body(1, status=ACTING))
    ledger.note(OTHER, bare_body(1, name="db-08", status=ACTING | {"upstream": {"id": "8"}}))
    ledger.drop(OTHER)
    ledger.drop(OTHER)
    assert ledger.find_conflicting(OTHER, "s-1") == MIGRATION
    ledger.drop(MIGRATION)
    assert ledger.find_conflicting(OTHER, "s-1") is None
    assert (ledger.claimed(OTHER), ledger.followers(PROVIDER)) == (frozenset(), frozenset())


def test_a_reserved_server_is_taken_until_it_is_given_back() -> None:
    _, ledger, _ = open_door()
    assert ledger.reserve(MIGRATION, "s-1", provider=PROVIDER, hosts=MOVE)
    assert not ledger.reserve(OTHER, "s-1", provider=PROVIDER, hosts=MOVE)
    ledger.unreserve(OTHER, "s-1")
    assert ledger.find_conflicting(OTHER, "s-1") == MIGRATION
    assert ledger.has_server_of(PROVIDER, "s-1")
    assert set(ledger.slot_holders(PROVIDER)) == {MIGRATION}
    ledger.unreserve(MIGRATION, "s-1")
    assert not ledger.has_server_of(PROVIDER, "s-1")
    assert ledger.load(PROVIDER).count == 0
    assert ledger.reserve(OTHER, "s-1", provider=PROVIDER, hosts=MOVE)


def test_two_that_claim_the_same_are_both_known_until_one_lets_go() -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, bare_body(1, status=ACTING))
    ledger.note(OTHER, bare_body(1, name="db-08", status=ACTING))
    assert ledger.find_conflicting(MIGRATION, "s-1") == OTHER
    assert ledger.find(PROVIDER, "7", besides=MIGRATION) == OTHER
    ledger.drop(MIGRATION)
    assert ledger.find_conflicting(MIGRATION, "s-1") == OTHER
    assert ledger.find(PROVIDER, "7") == OTHER
    assert ledger.claimed(MIGRATION) == {"req-1"}


@pytest.mark.parametrize(
    ("phase", "holds"),
    [
        ("Starting", True),
        ("Running", True),
        ("Aborting", True),
        ("AwaitingConfirmation", False),
        ("Confirming", False),
        ("Reverting", False),
        ("Succeeded", False),
        ("Reverted", False),
    ],
)
def test_a_slot_is_held_until_the_data_has_moved_and_the_server_until_the_end(*, phase: str, holds: bool) -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, bare_body(1, status=ACTING | {"phase": phase, "placement": {"sourceHost": "cmp1"}}))
    assert ledger.load(PROVIDER).count_from("cmp1") == int(holds)
    assert ledger.has_server_of(PROVIDER, "s-1") is (phase not in {"Succeeded", "Reverted"})


def queued(time: str | None = None, reason: str = "SlotsTaken") -> dict[str, Any]:
    status: dict[str, Any] = {"phase": "Queued", "conditions": [{"type": "Succeeded", "reason": reason}]}
    return status if time is None else status | {"queuedTime": time}


def test_who_waits_for_a_slot_waits_in_the_order_of_time_and_name() -> None:
    _, ledger, _ = open_door()
    when = {"d": None, "c": "2026-01-01T00:00:00.000002Z", "b": "2026-01-01T00:00:00.000001Z"}
    for name, time in {**when, "a": "2026-01-01T00:00:00.000002Z"}.items():
        ledger.note(key_named(name), bare_body(1, name=name, status=queued(time)))
    order = [key.name for key, _ in ledger.waiting(PROVIDER)]
    assert order == ["b", "a", "c", "d"]
    ledger.drop(key_named("a"))
    ledger.note(key_named("b"), bare_body(2, name="b", status=queued(when["b"], reason="ServerBusy")))
    assert [key.name for key, _ in ledger.waiting(PROVIDER)] == ["c", "d"]


def test_what_is_being_deleted_waits_for_nothing_any_more() -> None:
    _, ledger, _ = open_door()
    raw = bare_body(1, status=queued())
    raw["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ledger.note(MIGRATION, raw)
    assert list(ledger.waiting(PROVIDER)) == []


def test_only_changed_claims_tell_whose_slots_to_look_at() -> None:
    told: list[Key] = []
    intake = Intake(Inbox(), Ledger(), lambda _: None, on_claims=lambda provider, _: told.append(provider))
    intake.take(Kind.MIGRATION, bare_body(1, status=ACTING))
    intake.take(Kind.MIGRATION, bare_body(2, status=ACTING | {"progress": {"percent": 3}}))
    assert told == [PROVIDER]
    moved = bare_body(3, status=ACTING)
    moved["spec"] = {"providerRef": {"name": "region-two"}}
    intake.take(Kind.MIGRATION, moved)
    assert set(told[1:]) == {PROVIDER, PROVIDER._replace(name="region-two")}
    intake.drop(MIGRATION)
    assert told[-1].name == "region-two"


@pytest.mark.parametrize("raw", [{"metadata": {}}, {"metadata": {}, "spec": None, "status": None}])
def test_a_body_without_anything_claims_nothing(raw: dict[str, Any]) -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, raw)
    assert ledger.claimed(OTHER) == frozenset()


# --- own writes


def test_the_echo_of_an_own_write_wakes_nobody_whether_it_comes_before_or_after_the_answer() -> None:
    for echo_first in (True, False):
        intake, _, woken = open_door()
        intake.take(Kind.MIGRATION, bare_body(1))
        with intake.own_write(MIGRATION) as write:
            if echo_first:
                intake.offer(Kind.MIGRATION, bare_body(2))
            write.recognise(bare_body(2))
            intake.take(Kind.MIGRATION, bare_body(2))
        intake.offer(Kind.MIGRATION, bare_body(2))
        assert woken == []


def test_what_somebody_else_wrote_during_an_own_write_wakes_after_it() -> None:
    intake, _, woken = open_door()
    intake.take(Kind.MIGRATION, bare_body(1))
    with intake.own_write(MIGRATION) as write:
        intake.offer(Kind.MIGRATION, bare_body(2))
        intake.offer(Kind.MIGRATION, bare_body(3, abort="true"))
        write.recognise(bare_body(2))
        assert woken == []
    assert woken == [MIGRATION]
    intake.offer(Kind.MIGRATION, bare_body(4))
    assert woken == [MIGRATION] * 2


def test_an_own_write_without_an_answer_recognises_nothing() -> None:
    intake, _, woken = open_door()
    intake.take(Kind.MIGRATION, bare_body(1))
    with intake.own_write(MIGRATION):
        intake.offer(Kind.MIGRATION, bare_body(2))
    assert woken == [MIGRATION]


def test_a_version_that_is_no_number_is_known_again_all_the_same() -> None:
    intake, _, woken = open_door()
    intake.offer(Kind.MIGRATION, bare_body("odd"))
    intake.offer(Kind.MIGRATION, bare_body("odd"))
    assert woken == [MIGRATION]


def test_a_server_that_another_providers_migration_moves_is_foreign_to_this_one() -> None:
    _, ledger, _ = open_door()
    ledger.note(MIGRATION, bare_body(1, status=ACTING))
    other = Key(Kind.PROVIDER, PROVIDER.namespace, "region-two")
    assert ledger.has_server_of(PROVIDER, "s-1")
    assert not ledger.has_server_of(other, "s-1")
    assert ledger.reserve(OTHER, "s-2", provider=other, hosts=MOVE)
    assert ledger.has_server_of(other, "s-2")
    assert not ledger.has_server_of(PROVIDER, "s-2")


def test_a_cold_move_that_arrived_holds_no_slot_even_while_it_is_called_off() -> None:
    _, ledger, _ = open_door()
    arrived = ACTING | {"phase": "Aborting", "confirm": {"startTime": "2030-01-01T00:00:00Z"}}
    ledger.note(MIGRATION, bare_body(1, status=arrived))
    assert not ledger.slot_holders(PROVIDER)
    assert ledger.has_server_of(PROVIDER, "s-1")


def test_the_end_of_a_move_makes_nobody_look_for_foreign_ones_but_the_loss_of_one_under_way_does() -> None:
    _, ledger, _ = open_door()
    ledger.note(key_named("bystander"), bare_body(1, name="bystander", status={"upstream": {"id": "3"}}))
    known = ledger.lost(PROVIDER)
    ledger.note(MIGRATION, bare_body(1, status=ACTING))
    ledger.note(MIGRATION, bare_body(2, status=OVER))
    ledger.drop(MIGRATION)
    assert ledger.lost(PROVIDER) == known
    known = ledger.lost(PROVIDER)
    ledger.note(OTHER, bare_body(1, name=OTHER.name, status=ACTING))
    ledger.drop(OTHER)
    assert ledger.lost(PROVIDER) > known
    known = ledger.lost(PROVIDER)
    ledger.note(MIGRATION, bare_body(3, status=ACTING))
    ledger.note(MIGRATION, bare_body(4, status={"phase": "Running"}))
    assert ledger.lost(PROVIDER) > known


STRANGER = Key(Kind.MIGRATION, "team-x", "db-07")


def ledgers(**services: str) -> tuple[Ledger, dict[str, str]]:
    """A ledger whose Providers were seen to speak to these services, by namespace."""
    seen = dict(services)
    return Ledger(lambda provider: seen.get(provider.namespace.replace("-", "_"))), seen


def test_a_stranger_that_lists_the_same_server_and_request_in_a_cloud_of_his_own_takes_nothing() -> None:
    ledger, _ = ledgers(team_a="https://nova", team_x="https://fake")
    ledger.note(MIGRATION, bare_body(1))
    ledger.note(STRANGER, bare_body(1, status=ACTING))
    assert ledger.find_conflicting(MIGRATION, "s-1") is None
    assert ledger.claimed(MIGRATION) == frozenset()
    assert ledger.reserve(MIGRATION, "s-1", provider=PROVIDER, hosts=MOVE)
    assert not ledger.reserve(OTHER, "s-1", provider=PROVIDER, hosts=MOVE)
    ledger.note(MIGRATION, bare_body(2, status=ACTING))
    ledger.unreserve(MIGRATION, "s-1")
    assert ledger.has_server_of(PROVIDER, "s-1"), "the stranger was there first, and it is ours all the same"
    assert (ledger.claimed(OTHER), ledger.find_conflicting(OTHER, "s-1")) == (frozenset({"req-1"}), MIGRATION)


def test_across_namespaces_a_server_is_locked_among_those_that_speak_to_one_service() -> None:
    ledger, _ = ledgers(team_a="https://nova", team_x="https://nova")
    ledger.note(MIGRATION, bare_body(1))
    ledger.note(STRANGER, bare_body(1, status=ACTING))
    assert ledger.find_conflicting(MIGRATION, "s-1") == STRANGER
    assert ledger.claimed(MIGRATION) == {"req-1"}
    assert not ledger.reserve(MIGRATION, "s-1", provider=PROVIDER, hosts=MOVE)


def test_what_was_claimed_through_one_cloud_does_not_count_in_another_that_takes_its_place() -> None:
    ledger, seen = ledgers(team_a="https://nova", team_x="https://fake")
    ledger.note(MIGRATION, bare_body(1))
    ledger.note(STRANGER, bare_body(1, status=ACTING))
    seen["team_x"] = "https://nova"
    ledger.note(STRANGER, bare_body(2, status=ACTING | {"phase": "Aborting"}))
    assert ledger.find_conflicting(MIGRATION, "s-1") is None
    ledger.note(STRANGER, bare_body(3, status=OVER))
    assert ledger.claimed(MIGRATION) == frozenset()
    ledger.note(STRANGER, bare_body(4, status=ACTING | {"upstream": {"id": "8", "requestID": "req-2"}}))
    assert ledger.find_conflicting(MIGRATION, "s-1") == STRANGER, "what is begun now is begun in this cloud"
    assert ledger.claimed(MIGRATION) == {"req-2"}


def test_nothing_is_kept_of_a_provider_that_nobody_names_any_more() -> None:
    ledger, _ = ledgers(team_a="https://nova")
    kept = {name: len(entry) for name, entry in vars(ledger).items() if hasattr(entry, "__len__")}
    for number in range(3):
        key = key_named(f"m{number}")
        body = bare_body(1, name=key.name, status=ACTING)
        body["spec"]["providerRef"]["name"] = f"ghost-{number}"
        ledger.note(key, body)
        assert ledger.load(PROVIDER).count == 0
        body["spec"]["providerRef"]["name"] = f"ghost-{number}-again"
        ledger.note(key, body)
        assert ledger.reserve(key, "s-9", provider=PROVIDER, hosts=MOVE)
        ledger.drop(key)
        ledger.unreserve(key, "s-9")
    assert {name: len(entry) for name, entry in vars(ledger).items() if hasattr(entry, "__len__")} == kept
    assert all(not vars(entry)["_owners"] for entry in vars(ledger).values() if isinstance(entry, Owners))
