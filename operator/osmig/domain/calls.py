"""Calls that change something upstream, and what came of them; each driver has calls of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Generic

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from osmig.api.names import Verb
    from osmig.domain.errors import BackendError


M_co = TypeVar("M_co", default=object, covariant=True)


class Operation(StrEnum):
    """The calls that must not happen twice; the word in ``status.pendingCall.operation`` and in metrics."""

    LIVE_MIGRATE = "live-migrate"
    COLD_MIGRATE = "cold-migrate"
    CONFIRM = "confirm"
    REVERT = "revert"
    REPLICATE = "replicate"
    TERMINATE = "terminate"
    COPY_MAILBOXES = "copy-mailboxes"
    RUN_NOW = "run-now"
    DELETE_RECORD = "delete-record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Generic[M_co]):
    """Upstream's answer to a call that it accepted.

    Attributes:
        request_id: upstream's id of the request, or of the order that it made of it.
        made: what began, in the driver's own words, where upstream told it.
    """

    request_id: str | None
    made: M_co | None = None


class Call:
    """One effect that a decision asks for; its intent, or the order behind it, is on record before it is sent.

    Inheritance because the controllers send any driver's call alike, and only its driver knows what is in it.

    Attributes:
        takes_slot: whether it begins something that the Provider's limits count.
        verb: the order that it carries out; ``None`` where it carries out the spec.
    """

    __slots__ = ()
    takes_slot: ClassVar[bool] = False

    @property
    def carried_out(self) -> Verb | None:
        """The verb that this call carries out; ``None`` where it carries out the spec."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRecordCall(Call):
    """The effect: delete a record upstream that is over, and nothing with it; one that is not over is refused.

    No intent: no id is ever used again, so the call may be repeated.

    Attributes:
        record_id: as in ``status.upstream.id``.
    """

    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of the call made in this very step: a receipt (starts only), nothing more to say, or an error."""

    call: Call
    receipt: Receipt | None = None
    error: BackendError | None = None
