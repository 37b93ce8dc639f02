"""The calls that copy mailboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from osmig.api.names import Verb
from osmig.domain.calls import Call

if TYPE_CHECKING:
    from osmig.drivers.mailboxes.views import Execution, MailboxJob


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyCall(Call):
    """The effect: order one job, under the intent in ``status.pendingCall``; all it takes was decided on."""

    takes_slot = True

    job: MailboxJob


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNowCall(Call):
    """The effect: begin the next execution at once, under the intent in ``status.pendingCall``."""

    code: str
    execution: Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCall(Call):
    """The effect: delete one job. No intent: a code is never used again, so the call may be repeated."""

    code: str

    @property
    @override
    def carried_out(self) -> Verb:
        """The verb that deletes."""
        return Verb.ABORT
