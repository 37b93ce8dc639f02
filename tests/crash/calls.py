"""The calls that must be accepted exactly once, and what must be true at the end of a move that was made with one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crash.operator_settings import USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.nova_client import Request, Transition

ACCEPTED = frozenset({202, 204})
WORDS = ("os-migrateLive", "migrate", "confirmResize", "revertResize")
ENDS = {"Succeeded": "confirmResize", "Reverted": "revertResize", "Aborted": "revertResize"}
"""What Nova is asked to end a cold move with, by the phase of the Migration."""
RECORDS = {"os-migrateLive": "completed", "confirmResize": "confirmed", "revertResize": "reverted"}
"""Nova's word for a move that was ended so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One kind of call, and who wants it.

    Attributes:
        operation: our word for it, as in the intent.
        action: Nova's word for it, as in the request.
        type: of the Migration.
        phase: how the Migration ends; its reason is the same word.
        verb: the annotation that orders it when the move awaits its confirmation; without one the spec alone does.
    """

    operation: str
    action: str
    type: str = "ColdMigration"
    phase: str = "Succeeded"
    verb: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the move is a live one."""
        return self.type == "LiveMigration"

    @property
    def spec(self) -> dict[str, Any]:
        """What the Migration says beside its server."""
        gate = {"cold": {"confirm": "Manual" if self.verb else "Automatic"}}
        return {"type": self.type} | ({} if self.is_live else gate)

    @property
    def body(self) -> dict[str, Any]:
        """What Nova is sent."""
        orders: dict[str, Any] = {"os-migrateLive": {"host": None, "block_migration": "auto"}, "migrate": {}}
        return {self.action: orders.get(self.action)}

    @property
    def accepted(self) -> list[str]:
        """Return all that Nova must have accepted at the end, each word once."""
        return [self.action] if self.is_live else ["migrate", ENDS[self.phase]]


LIVE = Call(operation="live-migrate", action="os-migrateLive", type="LiveMigration")
COLD = Call(operation="cold-migrate", action="migrate")
CONFIRM = Call(operation="confirm", action="confirmResize", verb="confirm")
AUTOMATIC = Call(operation="confirm", action="confirmResize")
REVERT = Call(operation="revert", action="revertResize", phase="Reverted", verb="revert")
ABORT = Call(operation="revert", action="revertResize", phase="Aborted", verb="abort")

BASIC = {"live-start": LIVE, "cold-start": COLD, "confirm": CONFIRM, "revert": REVERT}
"""By the name of the Migration."""
EVERY = {**BASIC, "automatic-confirm": AUTOMATIC, "abort-by-revert": ABORT}


def words(request: Request) -> list[str]:
    """Return the action that a request asks for, if it matters here."""
    return [word for word in WORDS if f'"{word}"' in request["body"]]


def is_own(request: Request, call: Call) -> bool:
    """Whether an operator sent this request, and it is such a call."""
    return call.action in words(request) and (request["user_agent"] or "").startswith(USER_AGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What is true of one move after its Migration has ended.

    Attributes:
        records: those that came since the beginning, oldest first.
        requests: what anybody asked Nova to do with the server, oldest first.
        changes: every status that the server and its migrations went through.
        fault: what the first call had to meet.
        duplicates: as the last operator counted them.
    """

    call: Call
    migration: Mapping[str, Any]
    server: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    requests: Sequence[Request]
    changes: Sequence[Transition]
    fault: int | None
    duplicates: float

    @property
    def sent(self) -> list[Request]:
        """Return the calls of the kind that operators sent."""
        return [one for one in self.requests if is_own(one, self.call)]

    def check(self, *, sent: int = 1, rivals: Sequence[str] = (), reason: str | None = None) -> None:
        """Hold Nova's truth, the object and the operator against the promise.

        Args:
            sent: how many calls of the kind the protocol wants sent, all operators taken together.
            rivals: what else Nova accepted, before.
            reason: of the end, if it is not the phase.
        """
        self._check_status(reason or self.call.phase)
        assert len(self.sent) == sent, self.sent
        assert self.sent[0]["fault"] == self.fault, "the first call did not meet its fault"
        accepted = [one for one in self.requests if one["nova_status"] in ACCEPTED]
        assert sorted(word for one in accepted for word in words(one)) == sorted([*self.call.accepted, *rivals])
        assert overlaps(self.requests) == []

        status, record = self.migration["status"], self.records[-1]
        assert len(self.records) == 1 + len(rivals), self.records
        assert record["status"] == RECORDS[self.call.accepted[-1]]
        assert status["upstream"]["id"] == str(record["id"])
        starts = [one["request_id"] for one in accepted if self.call.accepted[0] in words(one)]
        assert status["upstream"]["requestID"] == starts[-1]
        assert (self.server["status"], self.server["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
        seen = {change.get(word) for change in self.changes for word in ("vm_state", "status")}
        assert "error" not in seen, self.changes

    def _check_status(self, reason: str) -> None:
        metadata, status = self.migration["metadata"], self.migration["status"]
        assert status["phase"] == self.call.phase, status
        verdicts = {one["type"]: one["reason"] for one in status["conditions"]}
        assert verdicts["Succeeded"] == reason, status
        assert "pendingCall" not in status
        assert status["attempt"] == len(status["attempts"]) == 1
        assert "finalizers" not in metadata
        assert self.duplicates == 0


def overlaps(requests: Sequence[Request]) -> list[tuple[Request, Request]]:
    """Return the confirms and reverts that Nova worked on at the same time, whoever sent them."""
    ends = [one for one in requests if {"confirmResize", "revertResize"} & set(words(one))]
    assert all(one["ms"] is not None for one in ends), "a confirm or revert is not over"
    spans = sorted((one["t"], one["t"] + (one["ms"] or 0) / 1000, one["n"], one) for one in ends)
    return [(one, other) for (_, end, _, one), (begin, _, _, other) in itertools.pairwise(spans) if begin < end]
