"""What one Migration has, as its status says; read leniently: a status of another version must not stop us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.names import ConditionType, ControlResult, Kind, Phase, Reason
from osmig.controllers.keys import Key
from osmig.controllers.mirror_marks import find_provider
from osmig.controllers.past_starts import PastStart, read_past_start
from osmig.domain import phases
from osmig.domain.phases import CONFIRMATION
from osmig.domain.queueing import HostPair

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER_QUEUED = "~"
"""Sorts after every time."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What one Migration has.

    Attributes:
        server_id: of the server that nobody else may move meanwhile.
        record_id: of the upstream record that it follows.
        request_id: of its start, for good.
        holds: the hosts of the slot that it holds.
        waits: the hosts of the slot that it waits for.
        wants_server: the server that it moves as soon as it has a slot.
        awaits_server: the server that another move has, for whose end it waits.
        queued: since when it waits, as text that sorts by time.
        is_acting: something was sent for it, or is about to be, and it has not ended.
        is_slotless: its data moves, and it holds no slot for that: a mirror.
        is_over: it has ended, and with it what it followed in the cloud.
        has_order: something is to be done to it that the cloud has not accepted yet.
        mapping: that it refers to, while it may still matter.
        adopts: the record that it names and does not follow yet.
        past: what may go on in the cloud although it has ended.
        mirror_of: the uid of the Provider that it is a mirror of.
    """

    provider: Key
    server_id: str | None = None
    record_id: str | None = None
    request_id: str | None = None
    holds: HostPair | None = None
    waits: HostPair | None = None
    wants_server: str | None = None
    awaits_server: str | None = None
    queued: str = NEVER_QUEUED
    is_acting: bool = False
    is_slotless: bool = False
    is_over: bool = False
    has_order: bool = False
    mapping: Key | None = None
    adopts: str | None = None
    past: PastStart | None = None
    mirror_of: str | None = None

    @property
    def slot(self) -> tuple[object, ...]:
        """Return what matters to those who wait for a slot."""
        return (self.provider, self.holds, self.waits, self.queued if self.waits is not None else "")


def read_claims(key: Key, body: Mapping[str, Any]) -> Claims:
    """Read what a body says; what it does not say is not claimed."""
    spec, status = _dig(body, "spec"), _dig(body, "status")
    mirror_of = find_provider(_dig(body, "metadata"))
    upstream, is_over, is_acting = _dig(status, "upstream"), has_ended(status), is_under_way(status)
    hosts = _read_hosts(spec, status)
    is_moving = is_acting and not _has_arrived(status)
    waits_for_slot = not is_acting and _is_queued(body, Reason.SLOTS_TAKEN)
    return Claims(
        provider=Key(Kind.PROVIDER, key.namespace, str(_dig(spec, "providerRef").get("name", ""))),
        server_id=_dig(status, "server").get("id") if is_acting else None,
        record_id=upstream.get("id") if not is_over else None,
        request_id=upstream.get("requestID"),
        # a mirror's move is counted by its row, as it was before: it hangs after an hour, and holds nothing then
        holds=hosts if is_moving and mirror_of is None else None,
        is_slotless=is_moving and mirror_of is not None,
        waits=hosts if waits_for_slot else None,
        wants_server=_dig(status, "server").get("id") if waits_for_slot else None,
        awaits_server=_dig(status, "server").get("id")
        if not is_acting and _is_queued(body, Reason.SERVER_BUSY)
        else None,
        queued=str(status.get("queuedTime") or NEVER_QUEUED),
        is_acting=is_acting,
        is_over=is_over,
        has_order=not is_over and _has_order(status),
        mapping=_read_mapping(key, spec) if not is_over else None,
        adopts=_dig(spec, "adopt").get("id") if not is_over else None,
        past=read_past_start(status) if is_over else None,
        mirror_of=mirror_of,
    )


def is_under_way(status: Mapping[str, Any]) -> bool:
    """Whether something was sent, or is about to be, and has not ended."""
    return bool(status.get("pendingCall") or status.get("upstream")) and not has_ended(status)


def _has_order(status: Mapping[str, Any]) -> bool:
    """Whether a user's or a policy's order is on record and not accepted by the cloud."""
    accepted = [control for control in status.get("controls") or () if control.get("result") == ControlResult.ACCEPTED]
    policies = [order for order in status.get("policyOrders") or () if order.get("verb")]
    return any(not order.get("sentTime") for order in (*accepted, *policies))


def has_ended(status: Mapping[str, Any]) -> bool:
    """Whether the Migration is over, by all that its status says of that."""
    conditions = status.get("conditions") or ()
    finished = (found.get("status") for found in conditions if found.get("type") == ConditionType.FINISHED)
    return phases.is_over(
        has_ended=status.get("phase") in phases.FINISHED,
        has_completion_time=bool(status.get("completionTime")),
        finished=next((word == "True" for word in finished), None),
    )


def _read_mapping(key: Key, spec: Mapping[str, Any]) -> Key | None:
    name = _dig(_dig(spec, "tenant"), "mappingRef").get("name")
    return Key(Kind.MAPPING, key.namespace, str(name)) if name else None


def _has_arrived(status: Mapping[str, Any]) -> bool:
    """Whether a cold move's data has moved; called off then, it is in phase Aborting and still holds nothing."""
    return status.get("phase") in CONFIRMATION or bool(_dig(status, "confirm").get("startTime"))


def _read_hosts(spec: Mapping[str, Any], status: Mapping[str, Any]) -> HostPair:
    """Return the hosts as recorded, else as ordered."""
    wanted, known = _dig(spec, "placement"), _dig(status, "placement")
    return HostPair(
        source=known.get("sourceHost") or wanted.get("sourceHost"),
        destination=known.get("destinationHost") or wanted.get("destinationHost"),
    )


def _is_queued(body: Mapping[str, Any], reason: Reason) -> bool:
    """Whether it waits for that and for nothing else; what is being deleted starts nothing any more."""
    status = _dig(body, "status")
    if status.get("phase") != Phase.QUEUED or _dig(body, "metadata").get("deletionTimestamp"):
        return False
    return any(
        condition.get("type") == ConditionType.SUCCEEDED and condition.get("reason") == reason
        for condition in status.get("conditions") or ()
    )


def _dig(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = body.get(name) or {}
    return found
