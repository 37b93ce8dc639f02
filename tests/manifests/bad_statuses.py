"""What the API server refuses to be told of a Migration's status: a mistake of osmig's, or a write by somebody else."""

from __future__ import annotations

from api_samples import TIME
from manifests.bad_manifests import Row

STATUSES = {
    "phase-of-another-world": Row({"phase": "Teleporting"}, 'status.phase: Unsupported value: "Teleporting"'),
    "attempt-zero": Row({"attempt": 0}, "status.attempt: Invalid value: 0: "),
    "start-time-is-text": Row({"startTime": "noon"}, 'status.startTime: Invalid value: "noon"'),
    "more-than-all": Row({"progress": {"percent": 101}}, "status.progress.percent: Invalid value: 101: "),
    "trend-of-another-world": Row({"progress": {"trend": "Sideways"}}, 'status.progress.trend: Unsupported value: "Si'),
    "negative-pause": Row({"pausedSeconds": -1}, "status.pausedSeconds: Invalid value: -1: "),
    "six-attempts": Row(
        {"attempts": [{"number": n, "outcome": "Failed"} for n in range(1, 7)]}, "status.attempts: Too many: 6"
    ),
    "an-attempt-twice": Row(
        {"attempts": [{"number": 1, "outcome": "Failed"}] * 2}, "status.attempts[1]: Duplicate val"
    ),
    "an-outcome-that-is-none": Row(
        {"attempts": [{"number": 1, "outcome": "Running"}]}, "status.attempts[0].outcome: Unsupported value"
    ),
    "verb-of-another-world": Row({"controls": [{"verb": "explode"}]}, "status.controls[0].verb: Unsupported value"),
    "policy-of-another-world": Row(
        {"policyOrders": [{"policy": "onMonday", "time": TIME}]}, "status.policyOrders[0].policy: Unsupported value"
    ),
    "a-policy-twice": Row(
        {"policyOrders": [{"policy": "onStall", "time": TIME}] * 2}, "status.policyOrders[1]: Duplicate value"
    ),
    "a-check-without-result": Row({"preflight": [{"check": "Server"}]}, "status.preflight[0].result: Required value"),
    "a-decision-that-is-none": Row({"confirm": {"decision": "perhaps"}}, "status.confirm.decision: Unsupported value"),
    "a-call-by-nobody": Row({"pendingCall": {"operation": "abort"}}, "status.pendingCall.holder: Required value"),
}
"""By what is wrong with it: a Migration's status."""
