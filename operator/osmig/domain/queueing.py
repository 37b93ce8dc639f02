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


def judge(bounds: Bounds, holding: Collection[Move], ahead: Iterable[Move], move: Move) -> Slots:
    """Say whether ``move`` may start now, else which limit is full.

    Places promised to those ``ahead`` count as used: whoever fits will take a slot, whoever waits for a host keeps
    its place there. Costs nothing but a comparison while the limit of the whole Provider is used up.

    Args:
        bounds: the limits.
        holding: the moves that hold a slot.
        ahead: those that wait and go first, in order.
        move: the one to judge.
    """
    if len(holding) >= bounds.in_flight:
        return _describe_in_flight(bounds, len(holding))
    room = _Room(bounds, holding)
    for _ in _walk(room, ((None, earlier) for earlier in ahead)):
        pass
    return room.find_full(move)


def grant(bounds: Bounds, holding: Collection[Move], waiting: Iterable[tuple[_T, Move]]) -> tuple[_T, ...]:
    """Return those of ``waiting`` (in order) that may start now, all of them at once."""
    if len(holding) >= bounds.in_flight:
        return ()
    return tuple(_walk(_Room(bounds, holding), waiting))


def _walk(room: _Room, waiting: Iterable[tuple[_T, Move]]) -> Iterator[_T]:
    """Let everybody take what fits, in order, until the limit of the whole Provider is used up."""
    for name, move in waiting:
        if room.is_full:
            return
        if room.find_full(move) == FREE:
            room.take(move)
            yield name
        else:
            room.reserve(move)


class _Room:
    """What is used and promised while the queue is walked."""

    def __init__(self, bounds: Bounds, holding: Collection[Move]) -> None:
        self._bounds = bounds
        self._in_flight = len(holding)
        self._sources = Counter(move.source for move in holding if move.source is not None)
        self._destinations = Counter(move.destination for move in holding if move.destination is not None)

    @property
    def is_full(self) -> bool:
        return self._in_flight >= self._bounds.in_flight

    def find_full(self, move: Move) -> Slots:
        bounds = self._bounds
        if self.is_full:
            return _describe_in_flight(bounds, self._in_flight)
        if move.source is not None and (used := self._sources[move.source]) >= bounds.per_source:
            return Slots(limit_of=f"moves away from host {move.source}", used=used, limit=bounds.per_source)
        if move.destination is not None and (used := self._destinations[move.destination]) >= bounds.per_destination:
            return Slots(limit_of=f"moves to host {move.destination}", used=used, limit=bounds.per_destination)
        return FREE

    def take(self, move: Move) -> None:
        self._in_flight += 1
        self.reserve(move)

    def reserve(self, move: Move) -> None:
        """Keep a place on the hosts alone: nobody younger overtakes there, and moves between other hosts go on."""
        _add(self._sources, move.source, most=self._bounds.per_source)
        _add(self._destinations, move.destination, most=self._bounds.per_destination)


def _add(used: Counter[str], host: str | None, *, most: int) -> None:
    # counting a long queue further than the limit would tell people of more moves than there are
    if host is not None and used[host] < most:
        used[host] += 1


def _describe_in_flight(bounds: Bounds, used: int) -> Slots:
    return Slots(limit_of=f"moves through Provider {bounds.provider}", used=used, limit=bounds.in_flight)
