"""The calls that move servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from osmig.domain.calls import Call

if TYPE_CHECKING:
    from osmig.api.names import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCall(Call):
    """The effect: send one start, under the intent in ``status.pendingCall``."""

    takes_slot = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbCall(Call):
    """The effect: ask upstream once to carry out an order on its record.

    Confirm and revert are sent under an intent in ``status.pendingCall``: two at once break the server. Abort and
    force-complete may be repeated, so the accepted order is intent enough (ADR 0002).
    """

    verb: Verb
    record_id: str

    @property
    @override
    def carried_out(self) -> Verb:
        """The verb that was ordered."""
        return self.verb
