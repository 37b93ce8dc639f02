"""Which of a server's records is the one that our start made: the one rule for those who look it up and who follow.

Nova's records name no request. The accepted request id leads to its action, and the action to the moment from which on
its record can be: Nova's conductor notes that it begins (an event of the action) right before it writes the record, by
the same clock. Whatever was written before that moment is another's, also when it is new to us: somebody else's
migration may begin and fail between our last look at the server and our start.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.domain.operations import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.domain.operations import MoveKind, RecordView
    from osmig.drivers.servers.views import StartTrace

_SKEW = dt.timedelta(seconds=5)
"""How far the clocks of Nova's API and conductor, which date actions and records, may be apart."""


def pick_record(
    records: Iterable[RecordView],
    previous_id: str | None,
    *,
    kind: MoveKind,
    request_id: str | None = None,
    trace: StartTrace | None = None,
) -> RecordView | None:
    """Return the record of our start; ``None`` while there is none, or it cannot be told from another's.

    One that was made up from the server's actions carries the request id as its own (osmig.drivers.servers.ports).

    Args:
        records: of the server, in any order.
        previous_id: the newest record before the start; ``None`` when there was none or it was made up.
        kind: what the start moves.
        request_id: upstream's id of the start, where it is known.
        trace: what the action of that request shows. Without it only a single newer record is taken that has not
            failed: the server's task_state lets one start through at a time, so the one under way is ours.
    """
    rows = tuple(records)
    made_up = next((row for row in rows if request_id is not None and row.id == request_id), None)
    if made_up is not None:
        return made_up
    newer = find_newer(rows, previous_id, kind=kind)
    if trace is None:
        is_plain = len(newer) == 1 and (not newer[0].is_terminal or newer[0].stage is Stage.SUCCEEDED)
        return newer[0] if is_plain else None
    return min(_keep_ours(newer, trace), key=lambda row: row.number, default=None)


def find_newer(records: Iterable[RecordView], previous_id: str | None, *, kind: MoveKind) -> list[RecordView]:
    """Return the records of this kind that were not there before the start."""
    known = int(previous_id) if previous_id and previous_id.isdecimal() else 0
    return [row for row in records if row.kind.fits(kind) and row.number > known]


def _keep_ours(rows: list[RecordView], trace: StartTrace) -> list[RecordView]:
    """Leave out what another user's start made, and what was there before ours had begun."""
    rows = [row for row in rows if None in {row.user_id, trace.user_id} or row.user_id == trace.user_id]
    if trace.shows_events and trace.began is None:
        return []
    if trace.began is not None:
        # Where Nova keeps whole seconds, one that failed may be of the very second in which ours began; it came first.
        same = [row for row in rows if row.created == trace.began]
        before_ours = sorted(row.number for row in same)[:-1]
        began = trace.began
        return [row for row in rows if row.number not in before_ours and (row.created is None or row.created >= began)]
    return [row for row in rows if not is_older(row, trace.started)]


def is_older(record: RecordView, started: dt.datetime | None) -> bool:
    """Whether a record was there before an action began, by clocks of two machines."""
    return record.created is not None and started is not None and record.created < started - _SKEW
