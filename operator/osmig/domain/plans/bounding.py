"""Keeps a plan's status below 256 KiB, whatever a cloud writes into names, reasons and messages.

The schema bounds characters, of which each may be four bytes, and the number of rows. Both at their ends would be 2 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.api.plan_preview import PreviewServer
    from osmig.api.plan_status import PlanFailure, PlanHost, PlanStatus

MAX_STATUS_BYTES = 256 * 1024
"""Of the whole; the other figures make it up, with what has bounds of its own."""

PREVIEW_BYTES = 96 * 1024
"""Of the rows of ``preview.notPlain``: 200 of 480 bytes each."""
FAILURES_BYTES = 24 * 1024
HOSTS_BYTES = 48 * 1024
"""Of the texts of all hosts; what they have beyond is taken from the preview."""
HOST_MESSAGE_BYTES, HOST_REASON_BYTES = 300, 255
CONDITION_BYTES = 1024

_ROW_BYTES = 160
"""Names of fields, quotes, and what of a row is no text of a cloud's."""

_HOST_BYTES, _ID_BYTES = 500, 40
_OTHER_BYTES = 32 * 1024
"""Conditions, orders, counts and times."""

Row = TypeVar("Row", "PreviewServer", "PlanFailure")


def cut_bytes(text: str, max_bytes: int) -> str:
    """Cut a text to so many bytes of UTF-8."""
    return text if len(text) * 4 <= max_bytes else text.encode()[:max_bytes].decode(errors="ignore")


def bound_status(status: PlanStatus) -> PlanStatus:
    """Cut texts of hosts, and leave out the last rows of lists, as far as they are too long together."""
    hosts = tuple(_bound_host(host) for host in status.hosts)
    hosts_bytes = sum(_count_bytes(text) for host in hosts for text in _list_host_texts(host))
    changes: dict[str, Any] = {"hosts": hosts, "failures": _keep(status.failures, FAILURES_BYTES)}
    if (preview := status.preview) is not None:
        kept = _keep(preview.not_plain, PREVIEW_BYTES - max(0, hosts_bytes - HOSTS_BYTES))
        left_out = preview.truncated_count + len(preview.not_plain) - len(kept)
        changes["preview"] = preview.model_copy(update={"not_plain": kept, "truncated_count": left_out})
    bounded = status.model_copy(update=changes)
    taken_bytes = hosts_bytes + _HOST_BYTES * len(hosts) + _ID_BYTES * len(status.skips) + _OTHER_BYTES
    taken_bytes += sum(_count_row(row) for row in bounded.failures)
    taken_bytes += sum(_count_row(row) for row in bounded.preview.not_plain) if bounded.preview is not None else 0
    return bounded.model_copy(update={"left": _keep(status.left, MAX_STATUS_BYTES - taken_bytes)})


def _bound_host(host: PlanHost) -> PlanHost:
    before, message = host.before, host.message
    if before is not None and before.disabled_reason is not None:
        before = before.model_copy(update={"disabled_reason": cut_bytes(before.disabled_reason, HOST_REASON_BYTES)})
    if message is not None:
        message = cut_bytes(message, HOST_MESSAGE_BYTES)
    return host.model_copy(update={"before": before, "message": message})


def _keep(rows: tuple[Row, ...], max_bytes: int) -> tuple[Row, ...]:
    """Return the first rows that fit."""
    left_bytes = max_bytes
    for index, row in enumerate(rows):
        left_bytes -= _count_row(row)
        if left_bytes < 0:
            return rows[:index]
    return rows


def _count_row(row: PreviewServer | PlanFailure) -> int:
    return _ROW_BYTES + sum(_count_bytes(text) for text in _list_texts(row))


def _list_host_texts(host: PlanHost) -> Iterable[str]:
    reason = host.before.disabled_reason if host.before is not None else None
    return (host.name, host.service_id or "", host.message or "", reason or "")


def _list_texts(row: PreviewServer | PlanFailure) -> Iterable[str]:
    return (value for value in row.__dict__.values() if isinstance(value, str))


def _count_bytes(text: str) -> int:
    """Count what a text takes in JSON, where quotes and backslashes are two signs."""
    return len(text.encode()) + text.count('"') + text.count("\\")
