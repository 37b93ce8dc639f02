"""Which Event has been recorded before: pure memory, told the time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import NamedTuple

WINDOW_S = 600.0
_MAX_SERIES = 4096


class EventKey(NamedTuple):
    """What makes two Events the same; everything else of an Event cannot be changed afterwards."""

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
    """The Events of the last ten minutes, oldest first; bounded."""

    def __init__(self) -> None:
        self._series: OrderedDict[EventKey, Series] = OrderedDict()

    def find(self, key: EventKey, now: float) -> Series | None:
        """Return the series that another occurrence at ``now`` belongs to, or ``None`` when a new Event is due."""
        while self._series and now - next(iter(self._series.values())).begun >= WINDOW_S:
            self._series.popitem(last=False)
        return self._series.get(key)

    def remember(self, key: EventKey, series: Series) -> None:
        """Keep what the server has accepted."""
        self._series[key] = series
        if len(self._series) > _MAX_SERIES:
            self._series.popitem(last=False)

    def forget(self, key: EventKey) -> None:
        """Drop a series whose Event is gone from the server."""
        self._series.pop(key, None)
