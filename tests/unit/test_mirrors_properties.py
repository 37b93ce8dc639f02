"""An own start never gets a mirror: claims, decision and memory together, over any story of one server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api_samples import migration_body
from controller_fakes import MIGRATION, PROVIDER
from domain_samples import NOW, SERVER_ID, record
from osmig.api.discovery import Discovery, DiscoveryMode
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.ledger import Ledger
from osmig.domain.mirroring import KnownHere, Memory, MirrorState, decide_mirrors, name_mirror

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView

MIRROR = Discovery(mode=DiscoveryMode.MIRROR)
ENDINGS = {
    "Succeeded": "Succeeded",
    "Aborted": "Aborted",
    "RecordStale": "Succeeded",
    "StartLost": "Failed",
    "RecordGone": "Succeeded",
}


def migration_with(status: dict[str, Any]) -> dict[str, Any]:
    return migration_body(spec={"server": {"id": SERVER_ID}}, status=status)


class OneServer(RuleBasedStateMachine):
    """Somebody declares moves of a server here, others move it too, and the process is killed whenever it likes.

    Nova lets one move of a server go on at a time. A list may still show a move that has ended since.
    """

    def __init__(self) -> None:
        """Nothing has happened yet."""
        super().__init__()
        self.ledger, self.memory, self.now = Ledger(), Memory(), NOW
        self.rows: list[RecordView] = []
        self.ghosts: list[RecordView] = []
        self.own: set[str] = set()
        self.status: dict[str, Any] = {}
        self.number = 0
        self.mirrored: set[str] = set()
        self.tell()

    def tell(self) -> None:
        """Let it be known as it is on record."""
        self.ledger.note(MIGRATION, migration_with(self.status))

    def begin_row(self) -> RecordView:
        """Let Nova write one."""
        self.number += 1
        row = replace(record("running", number=self.number), created=self.now, updated=self.now)
        self.rows = [*self.rows, row]
        return row

    @rule()
    def time_passes(self) -> None:
        """Some seconds, as between two sweeps."""
        self.now += timedelta(seconds=10)

    @property
    def is_acting(self) -> bool:
        """Whether the Migration has begun and not ended."""
        return bool(self.status) and "completionTime" not in self.status

    @property
    def live(self) -> list[RecordView]:
        """The row of the move that goes on, if any."""
        return [row for row in self.rows if row.id not in self.left_over]

    left_over: frozenset[str] = frozenset()

    @precondition(lambda self: not self.live and not self.is_acting)
    @rule()
    def writes_an_intent(self) -> None:
        """The first that is known of a start, before it is sent."""
        attempts = self.status.get("attempts", [])
        self.status = {
            "phase": "Starting",
            "startTime": self.status.get("startTime") or self.now.isoformat(),
            "server": {"id": SERVER_ID},
            "pendingCall": {"operation": "live-migrate"},
            "attempts": attempts,
        }
        self.tell()

    @precondition(lambda self: self.is_acting and "upstream" not in self.status and not self.live)
    @rule()
    def nova_writes_our_record(self) -> None:
        """With or without our having got the answer."""
        self.own.add(self.begin_row().id)

    @precondition(lambda self: self.is_acting and "pendingCall" in self.status)
    @rule()
    def records_the_answer(self) -> None:
        """The call is on record; the row is not told yet."""
        del self.status["pendingCall"]
        self.status |= {"upstream": {"requestID": "req-1"}}
        self.tell()

    @precondition(lambda self: self.is_acting and "upstream" in self.status and self.live)
    @rule()
    def finds_its_record(self) -> None:
        """From now on the row is told."""
        self.status |= {"phase": "Running", "upstream": {"requestID": "req-1", "id": self.live[-1].id}}
        self.tell()

    @precondition(lambda self: self.is_acting and "upstream" in self.status)
    @rule(reason=st.sampled_from(sorted(ENDINGS)))
    def ends(self, reason: str) -> None:
        """However it ends: with a record that is over, or beside one that never will be."""
        is_told = "id" in self.status["upstream"]
        if reason in {"Succeeded", "Aborted"} and is_told:
            self.ghosts = self.live
            self.rows = [row for row in self.rows if row.id in self.left_over]
        elif is_told or reason == "StartLost":
            self.left_over |= {row.id for row in self.live}
        else:
            return
        told = {"upstreamID": self.status["upstream"]["id"]} if is_told else {}
        self.status |= {
            "phase": ENDINGS[reason],
            "completionTime": self.now.isoformat(),
            "attempts": [*self.status["attempts"], {"reason": reason, **told}],
        }
        self.tell()

    @precondition(lambda self: not self.live and not self.is_acting)
    @rule()
    def somebody_else_moves_it(self) -> None:
        """Not through us."""
        self.begin_row()

    @precondition(lambda self: self.live and self.live[-1].id not in self.own)
    @rule()
    def their_move_ends(self) -> None:
        """And its row with it."""
        self.rows = [row for row in self.rows if row.id in self.left_over]

    @rule()
    def is_killed(self) -> None:
        """All memory is lost; claims are read anew from what is on record."""
        self.ledger, self.memory = Ledger(), Memory()
        self.tell()
        for mirror in self.mirrored:
            self.tell_mirror(mirror)

    @precondition(lambda self: self.mirrored)
    @rule()
    def a_mirror_is_deleted(self) -> None:
        """By hand, or after its time."""
        name = min(self.mirrored)
        self.mirrored.discard(name)
        self.ledger.drop(Key(Kind.MIGRATION, PROVIDER.namespace, name))

    def tell_mirror(self, name: str) -> None:
        """Let a mirror be known."""
        body = migration_with({})
        body["metadata"] |= {
            "name": name,
            "labels": {"osmig.dev/discovered": "true"},
            "ownerReferences": [{"kind": "Provider", "uid": "u-2"}],
        }
        self.ledger.note(Key(Kind.MIGRATION, PROVIDER.namespace, name), body)

    @rule(shows_ghosts=st.booleans())
    def sweeps(self, shows_ghosts: bool) -> None:  # noqa: FBT001 - a drawn value
        """One list, and what follows from it."""
        rows = [*self.rows, *(self.ghosts if shows_ghosts else [])]
        self.ghosts = []
        here = KnownHere(
            is_ours=lambda row: self.ledger.knows(PROVIDER, row),
            find_mirror=lambda row: (
                MirrorState.LIVE if name_mirror(row, "u-2") in self.mirrored else MirrorState.ABSENT
            ),
            can_follow=lambda _: True,
            mirrors=len(self.mirrored),
        )
        decision = decide_mirrors(rows, MIRROR, here, self.memory, now=self.now)
        self.memory = decision.memory
        for row in decision.create:
            assert row.id not in self.own, "an own start got a mirror"
            self.mirrored.add(name_mirror(row, "u-2"))
            self.tell_mirror(name_mirror(row, "u-2"))

    @invariant()
    def one_move_goes_on_at_a_time(self) -> None:
        """Else the story is none that Nova tells."""
        assert len(self.live) <= 1


TestOneServer = OneServer.TestCase
TestOneServer.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
