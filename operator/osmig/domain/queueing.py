"""Whose turn it is to start: a Provider's limits, the moves that hold slots, and the queue before them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from osmig.domain.observation import Slots

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_T = TypeVar("_T")

FREE = Slots()
"""No limit keeps the start back."""


class Move(NamedTuple):
    """The hosts that a move loads; ``None`` where it is not known, which no limit per host counts."""

    source: str | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many moves may hold a slot at once.

    Attributes:
        provider: its name, for the words in status.
        in_flight: through the whole Provider.
        per_source, per_destination: away from one host, to one host.
    """

    provider: str
    in_flight: int
    per_source: int
    per_destination: int


class Load:
    """How many moves there are: together, away from each host, to each host. Kept up to date move by move."""

    def __init__(self, moves: Iterable[Move] = ()) -> None:
        self.count = 0
        self._sources: Counter[str] = Counter()
        self._destinations: Counter[str] = Counter()
        for move in moves:
            self.add(move)

    def add(self, move: Move) -> None:
        """Count one more."""
        self.count += 1
        self.reserve(move)

    def reserve(self, move: Move) -> None:
        """Count one more on its hosts alone."""
        if move.source is not None:
            self._sources[move.source] += 1
        if move.destination is not None:
            self._destinations[move.destination] += 1

    def remove(self, move: Move) -> None:
        """Count one less; it was added before."""
        self.count -= 1
        for hosts, host in ((self._sources, move.source), (self._destinations, move.destination)):
            if host is not None:
                hosts[host] -= 1
                if not hosts[host]:
                    del hosts[host]

    def count_from(self, host: str) -> int:
        """Count the moves away from a host."""
        return self._sources[host]

    def count_to(self, host: str) -> int:
        """Count the moves to a host."""
        return self._destinations[host]


def judge(bounds: Bounds, load: Load, ahead: Iterable[Move], move: Move, *, foreign: Collection[Move] = ()) -> Slots:
    """Say whether ``move`` may start now, else which limit is full.

    Places promised to those ``ahead`` count as used: whoever fits will take a slot, whoever waits for a host keeps
    its place there. They are not even looked at while those who run fill one of the limits.

    Args:
        bounds: the limits.
        load: our own moves that hold a slot.
        ahead: those that wait and go first, in order.
        move: the one to judge.
        foreign: the moves of others that hold a slot.
    """
    room = _Room(bounds, load, foreign)
    if room.fits(move):
        for _ in _walk(room, ((None, earlier) for earlier in ahead)):
            pass
    return room.describe(move)


def grant(
    bounds: Bounds, load: Load, waiting: Iterable[tuple[_T, Move]], *, foreign: Collection[Move] = ()
) -> tuple[_T, ...]:
    """Return those of ``waiting`` (in order) that may start now, all of them at once."""
    return tuple(_walk(_Room(bounds, load, foreign), waiting))


def _walk(room: _Room, waiting: Iterable[tuple[_T, Move]]) -> Iterator[_T]:
    """Let everybody take what fits, in order, until the limit of the whole Provider is used up."""
    if room.is_full():
        return
    for name, move in waiting:
        if room.fits(move):
            room.promised.add(move)
            yield name
            if room.is_full():
                return
        else:
            # nobody younger overtakes on its hosts, and moves between other hosts go on
            room.promised.reserve(move)


class _Room:
    """What is used and promised while the queue is walked."""

    def __init__(self, bounds: Bounds, load: Load, foreign: Collection[Move]) -> None:
        self._bounds = bounds
        self._load = load
        self._foreign = Load(foreign)
        self.promised = Load()

    def is_full(self) -> bool:
        return self._load.count + self._foreign.count + self.promised.count >= self._bounds.in_flight

    def fits(self, move: Move) -> bool:
        if self.is_full():
            return False
        source, destination, bounds = move.source, move.destination, self._bounds
        if source is not None and self._count_from(source) + self.promised.count_from(source) >= bounds.per_source:
            return False
        if destination is None:
            return True
        return self._count_to(destination) + self.promised.count_to(destination) < bounds.per_destination

    def describe(self, move: Move) -> Slots:
        """Name the limit that is full."""
        bounds, promised = self._bounds, self.promised
        if self.fits(move):
            return FREE
        if self.is_full():
            used = self._load.count + self._foreign.count + promised.count
            return Slots(limit_of=f"moves through Provider {bounds.provider}", used=used, limit=bounds.in_flight)
        source, destination = move.source or "", move.destination or ""
        if (used := self._count_from(source)) + promised.count_from(source) >= bounds.per_source:
            limit = bounds.per_source
            return Slots(limit_of=f"moves away from host {source}", used=max(used, limit), limit=limit)
        used, limit = self._count_to(destination), bounds.per_destination
        return Slots(limit_of=f"moves to host {destination}", used=max(used, limit), limit=limit)

    def _count_from(self, host: str) -> int:
        return self._load.count_from(host) + self._foreign.count_from(host)

    def _count_to(self, host: str) -> int:
        return self._load.count_to(host) + self._foreign.count_to(host)
