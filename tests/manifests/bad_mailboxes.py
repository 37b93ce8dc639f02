"""What the API server refuses of mailboxes to copy and of their Provider; whoever parses refuses the same."""

from __future__ import annotations

from typing import Any

from api_samples import TIME, hosting_spec, mailbox_spec, tenant_spec
from manifests.bad_manifests import Row

LATER = "2026-11-22T10:00:00Z"


def _in_time(**options: object) -> dict[str, Any]:
    return mailbox_spec(**{"executeNow": False, "firstExecutionTime": TIME} | options)


def _hosting(**options: object) -> dict[str, Any]:
    return {"type": "Hosting", "hosting": hosting_spec()["hosting"] | options}


MIGRATIONS = {
    # demanded
    "no-mailboxes": Row(mailbox_spec() | {"mailboxes": None}, "spec.mailboxes: Required value: mailboxes is required"),
    "no-reference": Row(mailbox_spec(csvSecretRef=None), "spec.mailboxes.csvSecretRef: Required value"),
    "no-name-of-secret": Row(mailbox_spec(csvSecretRef={}), "spec.mailboxes.csvSecretRef.secretName: Required value"),
    "no-preset": Row(mailbox_spec(preset=None), "spec.mailboxes.preset: Required value"),
    "no-preset-of-dates": Row(mailbox_spec(dateFilter={}), "spec.mailboxes.dateFilter.preset: Required value"),
    # types and forms
    "mailboxes-is-text": Row(mailbox_spec() | {"mailboxes": "x"}, "spec.mailboxes in body must be of type object"),
    "secret-of-another-namespace": Row(
        mailbox_spec(csvSecretRef={"secretName": "other/s"}), "csvSecretRef.secretName in body should match"
    ),
    "key-with-a-slash": Row(
        mailbox_spec(csvSecretRef={"secretName": "s", "key": "../x"}), "csvSecretRef.key in body should match"
    ),
    "preset-empty": Row(mailbox_spec(preset=""), "spec.mailboxes.preset in body should be at least 1 chars long"),
    "preset-with-a-newline": Row(mailbox_spec(preset="Gmail\n"), "spec.mailboxes.preset in body should match"),
    "execute-now-is-text": Row(mailbox_spec(executeNow="yes"), "spec.mailboxes.executeNow in body must be of type"),
    "first-is-no-time": Row(_in_time(firstExecutionTime="soon"), "spec.mailboxes.firstExecutionTime in body must be"),
    "second-is-a-number": Row(_in_time(secondExecutionTime=7), "spec.mailboxes.secondExecutionTime in body must be"),
    "dates-of-another-preset": Row(
        mailbox_spec(dateFilter={"preset": "Yesterday"}), 'dateFilter.preset: Unsupported value: "Yesterday"'
    ),
    "from-a-day-that-there-is-not": Row(
        mailbox_spec(dateFilter={"preset": "Custom", "fromDate": "2026-02-30"}), "dateFilter.fromDate in body must be"
    ),
    "customer-with-a-blank": Row(mailbox_spec(customerCode="a b"), "spec.mailboxes.customerCode in body should match"),
    "on-errors-retry": Row(mailbox_spec(onErrors="Retry"), 'spec.mailboxes.onErrors: Unsupported value: "Retry"'),
    "more-than-a-list-has": Row(
        mailbox_spec(onErrors="Tolerate", maxFailedMailboxes=501), "maxFailedMailboxes in body should be less than or"
    ),
    # what does not go together
    "two-begins": Row(
        mailbox_spec(firstExecutionTime=TIME),
        "spec.mailboxes.firstExecutionTime: Invalid value: exactly one of firstExecutionTime and executeNow must be",
    ),
    "no-begin": Row(mailbox_spec(executeNow=False), "exactly one of firstExecutionTime and executeNow must be set"),
    "second-at-the-first": Row(
        _in_time(secondExecutionTime=TIME), "secondExecutionTime must be after firstExecutionTime"
    ),
    "second-before-the-first-in-another-zone": Row(
        _in_time(secondExecutionTime="2026-11-21T11:30:00+02:00"), "secondExecutionTime must be after"
    ),
    "limit-of-what-fails": Row(
        mailbox_spec(maxFailedMailboxes=3), "maxFailedMailboxes may only be set when onErrors is Tolerate"
    ),
    "custom-without-a-date": Row(
        mailbox_spec(dateFilter={"preset": "Custom"}), "fromDate must be set when preset is Custom, and only then"
    ),
    "date-without-custom": Row(
        mailbox_spec(dateFilter={"preset": "All", "fromDate": "2026-01-01"}), "fromDate must be set when preset is Cus"
    ),
    "mailboxes-of-a-replication": Row(
        tenant_spec() | {"mailboxes": mailbox_spec()["mailboxes"]},
        "spec.mailboxes: Forbidden: may only be set when type is MailboxMigration",
    ),
    "server-of-mailboxes": Row(mailbox_spec() | {"server": {"name": "x"}}, "spec.server: Forbidden: may only be set"),
}
"""By the mistake: members of a Migration's spec."""

PROVIDERS = {
    "no-hosting": Row({"type": "Hosting"}, "spec.hosting: Required value: hosting is required when type is Hosting"),
    "no-endpoint": Row(_hosting(endpoint=None), "spec.hosting.endpoint: Required value"),
    "endpoint-with-a-user": Row(_hosting(endpoint="https://u@example.org"), "spec.hosting.endpoint in body should mat"),
    "no-token": Row(_hosting(tokenRef=None), "spec.hosting.tokenRef: Required value"),
    "no-secret": Row(_hosting(tokenRef={}), "spec.hosting.tokenRef.secretName: Required value"),
    "key-empty": Row(_hosting(tokenRef={"secretName": "s", "key": ""}), "spec.hosting.tokenRef.key in body should be"),
    "customer-empty": Row(_hosting(customerCode=""), "spec.hosting.customerCode in body should be at least 1"),
    "too-fast": Row(_hosting(requestsPerSecond=11), "spec.hosting.requestsPerSecond in body should be less than"),
    "no-job": Row(_hosting(maxJobs=0), "spec.hosting.maxJobs in body should be greater than or equal to 1"),
    "hosting-of-a-waldur": Row(
        {"type": "Waldur", "hosting": hosting_spec()["hosting"]}, "spec.hosting: Forbidden: may only be set when type"
    ),
}
"""By the mistake: members of a Provider's spec."""

GOOD = {
    "now": mailbox_spec(),
    "in-time": _in_time(secondExecutionTime=LATER),
    "in-time-alone": mailbox_spec(executeNow=None, firstExecutionTime=TIME),
    "second-in-another-zone": _in_time(secondExecutionTime="2026-11-21T12:30:00+02:00"),
    "now-and-later": mailbox_spec(secondExecutionTime=LATER),
    "another-preset": mailbox_spec(preset="Office 365"),
    "custom": mailbox_spec(dateFilter={"preset": "Custom", "fromDate": "2026-02-28"}),
}
"""By what it is about: what is taken."""
