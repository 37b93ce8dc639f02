"""What verdicts are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import CheckResult
from osmig.net.cleaning import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from osmig.drivers.tenants.waldur.wire import NamedRow, NetworkRow

PASS, WARN, FAIL, SKIPPED = CheckResult.PASS, CheckResult.WARN, CheckResult.FAIL, CheckResult.SKIPPED

Verdict = tuple[str, CheckResult, str]
"""The field's path, the result, and what was found."""

MAX_SUGGESTIONS = 5
MAX_VERDICTS = 15
"""Of one check: all of them together have a bound in the status."""

_WEIGHTS = (FAIL, WARN, SKIPPED, PASS)


def suggest(things: Iterable[str]) -> str:
    """List what there is, or the first few of it."""
    found = list(things)
    more = f" and {len(found) - MAX_SUGGESTIONS} more" if len(found) > MAX_SUGGESTIONS else ""
    return ", ".join(found[:MAX_SUGGESTIONS]) + more if found else "none"


def bound(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Pass on the verdicts of one check; of too many the weightiest, and how many more there are."""
    found = list(verdicts)
    if len(found) <= MAX_VERDICTS:
        yield from found
        return
    found.sort(key=lambda verdict: _WEIGHTS.index(verdict[1]))
    yield from found[: MAX_VERDICTS - 1]
    path, result, _ = found[MAX_VERDICTS - 1]
    yield path, result, f"{len(found) - MAX_VERDICTS + 1} more findings begin here"


def suggest_rows(rows: Iterable[NamedRow | NetworkRow]) -> str:
    """List ids with the names that people know them by."""
    return suggest(f"{row.uuid} ({clean_text(row.name or '')})" for row in rows)
