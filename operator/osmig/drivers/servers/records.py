"""Which of a server's records is the one that our start made: the one rule for those who look it up and who follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.domain.operations import MoveKind, RecordView


def pick_record(
    records: Iterable[RecordView], previous_id: str | None, *, kind: MoveKind, request_id: str | None = None
) -> RecordView | None:
    """Return the record of our start: the oldest of its kind after those known before it.

    The server's task_state lets only one start through at a time, so the oldest newer record is ours. One that was
    made up from the server's actions carries the request id as its own (osmig.drivers.ports) and needs no such guess.

    Args:
        records: of the server, in any order.
        previous_id: the newest record before the start; ``None`` when there was none or it was made up.
        kind: what the start moves.
        request_id: upstream's id of the start, where it is known.
    """
    known = int(previous_id) if previous_id and previous_id.isdecimal() else 0
    newer = []
    for record in records:
        if request_id is not None and record.id == request_id:
            return record
        if record.kind.fits(kind) and record.number > known:
            newer.append(record)
    return min(newer, key=lambda record: record.number, default=None)
