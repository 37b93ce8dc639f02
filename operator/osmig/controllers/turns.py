"""Who of those that are due is stepped next, so that nobody costs another his turn (ADR 0023).

A step keeps its place while it waits for the limiter, a thread or an answer. So places are counted per lane: the steps
of one sort through one Provider. Between namespaces, and between the lanes of one, turns go round.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.controllers.keys import Key


T = TypeVar("T")


class Sort(StrEnum):
    """What a step is for; no sort waits for the places of another."""

    ORDER = "Order"
    START = "Start"
    PLAN = "Plan"
    POLL = "Poll"
    OTHER_KIND = "OtherKind"


class Lane(NamedTuple):
    """The steps that share places.

    Attributes:
        provider: its name; of an object of another kind than Migration the object's own, which is a lane by itself.
    """

    namespace: str
    sort: Sort
    provider: str


class Sorting(Protocol):
    """What tells steps apart before they are made, as ``osmig.controllers.lanes.Lanes`` does."""

    def find(self, key: Key) -> Lane:
        """Return the lane that a key belongs into now."""
        ...

    def has_order(self, key: Key) -> bool:
        """Whether somebody gave an order about an object that no step has recorded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How many steps may be under way.

    Attributes:
        lane: of one sort through one Provider.
        namespace: of one sort in one namespace.
        total: everywhere, for the sake of memory. The first step of a namespace is not held up by it.
    """

    lane: int
    namespace: int
    total: int

    @classmethod
    def share(cls, workers: int) -> Places:
        """Return the places that ``--workers`` stands for."""
        return cls(lane=workers, namespace=2 * workers, total=20 * workers)


class _Queue:
    """Those of one sort and namespace that wait: by lane, in the order in which they became due."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[Lane, OrderedDict[Key, None]] = OrderedDict()

    def add(self, key: Key, lane: Lane) -> None:
        self._lanes.setdefault(lane, OrderedDict())[key] = None

    def remove(self, key: Key, lane: Lane) -> None:
        del self._lanes[lane][key]
        if not self._lanes[lane]:
            del self._lanes[lane]

    def take(self, taken: Mapping[Lane, int], places: int) -> tuple[Key, Lane] | None:
        lane = next((lane for lane in self._lanes if taken.get(lane, 0) < places), None)
        if lane is None:
            return None
        key = next(iter(self._lanes[lane]))
        self._lanes.move_to_end(lane)
        self.remove(key, lane)
        return key, lane

    def __bool__(self) -> bool:
        return bool(self._lanes)


class Turns:
    """Those that are due, and those whose step is under way."""

    def __init__(self, places: Places) -> None:
        """Let nobody wait."""
        self._places = places
        self._queues: OrderedDict[tuple[str, Sort], _Queue] = OrderedDict()
        self._waiting: dict[Key, Lane] = {}
        self._stepped: dict[Key, Lane] = {}
        self._by_lane: Counter[Lane] = Counter()
        self._by_queue: Counter[tuple[str, Sort]] = Counter()
        self._by_namespace: Counter[str] = Counter()

    def __contains__(self, key: Key) -> bool:
        """Whether a key waits for its turn."""
        return key in self._waiting

    def add(self, key: Key, lane: Lane) -> None:
        """Let a key wait in a lane, behind those that are there; one that waits in another one changes over."""
        before = self._waiting.get(key)
        if before == lane:
            return
        if before is not None:
            self._remove(key, before)
        self._waiting[key] = lane
        self._queues.setdefault(lane[:2], _Queue()).add(key, lane)

    def take(self) -> Key | None:
        """Return whose turn it is, who has a place from now on; ``None`` when nobody waits who may have one."""
        for name, queue in self._queues.items():
            taken = queue.take(self._by_lane, self._places.lane) if self._has_room(*name) else None
            if taken is not None:
                key, lane = taken
                del self._waiting[key]
                self._queues.move_to_end(name)
                if not queue:
                    del self._queues[name]
                self._count(lane, 1)
                self._stepped[key] = lane
                return key
        return None

    def release(self, key: Key) -> None:
        """Take back the place of one whose step has ended."""
        self._count(self._stepped.pop(key), -1)

    def _has_room(self, namespace: str, sort: Sort) -> bool:
        if self._by_queue[namespace, sort] >= self._places.namespace:
            return False
        return len(self._stepped) < self._places.total or not self._by_namespace[namespace]

    def _remove(self, key: Key, lane: Lane) -> None:
        queue = self._queues[lane[:2]]
        queue.remove(key, lane)
        if not queue:
            del self._queues[lane[:2]]

    def _count(self, lane: Lane, change: int) -> None:
        _add(self._by_lane, lane, change)
        _add(self._by_queue, lane[:2], change)
        _add(self._by_namespace, lane.namespace, change)


def _add(counter: Counter[T], name: T, change: int) -> None:
    counter[name] += change
    if not counter[name]:
        del counter[name]
