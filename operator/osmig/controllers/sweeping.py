"""What the sweeps of one Provider have brought: the rows that are not over, and which of ours changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from osmig.api.names import Reason
from osmig.domain.errors import TooManyRows
from osmig.domain.operations import TYPE_WORDS, WAITING_STAGES, Stage
from osmig.net.bounds import MAX_ROWS
from osmig.telemetry.labels import OTHER

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from osmig.domain.operations import RecordView, Sweep


GROUPS = ("running", "queued", "awaiting_confirmation")


class Rows:
    """Upstream's operations as last swept: those that are not over, and those that a Migration of ours follows.

    Attributes:
        revision: another one after each sweep.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._asked: dt.datetime | None = None
        self._rows: dict[str, RecordView] = {}
        self._learned: set[str] = set()

    def get(self, record_id: str) -> RecordView | None:
        """Return a row as last swept."""
        return self._rows.get(record_id)

    def tell_time(self, ours: dt.datetime) -> dt.datetime:
        """Tell the time by the clock that dates the rows, as of the last sweep; ``ours`` where upstream tells none.

        A wall clock of our own that is set hours ahead must not make everything that goes on look left over.
        """
        return self._asked or ours

    def __iter__(self) -> Iterator[RecordView]:
        """Return every row."""
        return iter(self._rows.values())

    def find(self, name: str) -> RecordView | None:
        """Return the row of this id or uuid."""
        return self._rows.get(name) or next((row for row in self if row.uuid == name), None)

    def forget(self, record_id: str) -> None:
        """Make the next look read it from upstream."""
        self._rows.pop(record_id, None)

    def clear(self) -> None:
        """Forget every row: the next sweep may be of another cloud, whose numbers mean other moves."""
        self.revision += 1
        self._asked = None
        self._rows.clear()

    def learn(self, records: Iterable[RecordView]) -> None:
        """Take in what was read for one server between two sweeps; a sweep that began earlier must not undo it."""
        for record in records:
            # what has ended goes on no more, whatever the dates are
            if record.id in self._rows if record.is_terminal else not self._is_outdated(record):
                self._rows[record.id] = record
                self._learned.add(record.id)

    def begin_sweep(self) -> None:
        """Note that a list is asked for: what is read of a server from now on is younger than it."""
        self._learned.clear()

    def merge(self, sweep: Sweep, *, is_ours: Callable[[str], bool]) -> frozenset[str]:
        """Take a sweep in; return the ids of rows that changed or vanished.

        Being touched alone is no change: while data moves, Nova dates the row anew with every sample it takes, and
        whoever follows it takes samples at a pace of its own.

        A full sweep lists everything that is not over, so what it leaves out has ended or is gone: its row is
        dropped, and whoever follows it reads it anew.

        Raises:
            TooManyRows: more rows than are kept have come together; none are kept then.
        """
        self.revision += 1
        self._asked = sweep.asked
        records = [row for row in sweep.records if row.id not in self._learned or not self._is_outdated(row)]
        changed = {record.id for record in records if _has_changed(self._rows.get(record.id), record)}
        listed = {record.id for record in sweep.records}
        if sweep.is_full:
            vanished = {record_id for record_id in self._rows if record_id not in listed}
            for record_id in vanished:
                del self._rows[record_id]
            changed |= vanished
        for record in records:
            if record.is_terminal and not is_ours(record.id):
                self._rows.pop(record.id, None)
            else:
                self._rows[record.id] = record
        self._check_length()
        return frozenset(changed)

    def _check_length(self) -> None:
        """Keep no list that grew beyond the bound from sweep to sweep; the next one begins anew.

        Raises:
            TooManyRows: it did.
        """
        if len(self._rows) > MAX_ROWS:
            self._rows.clear()
            text = f"There are more than {MAX_ROWS} moves under way, and no more are kept"
            raise TooManyRows(Reason.TOO_MANY_ROWS, text, operation="sweep")

    def _is_outdated(self, record: RecordView) -> bool:
        """Whether a younger state of the same row is known; upstream dates a row from its first change on."""
        known = self._rows.get(record.id)
        if known is None or known.updated is None:
            return False
        return record.updated is None or record.updated < known.updated

    def count(self) -> Mapping[str, Any]:
        """Count what is not over, as `UpstreamCounts` has it: by what it waits for, and by its type."""
        live = [row for row in self if not row.is_terminal]
        counts, types = Counter(map(_group, live)), Counter(TYPE_WORDS[row.kind] for row in live)
        by_type = tuple({"type": word, "count": types[word]} for word in sorted(types))
        return {"by_type": by_type} | {name: counts[name] for name in GROUPS}

    def count_foreign(self, *, is_ours: Callable[[str], bool]) -> Mapping[str, int]:
        """Count by status word what is not over and nobody here follows; words that no table has are one."""
        return Counter(_find_word(row) for row in self if not row.is_terminal and not is_ours(row.id))

    def count_unowned_confirmations(self, *, is_ours: Callable[[str], bool]) -> int:
        """Count what waits for somebody to confirm or revert, and nobody here follows."""
        return sum(row.stage is Stage.AWAITING_CONFIRMATION and not is_ours(row.id) for row in self)


def _has_changed(known: RecordView | None, record: RecordView) -> bool:
    return known is None or replace(known, updated=record.updated) != record


def _find_word(row: RecordView) -> str:
    """Return the row's status word if its driver's table has it: a stage is known for those words alone."""
    return row.status.strip().lower() if row.stage is not Stage.UNKNOWN else OTHER


def _group(row: RecordView) -> str:
    if row.stage in WAITING_STAGES:
        return "queued"
    return "awaiting_confirmation" if row.stage is Stage.AWAITING_CONFIRMATION else "running"
