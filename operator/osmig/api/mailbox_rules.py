"""The CEL rules about mailboxes to copy; `osmig.api.rules` has those of all types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osmig.api.rules import Rule

EXACTLY_ONE_BEGIN: Rule = {
    "rule": "has(self.firstExecutionTime) != self.executeNow",
    "message": "exactly one of firstExecutionTime and executeNow must be set",
    "reason": "FieldValueInvalid",
    "fieldPath": ".firstExecutionTime",
}

SECOND_AFTER_FIRST: Rule = {
    "rule": (
        "!has(self.secondExecutionTime) || !has(self.firstExecutionTime)"
        " || self.secondExecutionTime > self.firstExecutionTime"
    ),
    "message": "secondExecutionTime must be after firstExecutionTime",
    "reason": "FieldValueInvalid",
    "fieldPath": ".secondExecutionTime",
}

LIMIT_ONLY_WHEN_TOLERATED: Rule = {
    "rule": "!has(self.maxFailedMailboxes) || self.onErrors == 'Tolerate'",
    "message": "maxFailedMailboxes may only be set when onErrors is Tolerate",
    "reason": "FieldValueForbidden",
    "fieldPath": ".maxFailedMailboxes",
}

DATE_ONLY_WHEN_CUSTOM: Rule = {
    "rule": "has(self.fromDate) == (self.preset == 'Custom')",
    "message": "fromDate must be set when preset is Custom, and only then",
    "reason": "FieldValueInvalid",
    "fieldPath": ".fromDate",
}
