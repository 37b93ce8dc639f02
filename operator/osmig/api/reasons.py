"""What the words of status mean, and what verbs and policies do: printed into the API reference."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.api.members import MEMBERS
from osmig.api.names import CheckResult, ControlResult, EventReason, Phase, Policy, Reason, Trend, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMON: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.VALIDATING: "The order and the server are being checked; nothing was sent.",
        Reason.RETRYING: "The cloud or the network failed for the moment; the same step is tried again.",
        Reason.SLOTS_TAKEN: "The Provider's limits are used up by moves under way; the message has used/limit.",
        Reason.SUSPENDED: "The start, or the next attempt, is held back by `spec.suspend`.",
        Reason.PROVIDER_NOT_READY: "The Provider exists but cannot be used; see its conditions.",
        Reason.PROVIDER_NOT_FOUND: "No Provider of this name exists in the namespace.",
        Reason.PROVIDER_READY: "The Provider can be used.",
        Reason.INVALID_MANIFEST: "The spec holds what this version cannot follow, as after a downgrade.",
        Reason.WRONG_PROVIDER_TYPE: "The Provider is of a type that cannot do this type of move; nothing was sent.",
        Reason.STARTING: "The start was written down and is being sent, or its effect is being looked for.",
        Reason.CONFLICT: (
            "The cloud answered a call with a conflict, which proves nothing; its effect is looked for. As the end: it "
            "did so several times, and nothing was done."
        ),
        Reason.SERVER_ERROR: (
            "The cloud failed to answer a call properly; its effect is looked for. As the end: it failed several "
            "times, and nothing was done."
        ),
        Reason.NO_ANSWER: "A call got no answer; its effect is looked for.",
        Reason.AWAITING_RECORD: "The cloud took the order and has not written its migration record yet.",
        Reason.AMBIGUOUS_START: "Several moves appeared at the same time; the oldest is followed, nothing is sent.",
        Reason.CREDENTIALS_OF_ANOTHER_CLOUD: (
            "The Provider leads to another endpoint or project than where this was started; it is waited for."
        ),
        Reason.ABORTING: "The move is being called off.",
        Reason.UNKNOWN: "The cloud reports a state that this version does not know; the last phase is kept.",
        Reason.SUCCEEDED: "The server was moved, the tenant replicated, or the mailboxes copied.",
        Reason.VALIDATED: "Every check passed; nothing was sent, as mode Validate wants it.",
        Reason.RECORD_GONE: "The cloud dropped its record, or the status lost it; where the server is decides.",
        Reason.ABORTED: "The move was called off by the verb abort.",
        Reason.DEADLINE_EXCEEDED: "The move took longer than deadlineSeconds, and onDeadline called it off.",
        Reason.PREFLIGHT_FAILED: "A check before the start failed; status.preflight has them all. Nothing was sent.",
        Reason.INVALID_SPEC: "Upstream refused the order; the message names the field. Nothing was created.",
        Reason.START_REFUSED: "The cloud refused the order.",
        Reason.UNSUPPORTED: "This cloud has no such call.",
        Reason.NOT_PERMITTED: "The cloud's policy, or the cluster's RBAC, forbids what is needed.",
        Reason.PROBING: "The cloud is being contacted for the first time since the Provider changed.",
        Reason.PROBE_SUCCEEDED: "The cloud answered and its version is known.",
        Reason.AUTHENTICATED: "The credentials are accepted.",
        Reason.UNAUTHORIZED: "The credentials are refused.",
        Reason.EXPIRES_SOON: "The credentials expire within 7 days, or have; the message has the moment.",
        Reason.UNREACHABLE: "The cloud does not answer.",
        Reason.ENDPOINT_REFUSED: "An endpoint of the cloud is an address that osmig must not contact.",
        Reason.TOO_MANY_ROWS: "The cloud lists more moves than osmig keeps of one Provider, or more than it asked for.",
        Reason.INVALID_CONFIGURATION: "The Secret lacks clouds.yaml, the cloud or the token, or holds too much.",
        Reason.LINTED: "The mappings were read; whether they fit a tenant is checked before a replication.",
        Reason.SECRET_NOT_FOUND: "The Secret does not exist.",
        Reason.MIRRORED: "Every move that nobody declared and that passes the filters has a Migration, or gets one.",
        Reason.PARTLY_MIRRORED: "Some of these moves have no Migration; the message tells why.",
        Reason.NAMESPACE_REFUSES: "A quota or an admission rule of the namespace refuses more Migrations.",
    }
)
"""Those of all types; the others stand beside the models of their type."""

_TEXTS = dict(_COMMON)
for _member in MEMBERS:
    _TEXTS.update(_member.reasons)

REASONS: Mapping[Reason, str] = MappingProxyType({reason: _TEXTS[reason] for reason in Reason if reason in _TEXTS})
"""All of them in the order of `Reason`, whoever explains them."""

EVENT_REASONS: Mapping[EventReason, str] = MappingProxyType(
    {
        EventReason.MIGRATION_STARTED: "The cloud took the order.",
        EventReason.MIGRATION_ADOPTED: "A start made earlier, by another process or object, was found and is followed.",
        EventReason.MIGRATION_SUCCEEDED: "The server is where it should be, or the tenant is replicated.",
        EventReason.MIGRATION_FAILED: "The Migration ended without success.",
        EventReason.MIGRATION_ABORTED: "The move was called off by the verb abort.",
        EventReason.MIGRATION_REVERTED: "The server is back on its source host.",
        EventReason.MIGRATION_RETRYING: "An attempt ended and another one will be made.",
        EventReason.CONFIRMATION_AWAITED: "A cold move waits for confirm or revert.",
        EventReason.POLICY_ACTED: "A policy of the spec (onStall, onDeadline, …) took effect.",
        EventReason.UNKNOWN_STATE: "Upstream reports a state that this version does not know; it goes on looking.",
        EventReason.TOKEN_ALREADY_USED: "A new attempt began with an old annotation still there; it orders nothing.",
        EventReason.FINALIZER_LEFT: "A deleted Migration was let go although its move has not ended.",
        EventReason.RECORD_LEFT: "A deleted Migration was let go although its record upstream could not be deleted.",
        EventReason.MIGRATION_LEFT: "A Migration was deleted while its move was under way; nobody follows it any more.",
        EventReason.VERB_ACCEPTED: "An order was seen and will be carried out.",
        EventReason.VERB_DONE: "An order was carried out.",
        EventReason.VERB_REJECTED: "An order makes no sense in this state.",
        EventReason.VERB_TOO_LATE: "An order came when the move could no longer be influenced.",
        EventReason.VERB_UNSUPPORTED: "This cloud cannot carry the order out.",
        EventReason.VERB_SUPERSEDED: "Another order took this one's place.",
        EventReason.DUPLICATE_START: "A second move of the same server was found where one was ordered.",
        EventReason.STALE_RECORD: "The cloud has a record of a move that goes on, and its server is idle.",
        EventReason.PLAN_STARTED: "A plan begins to change something.",
        EventReason.PLAN_FINISHED: "A plan is over; the text has its phase and reason.",
        EventReason.NO_EXPIRY: (
            "A plan has no `schedule.notAfterTime`: applied again elsewhere, it would empty its hosts again."
        ),
        EventReason.HOST_DRAINED: "A host of a plan is proven empty.",
        EventReason.SERVICE_DISABLED: "The compute service of a host is disabled, by a plan.",
        EventReason.SERVICE_ENABLED: "The compute service of a host is enabled again, by the plan that disabled it.",
        EventReason.SERVICE_NOT_OURS: (
            "The compute service of a host was disabled by somebody else, or its mark is gone; the plan leaves it."
        ),
        EventReason.SERVICE_LEFT_DISABLED: "A plan is over and leaves compute services disabled.",
        EventReason.PROVIDER_READY: "The Provider can be used.",
        EventReason.PROVIDER_NOT_READY: "The Provider cannot be used.",
        EventReason.CREDENTIALS_EXPIRING: "The credentials of a Provider expire within 7 days.",
        EventReason.PROVIDER_GONE: "A Provider was deleted while moves of its Migrations were under way.",
    }
)

VERBS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.ABORT: (
            "Calls the move off while it is not finished. Before the start nothing is sent at all; later the cloud is "
            "asked until the move has ended. `TooLate` once a live server is being handed over. A cold move is "
            "reverted as soon as it waits for a confirmation. A replication that was ordered goes on to its end: "
            "`Unsupported`, unless `tenant.cleanup` then terminates the replica. A job that copies mailboxes is "
            "deleted at the service while it can be; else `Rejected`."
        ),
        Verb.FORCE_COMPLETE: (
            "Ends the copying of memory at the price of a pause; waits until the move is running. `TooLate` once the "
            "server is being handed over; `Unsupported` for a cold move and for a replication."
        ),
        Verb.CONFIRM: "Accepts a cold move that awaits confirmation; the copy at the source is removed.",
        Verb.REVERT: "Sends a server that awaits confirmation back to its source host.",
        Verb.RUN_NOW: (
            "Begins the next execution of a job that copies mailboxes at once, in place of at its time. Sent once; "
            "`Unsupported` for servers and tenants."
        ),
        Verb.RETRY: (
            "Makes a new attempt after Failed, Aborted or Reverted, once upstream was looked at again. `Rejected` with "
            "`adopt` and while the cloud's record and its server disagree."
        ),
        Verb.RECONCILE: "Reads everything again now instead of at the next due time. Always allowed.",
    }
)

POLICIES: Mapping[Policy, str] = MappingProxyType(
    {
        Policy.ON_STALL: (
            "A live move of which what is left has not fallen for `live.convergence.progressTimeoutSeconds` is "
            "completed by force or called off, as `onStall` says."
        ),
        Policy.ON_DEADLINE: (
            "A move that takes longer than `deadlineSeconds` is called off when `onDeadline` is Abort; never once the "
            "server is being handed over."
        ),
        Policy.CONFIRM: (
            "With `cold.confirm: Automatic` a cold move is confirmed as soon as its server runs at its destination."
        ),
        Policy.ON_CONFIRM_DEADLINE: (
            "A cold move that nobody confirmed within `cold.confirmDeadlineSeconds` is confirmed or reverted, as "
            "`onConfirmDeadline` says."
        ),
        Policy.DELETION: "With `deletionPolicy: Abort`, deleting the object calls its move off first.",
    }
)

PHASES: Mapping[Phase, str] = MappingProxyType(
    {
        Phase.PENDING: "The order is being checked, or the next attempt is waited for.",
        Phase.QUEUED: "It waits for a slot, for its server to be free, or for its Provider.",
        Phase.SUSPENDED: "Held back by `spec.suspend`.",
        Phase.STARTING: "The start was sent or is about to be; the cloud prepares.",
        Phase.RUNNING: "Data is moving, the server is being handed over, or a replica is being created.",
        Phase.AWAITING_CONFIRMATION: "A cold move waits for somebody to confirm or revert it.",
        Phase.CONFIRMING: "A cold move is being confirmed.",
        Phase.REVERTING: "The server is going back to its source host.",
        Phase.ABORTING: "The move is being called off.",
        Phase.SUCCEEDED: "Ended: done, validated, or nothing was left to do.",
        Phase.FAILED: "Ended: not done; `status.failure` tells why.",
        Phase.ABORTED: "Ended: called off.",
        Phase.REVERTED: "Ended: the server is back on its source host.",
    }
)

TRENDS: Mapping[Trend, str] = MappingProxyType(
    {
        Trend.FALLING: "The least that was ever left to move in this attempt fell by 1 percent or more lately.",
        Trend.FLAT: "It did not, and what is left stays near it.",
        Trend.RISING: "It did not, and more is left than that: the server writes faster than it is copied.",
    }
)

CHECK_RESULTS: Mapping[CheckResult, str] = MappingProxyType(
    {
        CheckResult.PASS: "Nothing stands in the way.",
        CheckResult.WARN: "It may work; the message says what to look at.",
        CheckResult.FAIL: "It would be refused or fail.",
        CheckResult.SKIPPED: "The credentials may not look, or the question does not arise; never counted as Pass.",
    }
)

CONTROL_RESULTS: Mapping[ControlResult, str] = MappingProxyType(
    {
        ControlResult.ACCEPTED: "The order was seen and will be carried out; the only result that changes later.",
        ControlResult.DONE: "Carried out.",
        ControlResult.REJECTED: "Makes no sense in this state, or is no valid order; the message says why.",
        ControlResult.TOO_LATE: "The move could not be influenced any more.",
        ControlResult.UNSUPPORTED: "The cloud has no such call, or not for this type.",
        ControlResult.SUPERSEDED: "Another order took its place.",
    }
)
