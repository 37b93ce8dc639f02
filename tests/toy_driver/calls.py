"""The calls that change boxes."""

from __future__ import annotations

from dataclasses import dataclass

from osmig.domain.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyCall(Call):
    """The effect: begin one copy of this name, under the intent in ``status.pendingCall``."""

    takes_slot = True

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyCall(Call):
    """The effect: empty the box that was copied, under the intent in ``status.pendingCall``."""

    copy_id: str
