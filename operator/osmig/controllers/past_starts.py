"""What a Migration that has ended may have left under way: its operations are never taken for somebody else's."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from osmig.api.names import Reason
from osmig.domain.operations import STALE_AFTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.domain.operations import RecordView

_CLOSED: Final = frozenset(
    {
        Reason.SUCCEEDED,
        Reason.ABORTED,
        Reason.REVERTED,
        Reason.REVERTED_UPSTREAM,
        Reason.CONFIRMED_UPSTREAM,
        Reason.CANCELLED_UPSTREAM,
    }
)
"""With these the record itself has ended, so there is nothing to remember."""


class PastStart(NamedTuple):
    """What was started, or may have been, in all attempts of a Migration that has ended.

    Attributes:
        server_id: of the server.
        records: the ids of the operations that were followed.
        is_whole: every attempt has one of them.
        began, ended: as the status has them, empty where it does not.
    """

    server_id: str
    records: tuple[str, ...]
    is_whole: bool
    began: str
    ended: str

    def may_be(self, row: RecordView) -> bool:
        """Whether an operation of this server is what was started.

        Where an attempt has no record it is told by the time, and the clocks of cloud and cluster may differ.
        """
        if self.is_whole or row.id in self.records:
            return row.id in self.records
        began, ended = _read_time(self.began), _read_time(self.ended)
        if row.created is None or began is None or ended is None:
            return True
        return began - STALE_AFTER <= row.created <= ended + STALE_AFTER


def read_past_start(status: Mapping[str, Any]) -> PastStart | None:
    """Read what may go on; ``None`` when nothing was sent, or all of it has ended for certain."""
    server_id = (status.get("server") or {}).get("id")
    # what was started leaves an attempt when it ends
    attempts = [attempt for attempt in status.get("attempts") or () if attempt.get("reason") not in _CLOSED]
    if not server_id or not attempts:
        return None
    followed = [attempt.get("upstreamID") for attempt in attempts]
    return PastStart(
        server_id=server_id,
        records=tuple(dict.fromkeys(name for name in followed if name)),
        is_whole=all(followed),
        began=str(status.get("startTime") or ""),
        ended=str(status.get("completionTime") or ""),
    )


def _read_time(text: str) -> dt.datetime | None:
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=dt.UTC)
