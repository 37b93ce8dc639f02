"""What the upstream of boxes tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyView:
    """One copy of a box.

    Attributes:
        name: that it was ordered under.
        is_done: everything is copied.
        is_source_empty: the box that was copied is empty now.
    """

    id: str
    name: str
    is_done: bool = False
    is_source_empty: bool = False
