"""Members of a spec that belong to some values of `type` only: one table read by the parser and by the CRD's rules."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import StrEnum

    from pydantic import BaseModel

    from osmig.api.names import Reason


@dataclass(frozen=True, slots=True)
class Member:
    """One optional field of a spec, tied to values of `type`.

    Attributes:
        field: its name, the same in Python and on the wire.
        types: the values of `type` that allow it.
        required: whether these types also demand it.
        ordered_by: its fields of which one names what is ordered; a printer column shows that.
        frozen: paths below the spec that may not change once the order has started.
        why_frozen: by such a path, what the refusal adds where somebody may expect that a change is still taken.
        reasons: the reasons that only these types have, and what each means.
    """

    field: str
    types: tuple[StrEnum, ...]
    required: bool = False
    ordered_by: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    why_frozen: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reasons: Mapping[Reason, str] = dataclasses.field(default_factory=dict)

    @property
    def allowed_when(self) -> str:
        """The types as a user reads them: ``LiveMigration or ColdMigration``."""
        return " or ".join(self.types)


def check_members(spec: BaseModel, members: Sequence[Member], chosen: StrEnum) -> None:
    """Refuse a spec whose members do not fit its type.

    Raises:
        ValueError: a member is missing, or set for a type that has no use for it.
    """
    for member in members:
        present = getattr(spec, member.field) is not None
        if present and chosen not in member.types:
            message = f"{member.field} may only be set when type is {member.allowed_when}"
            raise ValueError(message)
        if member.required and not present and chosen in member.types:
            message = f"{member.field} is required when type is {member.allowed_when}"
            raise ValueError(message)
