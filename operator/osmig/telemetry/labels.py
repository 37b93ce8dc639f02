"""What the values of each label are: words of a list, or the name of an object with which the series go.

So no cloud and no tenant can make more series than there are words and objects. Whatever is not on its list is `other`.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, Kind, MigrationType, Phase, Reason, Verb
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.api.plan_status import PlanCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER = "other"

OBJECTS = frozenset({"namespace", "provider", "name", "host"})
"""Names of objects; a namespace is the administrator's, the series of other objects end with them.

A host is one of the at most 50 that a MigrationPlan has in its status, and its series end with the plan.
"""

PLAN_STATES = frozenset(PlanCounts.model_fields) - {"total", "joined", "queued_upstream"}
"""Where a server of a plan stands: every server is in one of them."""

HOSTS = frozenset({"source_host", "destination_host"})
"""Names of hosts, as Nova says them: one pair per Migration at a time, in a series that ends with it."""

OURS = frozenset({"service", "operation", "status", "version", "python"})
"""Words that stand in our own source: a driver's name of a request, or of a state in its table of states."""

WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "type": frozenset(MigrationType),
        "phase": frozenset({*Phase, *PlanPhase}),
        "outcome": frozenset(Phase),
        "reason": frozenset(Reason),
        "kind": frozenset({Kind.MIGRATION, Kind.PLAN}),
        "verb": frozenset({*Verb, *PlanVerb}),
        "result": frozenset({*ControlResult, "success", "stale", "gone", "error", "crash"}),
        "medium": frozenset({"memory", "disk"}),
        "state": frozenset({"total", "done", "failed"}) | PLAN_STATES,
        "code": frozenset({*(str(int(status)) for status in HTTPStatus), "timeout", "connection_error", "no-answer"}),
    }
)


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


def find_host(name: str | None) -> str:
    """Return what a host can be called, else nothing: a cloud's text is no label."""
    return name if name and _HOST.fullmatch(name) else ""


def find_word(label: str, word: object) -> str:
    """Return a word if it is on its label's list, else ``other``."""
    text = str(word)
    return text if text in WORDS[label] else OTHER
