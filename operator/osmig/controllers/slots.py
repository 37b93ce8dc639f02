"""Slots of the Providers: who holds one, foreign moves included, whether one more may start, and who is woken for it.

A slot is held from the intent until the data has moved (architecture.md §6a). Nothing of this is stored: it follows
from the statuses in the Ledger and from the rows of the newest sweep.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain import queueing
from osmig.domain.errors import ServerTaken, SlotTaken
from osmig.domain.operations import MoveKind, Stage
from osmig.domain.queueing import Bounds, HostPair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta

    from osmig.api.provider import Limits
    from osmig.controllers.keys import Key
    from osmig.controllers.ledger import Ledger
    from osmig.controllers.sessions import Session, Sessions
    from osmig.domain.clock import Clock
    from osmig.domain.observation import LimitHit
    from osmig.domain.operations import RecordView

_MOVES = frozenset({MoveKind.LIVE, MoveKind.COLD, MoveKind.UNKNOWN})
_MOVED = frozenset({Stage.AWAITING_CONFIRMATION, Stage.CONFIRMING, Stage.REVERTING})


class SlotQueue:
    """Judges by the limits of each Provider, and wakes those whose turn has come."""

    def __init__(self, *, ledger: Ledger, sessions: Sessions, clock: Clock, wake: Callable[[Key], None]) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._clock = clock
        self._wake = wake
        self._called: dict[Key, frozenset[Key]] = {}
        self._turns: dict[Key, dict[Key, datetime]] = {}
        self._evaluated: dict[Key, tuple[int, Limits, list[HostPair]]] = {}
        self._foreign: dict[Key, tuple[tuple[int, int], tuple[RecordView, ...]]] = {}

    def judge(self, key: Key, provider: Key, hosts: HostPair) -> LimitHit:
        """Say whether a move between ``hosts`` may start now; one that is not queued goes after the queue."""
        session = self._sessions.get(provider)
        if session is None or key in self._ledger.slot_holders(provider):
            return queueing.FREE
        ahead = takewhile(lambda waiting: waiting[0] != key, self._ledger.waiting(provider))
        limit_hit = queueing.judge(
            _read_bounds(provider, session),
            self._ledger.load(provider),
            (earlier for _, earlier in ahead),
            hosts,
            foreign=self._find_foreign_pairs(provider, session),
        )
        if limit_hit != queueing.FREE:
            self._called[provider] = self._called.get(provider, frozenset()) - {key}
        return limit_hit

    @contextmanager
    def reserve(self, key: Key, server_id: str, *, provider: Key, hosts: HostPair, needs_slot: bool) -> Iterator[None]:
        """Hold the server and a slot while the write is under way that records them.

        Args:
            key: who takes them.
            server_id: the server.
            provider: whose slot.
            hosts: source and destination.
            needs_slot: refuse when no slot is free; what runs already is taken over in any case.

        Raises:
            SlotTaken, ServerTaken: another took it since the decision's facts were read.
        """
        if needs_slot and (limit_hit := self.judge(key, provider, hosts)) != queueing.FREE:
            raise SlotTaken(
                reason=Reason.SLOTS_TAKEN, message=f"{limit_hit.limit_of}: the last slot was taken just now"
            )
        if not self._ledger.reserve(key, server_id, provider=provider, hosts=hosts):
            raise ServerTaken(reason=Reason.SERVER_BUSY, message="another Migration took the server just now")
        try:
            yield
        finally:
            # Given back before anybody is woken: whose turn it is depends on what the Ledger says then.
            self._ledger.unreserve(key, server_id)
            self.refresh(provider)

    def refresh(self, provider: Key, joined: Key | None = None) -> None:
        """Wake those whose turn has come since the last time; call it whenever slots or limits may have changed.

        The whole queue is evaluated only after a slot or a place was released; else only ``joined``, the newest.
        """
        session = self._sessions.get(provider)
        if session is None or not session.view.is_ready:
            # everybody is woken when it becomes ready
            for known in (self._called, self._turns, self._evaluated, self._foreign):
                known.pop(provider, None)
            return
        foreign = self._find_foreign_pairs(provider, session)
        state = (self._ledger.released(provider), session.limits, foreign)
        if self._evaluated.get(provider) == state:
            hosts = self._ledger.waits(joined) if joined is not None else None
            if joined is not None and hosts is not None and self.judge(joined, provider, hosts) == queueing.FREE:
                self._call(provider, (joined,))
            return
        self._evaluated[provider] = state
        load, queue = self._ledger.load(provider), self._ledger.waiting(provider)
        granted = queueing.grant(_read_bounds(provider, session), load, queue, foreign=foreign)
        self._called[provider] = self._called.get(provider, frozenset()) & frozenset(granted)
        self._call(provider, granted)

    def _call(self, provider: Key, granted: Iterable[Key]) -> None:
        called = self._called.get(provider, frozenset())
        self._called[provider] = called | frozenset(granted)
        for key in granted:
            if key not in called:
                self._wake(key)

    def count_running(self, provider: Key) -> int:
        """Count the moves whose progress is read: our own whose data moves, and those of mirrors."""
        return self._ledger.count_moving(provider)

    def count_stale(self, provider: Key) -> int:
        """Count the foreign moves that take no slot because they hang."""
        session = self._sessions.get(provider)
        return 0 if session is None else sum(map(self._judge_stale(session), self._find_foreign(provider, session)))

    def age_of_oldest_turn(self, provider: Key) -> timedelta:
        """Return how long somebody has had its turn and does not start; zero when nobody has."""
        now, known = self._clock.now(), self._turns.get(provider, {})
        waiting = (key for key in self._called.get(provider, ()) if self._ledger.waits(key) is not None)
        turns = self._turns[provider] = {key: known.get(key, now) for key in waiting}
        return now - min(turns.values(), default=now)

    def _find_foreign_pairs(self, provider: Key, session: Session) -> list[HostPair]:
        """Return the foreign moves that hold slots; not even looked for while our own fill the Provider."""
        if self._ledger.load(provider).count >= session.limits.max_in_flight:
            return []
        rows, is_stale = self._find_foreign(provider, session), self._judge_stale(session)
        return [HostPair(row.source_host, row.destination_host) for row in rows if not is_stale(row)]

    def _find_foreign(self, provider: Key, session: Session) -> list[RecordView]:
        """Return the moves that belong to nobody here; all rows are gone through once per sweep or lost claim."""
        known = self._foreign.get(provider)
        state = (session.rows.revision, self._ledger.lost(provider))
        if known is None or known[0] != state:
            rows = tuple(row for row in session.rows if _is_moving(row) and not self._is_ours(provider, row))
            known = self._foreign[provider] = (state, rows)
        return [row for row in known[1] if not self._is_ours(provider, row)]

    def _is_ours(self, provider: Key, row: RecordView) -> bool:
        return self._ledger.is_declared(provider, row)

    def _judge_stale(self, session: Session) -> Callable[[RecordView], bool]:
        now = session.rows.tell_time(self._clock.now())
        return lambda row: row.is_stale(now)


def _is_moving(row: RecordView) -> bool:
    return row.kind in _MOVES and not row.is_terminal and row.stage not in _MOVED


def _read_bounds(provider: Key, session: Session) -> Bounds:
    limits = session.limits
    return Bounds(
        provider=provider.name,
        in_flight=limits.max_in_flight,
        per_source=limits.max_in_flight_per_source_host,
        per_destination=limits.max_in_flight_per_destination_host,
    )
