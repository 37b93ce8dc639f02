"""What was checked before a start, summed up in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import CheckResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osmig.api.migration import PreflightCheck


def sum_up_failed(failed: Sequence[PreflightCheck], unsent: str = "nothing was sent") -> str:
    """Return what failed, each with the path of its field, in one line that ends with what was or was not sent."""
    told = "; ".join(f"{check.path or check.check}: {check.message or 'failed'}" for check in failed)
    return f"{told}; {unsent}"


def sum_up(checks: Sequence[PreflightCheck]) -> str:
    """Return how many checks had which result, in one line."""
    counts = [
        f"{count} {word}"
        for result, word in (
            (CheckResult.PASS, "passed"),
            (CheckResult.WARN, "with a warning"),
            (CheckResult.SKIPPED, "skipped"),
        )
        if (count := sum(check.result is result for check in checks))
    ]
    return f"checks: {', '.join(counts)}; nothing was sent"
