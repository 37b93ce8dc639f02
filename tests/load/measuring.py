"""What is seen of a process and of the API server from outside."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def read_cpu_s(pid: int) -> float:
    """Return how many seconds of CPU a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def read_memory_mib(pid: int) -> float:
    """Return how much memory a process has resident.

    Raises:
        OSError: it has ended.
    """
    found = _RESIDENT.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    if found is None:
        raise ProcessLookupError(pid)
    return int(found[1]) / 1024


@dataclass(slots=True)
class Life:
    """What the operator wrote into one Migration's status.

    Attributes:
        steps: writes that changed something else than progress, wording or the server's own words.
        progress: all others.
        is_over: one of them had a completion time.
    """

    steps: int = 0
    progress: int = 0
    is_over: bool = False
    attempt: int = 0
    phase: str = ""
    essence: Any = None


@dataclass(slots=True)
class AuditTail:
    """Follows an API server's audit log and keeps what one user wrote into the status of Migrations.

    Attributes:
        refused: status writes by the HTTP status that refused them, such as 409.
    """

    path: Path
    user: str
    at: int = 0
    lives: dict[str, Life] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    provider_writes: int = 0

    def skip(self) -> None:
        """Forget what was written up to now."""
        self.at = self.path.stat().st_size

    def read(self) -> None:
        """Take in what is new."""
        with self.path.open("rb") as log:
            log.seek(self.at)
            whole, _, _ = log.read().rpartition(b"\n")
        self.at += len(whole) + 1 if whole else 0
        for line in whole.split(b"\n"):
            if b'"subresource":"status"' in line:
                self._take(json.loads(line))

    def _take(self, event: Mapping[str, Any]) -> None:
        about, code = event["objectRef"], event["responseStatus"]["code"]
        if event["user"]["username"] != self.user or event["verb"] != "update":
            return
        if about["resource"] == "providers":
            self.provider_writes += 1
        elif code != 200:
            self.refused[code] += 1
        else:
            self._count(self.lives.setdefault(about["name"], Life()), event["requestObject"]["status"])

    def _count(self, life: Life, status: Mapping[str, Any]) -> None:
        essence = _read_essence(status)
        if essence == life.essence:
            life.progress += 1
        else:
            life.steps += 1
        life.essence, life.phase = essence, status.get("phase", "")
        life.attempt, life.is_over = status.get("attempt", 0), "completionTime" in status

    def count_over(self, names: Collection[str]) -> int:
        """Count those of ``names`` that have ended."""
        return sum(name in self.lives and self.lives[name].is_over for name in names)


def list_written_statuses(audit: Iterable[Mapping[str, Any]], user: str, resource: str) -> list[dict[str, Any]]:
    """Return every status of one resource that a user wrote and the API server took, oldest first."""
    return [
        event["requestObject"]["status"]
        for event in audit
        if event["objectRef"].get("resource") == resource
        and event["verb"] == "update"
        and event["user"]["username"] == user
        and event["responseStatus"]["code"] == 200
    ]


def _read_essence(status: Mapping[str, Any]) -> Any:  # noqa: ANN401 - only compared
    """Return what is never delayed: everything but progress and wording."""
    essence = {key: value for key, value in status.items() if key not in {"progress", "server", "conditions"}}
    if "upstream" in essence:
        essence["upstream"] = {key: value for key, value in essence["upstream"].items() if key != "updatedTime"}
    verdicts = [(entry["type"], entry["status"], entry["reason"]) for entry in status.get("conditions", ())]
    return essence, verdicts


def percentile(values: Collection[float], share: float) -> float:
    """Return the value that ``share`` of them do not exceed; nothing is made up between two."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered)) - 1))]
