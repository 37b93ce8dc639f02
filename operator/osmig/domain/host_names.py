"""Names of compute hosts: which of them mean the same host to people, and which the cloud compares as different."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def tell_difference(name: str, other: str) -> str:
    """Say in which way two spellings of one host differ: by ``case`` or ``domain``; empty for two hosts, or one name.

    Nova compares hosts letter by letter, so that to it ``cmp1``, ``CMP1`` and ``cmp1.example.org`` are three hosts.
    """
    if name == other:
        return ""
    one, two = name.casefold(), other.casefold()
    if one == two:
        return "case"
    # an address has no domain: what stands before its first dot names no host
    label = one.partition(".")[0]
    return "domain" if label == two.partition(".")[0] and not label.isdecimal() else ""


def find_similar(name: str, others: Iterable[str]) -> str | None:
    """Return the name that differs from ``name`` by case or domain only, the first in the order of letters."""
    return min((other for other in others if tell_difference(name, other)), default=None)
