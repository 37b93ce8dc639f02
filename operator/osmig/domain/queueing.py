"""Whose turn it is to start: a Provider's limits, the moves that hold slots, and the queue before them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from osmig.domain.observation import LimitHit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_T = TypeVar("_T")

FREE = LimitHit()
"""No limit keeps the start back."""


class HostPair(NamedTuple):
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


class HostLoad:
    """How many moves there are: together, away from each host, to each host. Kept up to date move by move."""

    def __init__(self, pairs: Iterable[HostPair] = ()) -> None:
        self.count = 0
        self._sources: Counter[str] = Counter()
        self._destinations: Counter[str] = Counter()
        for pair in pairs:
            self.add(pair)

    def add(self, pair: HostPair) -> None:
        """Count one more."""
        self.count += 1
        self.reserve(pair)

    def reserve(self, pair: HostPair) -> None:
        """Count one more on its hosts alone."""
        if pair.source is not None:
            self._sources[pair.source] += 1
        if pair.destination is not None:
            self._destinations[pair.destination] += 1

    def remove(self, pair: HostPair) -> None:
        """Count one less; it was added before."""
        self.count -= 1
        for hosts, host in ((self._sources, pair.source), (self._destinations, pair.destination)):
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


def judge(
    bounds: Bounds, load: HostLoad, ahead: Iterable[HostPair], pair: HostPair, *, foreign: Collection[HostPair] = ()
) -> LimitHit:
    """Say whether ``pair`` may start now, else which limit is full.

    Slots promised to those ``ahead`` count as used: a move that fits takes a slot, one that waits for a host keeps its
    place there. They are not evaluated while the running moves reach one of the limits.

    Args:
        bounds: the limits.
        load: our own moves that hold a slot.
        ahead: those that wait and go first, in order.
        pair: the one to judge.
        foreign: the moves of others that hold a slot.
    """
    capacity = _Capacity(bounds, load, foreign)
    if capacity.fits(pair):
        for _ in _grant_in_order(capacity, ((None, earlier) for earlier in ahead)):
            pass
    return capacity.describe(pair)


def grant(
    bounds: Bounds, load: HostLoad, waiting: Iterable[tuple[_T, HostPair]], *, foreign: Collection[HostPair] = ()
) -> tuple[_T, ...]:
    """Return those of ``waiting`` (in order) that may start now, all of them at once."""
    return tuple(_grant_in_order(_Capacity(bounds, load, foreign), waiting))


def _grant_in_order(capacity: _Capacity, waiting: Iterable[tuple[_T, HostPair]]) -> Iterator[_T]:
    """Let everybody take what fits, in order, until the limit of the whole Provider is used up."""
    if capacity.is_full():
        return
    for name, pair in waiting:
        if capacity.fits(pair):
            capacity.promised.add(pair)
            yield name
            if capacity.is_full():
                return
        else:
            # nobody younger overtakes on its hosts, and moves between other hosts go on
            capacity.promised.reserve(pair)


class _Capacity:
    """What is used and promised while the queue is evaluated."""

    def __init__(self, bounds: Bounds, load: HostLoad, foreign: Collection[HostPair]) -> None:
        self._bounds = bounds
        self._load = load
        self._foreign = HostLoad(foreign)
        self.promised = HostLoad()

    def is_full(self) -> bool:
        return self._load.count + self._foreign.count + self.promised.count >= self._bounds.in_flight

    def fits(self, pair: HostPair) -> bool:
        if self.is_full():
            return False
        source, destination, bounds = pair.source, pair.destination, self._bounds
        if source is not None and self._count_from(source) + self.promised.count_from(source) >= bounds.per_source:
            return False
        if destination is None:
            return True
        return self._count_to(destination) + self.promised.count_to(destination) < bounds.per_destination

    def describe(self, pair: HostPair) -> LimitHit:
        """Name the limit that is full."""
        bounds, promised = self._bounds, self.promised
        if self.fits(pair):
            return FREE
        if self.is_full():
            used = self._load.count + self._foreign.count + promised.count
            return LimitHit(limit_of=f"moves through Provider {bounds.provider}", used=used, limit=bounds.in_flight)
        source, destination = pair.source or "", pair.destination or ""
        if (used := self._count_from(source)) + promised.count_from(source) >= bounds.per_source:
            limit = bounds.per_source
            return LimitHit(limit_of=f"moves away from host {source}", used=max(used, limit), limit=limit)
        used, limit = self._count_to(destination), bounds.per_destination
        return LimitHit(limit_of=f"moves to host {destination}", used=max(used, limit), limit=limit)

    def _count_from(self, host: str) -> int:
        return self._load.count_from(host) + self._foreign.count_from(host)

    def _count_to(self, host: str) -> int:
        return self._load.count_to(host) + self._foreign.count_to(host)
