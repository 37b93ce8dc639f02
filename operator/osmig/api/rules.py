"""The CEL rules of all types, by which the API server itself refuses what osmig could only regret.

Those of one type stand beside its models.
Optional selection (``self.?x``) is avoided: the API server cannot bound its cost and refuses the whole CRD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

    from osmig.api.structural import Schema
    from osmig.api.union import Member

Rule: TypeAlias = dict[str, Any]

BACKOFF_WITHIN_ITS_BOUND: Rule = {
    "rule": "self.backoffSeconds <= self.maxBackoffSeconds",
    "message": "backoffSeconds may not exceed maxBackoffSeconds",
    "reason": "FieldValueInvalid",
    "fieldPath": ".backoffSeconds",
}

TYPE_STAYS: Rule = {
    "rule": "self.type == oldSelf.type",
    "message": "type may not be changed; make another Provider",
    "reason": "FieldValueForbidden",
    "fieldPath": ".type",
}
"""Migrations of a Provider are followed by its engine; another engine would not find them."""

START_TIME_STAYS: Rule = {
    "rule": "!has(oldSelf.startTime) || (has(self.startTime) && self.startTime == oldSelf.startTime)",
    "message": "startTime may not be changed or removed",
    "reason": "FieldValueForbidden",
    "fieldPath": ".startTime",
}
"""A write that dropped startTime would thaw the spec."""

_STARTED = "has(oldSelf.status) && has(oldSelf.status.startTime)"


def freeze_rules(
    root: Schema, paths: Iterable[str], why: Mapping[str, str] | None = None, *, what: str = "migration"
) -> list[Rule]:
    """Write one rule per field of `spec` that may not change once `status.startTime` is set.

    One rule each, so that the message names the field.

    Args:
        root: the schema of the whole object.
        paths: dotted paths below `spec`; a path of two parts is a leaf in an optional member.
        why: what the message adds about a path.
        what: the word for what has started.
    """
    reasons = why or {}
    return [
        {
            "rule": f"!({_STARTED}) || ({_unchanged(root['properties']['spec'], path)})",
            "message": f"{path} may not be changed once the {what} has started{_because(reasons.get(path))}",
            "reason": "FieldValueForbidden",
            "fieldPath": f".spec.{path}",
        }
        for path in paths
    ]


def member_rules(members: Iterable[Member], types: Iterable[StrEnum]) -> list[Rule]:
    """Write the rules that tie members of `spec` to its `type`; a rule that could never refuse is left out."""
    every = set(types)
    rules: list[Rule] = []
    for member in members:
        listed = ", ".join(f"'{name}'" for name in member.types)
        if set(member.types) != every:
            rules.append(
                {
                    "rule": f"!has(self.{member.field}) || self.type in [{listed}]",
                    "message": f"may only be set when type is {member.allowed_when}",
                    "reason": "FieldValueForbidden",
                    "fieldPath": f".{member.field}",
                }
            )
        if member.required:
            rules.append(
                {
                    "rule": f"has(self.{member.field}) || !(self.type in [{listed}])",
                    "message": f"{member.field} is required when type is {member.allowed_when}",
                    "reason": "FieldValueRequired",
                    "fieldPath": f".{member.field}",
                }
            )
    return rules


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _unchanged(spec: Schema, path: str) -> str:
    member, _, leaf = path.partition(".")
    if not leaf:
        return _same(path, always=member in spec["required"])
    inner = spec["properties"][member]
    if "default" in inner["properties"][leaf]:
        default = inner["properties"][leaf]["default"]
        sides = (_or_default(side, member, leaf, default=default) for side in ("self", "oldSelf"))
        return " == ".join(sides)
    return _same(path, always=False)


def _same(path: str, *, always: bool) -> str:
    """Compare a field that has no default; one that is not `always` there may neither come nor go."""
    same = f"self.spec.{path} == oldSelf.spec.{path}"
    if always:
        return same
    return f"{_present('self', path)} == {_present('oldSelf', path)} && (!{_present('self', path)} || {same})"


def _present(side: str, path: str) -> str:
    """Ask whether a field is there; one of a member that is not there is not."""
    member, _, leaf = path.partition(".")
    return f"(has({side}.spec.{member}) && has({side}.spec.{path}))" if leaf else f"has({side}.spec.{path})"


def _or_default(side: str, member: str, leaf: str, *, default: str | bool) -> str:
    """Read a leaf so that adding or removing an empty member is no change."""
    literal = str(default).lower() if isinstance(default, bool) else f"'{default}'"
    return f"(has({side}.spec.{member}) ? {side}.spec.{member}.{leaf} : {literal})"
