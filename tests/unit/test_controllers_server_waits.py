"""Those that wait for a server are woken by whoever lets go of it, one after the other, longest wait first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller_fakes import MIGRATION
from osmig.api.names import Kind
from osmig.controllers.inbox import Inbox
from osmig.controllers.intake import Intake
from osmig.controllers.ledger import Ledger

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

SERVER = {"server": {"id": "s-1"}}
MOVING = {"phase": "Running", **SERVER, "upstream": {"id": "7", "requestID": "req-1"}}
OVER = MOVING | {"phase": "Succeeded"}


class Door:
    """An Intake that tells whom it wakes."""

    def __init__(self) -> None:
        """Know nobody."""
        self.woken: list[str] = []
        self._versions = 0
        self.intake = Intake(Inbox(), Ledger(), self._note)

    def _note(self, key: Key) -> None:
        self.woken.append(key.name)

    def take(self, name: str, status: dict[str, Any], namespace: str = MIGRATION.namespace) -> None:
        """Take in what an own write brought, which wakes nobody by itself."""
        self._versions += 1
        metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": str(self._versions)}
        spec = {"providerRef": {"name": "region-one"}}
        self.intake.take(Kind.MIGRATION, {"metadata": metadata, "spec": spec, "status": status})

    def drain(self) -> list[str]:
        """Return whom it woke since the last time."""
        woken, self.woken = self.woken, []
        return woken


def busy(minute: int) -> dict[str, Any]:
    return {
        "phase": "Queued",
        "queuedTime": f"2030-01-01T00:{minute:02d}:00.000000Z",
        "conditions": [{"type": "Succeeded", "reason": "ServerBusy"}],
        **SERVER,
    }


def test_the_end_of_a_move_wakes_the_one_that_has_waited_longest_and_no_other() -> None:
    door = Door()
    door.take("first", MOVING)
    for name, minute in (("late", 9), ("early", 1), ("other", 5)):
        door.take(name, busy(minute))
    assert door.drain() == []
    door.take("first", OVER)
    assert door.drain() == ["early"]


def test_one_that_was_woken_and_needs_the_server_no_more_wakes_the_next() -> None:
    door = Door()
    door.take("first", MOVING)
    door.take("early", busy(1))
    door.take("late", busy(2))
    door.take("first", OVER)
    door.take("early", {"phase": "Succeeded", **SERVER})
    assert door.drain() == ["early", "late"]


def test_nobody_is_woken_while_another_one_has_the_server() -> None:
    door = Door()
    door.take("first", MOVING)
    door.take("early", busy(1))
    door.take("late", busy(2))
    door.take("early", {"phase": "Aborted", **SERVER})
    assert door.drain() == []


def test_deleting_the_one_that_has_the_server_wakes_the_next() -> None:
    door = Door()
    door.take("first", MOVING)
    door.take("early", busy(1))
    door.intake.drop(MIGRATION._replace(name="first"))
    assert door.drain() == ["early", "first"]


def test_a_stranger_who_waits_for_the_same_server_keeps_nobody_from_being_woken() -> None:
    door = Door()
    door.take("first", MOVING)
    door.take("stranger", busy(1), namespace="team-x")
    door.take("ours", busy(5))
    door.take("later", busy(9))
    door.take("first", OVER)
    assert sorted(door.drain()) == ["ours", "stranger"]
