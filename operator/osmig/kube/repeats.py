"""Which Event has been recorded before: pure memory, told the time."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from typing import NamedTuple

WINDOW_S = 600.0
_MAX_SERIES = 4096


class EventKey(NamedTuple):
    """What makes two Events the same; everything else of an Event cannot be changed afterwards."""

    namespace: str
    uid: str
    reason: str
    action: str
    note: str


@dataclass(frozen=True, slots=True)
class Series:
    """One Event object on the server.

    Attributes:
        name: of the Event object.
        begun: own clock when it was created.
        count: how often it was recorded, the creation included.
    """

    name: str
    begun: float
    count: int = 1

    def next(self) -> Series:
        """Return the series with one more occurrence."""
        return replace(self, count=self.count + 1)


class Repeats:
    """The Events of the last ten minutes, oldest first; bounded at the cost of the namespace that has most of them."""

    def __init__(self) -> None:
        self._series: OrderedDict[EventKey, Series] = OrderedDict()
        self._by_namespace: Counter[str] = Counter()

    def find(self, key: EventKey, now: float) -> Series | None:
        """Return the series that another occurrence at ``now`` belongs to, or ``None`` when a new Event is due."""
        while self._series:
            oldest, series = next(iter(self._series.items()))
            if now - series.begun < WINDOW_S:
                break
            self.forget(oldest)
        return self._series.get(key)

    def remember(self, key: EventKey, series: Series) -> None:
        """Keep what the server has accepted."""
        if key not in self._series:
            self._by_namespace[key.namespace] += 1
        self._series[key] = series
        if len(self._series) > _MAX_SERIES:
            ((loudest, _),) = self._by_namespace.most_common(1)
            self.forget(next(kept for kept in self._series if kept.namespace == loudest))

    def forget(self, key: EventKey) -> None:
        """Drop a series whose Event is gone from the server."""
        if self._series.pop(key, None) is None:
            return
        self._by_namespace[key.namespace] -= 1
        if not self._by_namespace[key.namespace]:
            del self._by_namespace[key.namespace]
