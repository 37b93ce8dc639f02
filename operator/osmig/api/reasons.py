"""What each reason of a condition or an Event means, and what each verb does: printed into the API reference."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.api.names import EventReason, Reason, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.VALIDATING: "The order and the server are being checked; nothing was sent.",
        Reason.RETRYING: "The cloud or the network failed for the moment; the same step is tried again.",
        Reason.SERVER_BUSY: "The server is in the middle of something else; the move starts when that is over.",
        Reason.PROVIDER_NOT_READY: "The Provider exists but cannot be used; see its conditions.",
        Reason.PROVIDER_NOT_FOUND: "No Provider of this name exists in the namespace.",
        Reason.PROVIDER_READY: "The Provider can be used.",
        Reason.INVALID_MANIFEST: "The spec holds what this version cannot follow, as after a downgrade.",
        Reason.STARTING: "The start was written down and is being sent, or its effect is being looked for.",
        Reason.CONFLICT: "The cloud answered a call with a conflict, which proves nothing; its effect is looked for.",
        Reason.SERVER_ERROR: "The cloud failed to answer a call properly; its effect is looked for.",
        Reason.NO_ANSWER: "A call got no answer; its effect is looked for.",
        Reason.AWAITING_RECORD: "The cloud took the order and has not written its migration record yet.",
        Reason.AMBIGUOUS_START: "Several moves appeared at the same time; the oldest is followed, nothing is sent.",
        Reason.ACCEPTED: "The cloud accepted the order.",
        Reason.QUEUED: "The cloud keeps the move in its own queue.",
        Reason.PREPARING: "The cloud prepares both hosts.",
        Reason.RUNNING: "Data is being moved.",
        Reason.POST_COPY: "The server already runs at its destination and fetches the rest of its memory from there.",
        Reason.SWITCHING_OVER: "The data has moved; the server is being handed over to its destination.",
        Reason.ABORTING: "The move is being called off.",
        Reason.UNKNOWN: "The cloud reports a state that this version does not know; the last phase is kept.",
        Reason.SUCCEEDED: "The server was moved.",
        Reason.ALREADY_AT_DESTINATION: "The server was at its destination already; nothing was sent.",
        Reason.NOT_ON_SOURCE_HOST: (
            "The server is not on sourceHost; nothing was sent. Success when no destinationHost was asked for."
        ),
        Reason.RECORD_GONE: "The cloud dropped its record, or the status lost it; where the server is decides.",
        Reason.ABORTED: "The move was called off by the verb abort.",
        Reason.CANCELLED_UPSTREAM: "The move was called off in the cloud, by nobody here.",
        Reason.HOSTS_NOT_VISIBLE: "Hosts were named, and the credentials may not see hosts; nothing was sent.",
        Reason.SERVER_IN_ERROR: "The server is in state ERROR.",
        Reason.SERVER_NOT_FOUND: "No such server is visible to the credentials; nothing was sent.",
        Reason.SERVER_NAME_AMBIGUOUS: "Several servers have this name; name one by its id.",
        Reason.SERVER_GONE: "The server was deleted during the move.",
        Reason.START_LOST: "The cloud took the order and dropped it before it began.",
        Reason.START_REFUSED: "The cloud refused the order.",
        Reason.NO_VALID_HOST: "The cloud's scheduler found no host that can take the server.",
        Reason.PRE_CHECK_FAILED: "The cloud's check of the two hosts refused the move.",
        Reason.HYPERVISOR_FAILED: "The hypervisor gave up; the server still runs on its source host.",
        Reason.MIGRATION_ERROR: "The cloud marks the move as failed and does not say why.",
        Reason.HOST_UNCHANGED: "The move is over and the server is where it was.",
        Reason.UNSUPPORTED: "This cloud has no such call.",
        Reason.NOT_PERMITTED: "The cloud's policy, or the cluster's RBAC for the Secret, forbids what is needed.",
        Reason.PROBING: "The cloud is being contacted for the first time since the Provider changed.",
        Reason.PROBE_SUCCEEDED: "The cloud answered and its version is known.",
        Reason.AUTHENTICATED: "The credentials are accepted.",
        Reason.UNAUTHORIZED: "The credentials are refused.",
        Reason.UNREACHABLE: "The cloud does not answer.",
        Reason.ENDPOINT_REFUSED: "An endpoint of the cloud is an address that osmig must not contact.",
        Reason.INVALID_CONFIGURATION: "clouds.yaml lacks the cloud, or holds what is not allowed there.",
        Reason.SECRET_NOT_FOUND: "The Secret, or its key clouds.yaml, does not exist.",
    }
)

EVENT_REASONS: Mapping[EventReason, str] = MappingProxyType(
    {
        EventReason.MIGRATION_STARTED: "The cloud took the order.",
        EventReason.MIGRATION_ADOPTED: "A start from before a restart was found in the cloud and is followed.",
        EventReason.MIGRATION_SUCCEEDED: "The server is where it should be.",
        EventReason.MIGRATION_FAILED: "The Migration ended without success.",
        EventReason.MIGRATION_ABORTED: "The move was called off by the verb abort.",
        EventReason.VERB_ACCEPTED: "An order was seen and will be carried out.",
        EventReason.VERB_DONE: "An order was carried out.",
        EventReason.VERB_REJECTED: "An order makes no sense in this state.",
        EventReason.VERB_TOO_LATE: "An order came when the move could no longer be influenced.",
        EventReason.VERB_UNSUPPORTED: "This cloud cannot carry the order out.",
        EventReason.VERB_SUPERSEDED: "Another order took this one's place.",
        EventReason.DUPLICATE_START: "A second move of the same server was found where one was ordered.",
        EventReason.PROVIDER_READY: "The Provider can be used.",
        EventReason.PROVIDER_NOT_READY: "The Provider cannot be used.",
    }
)

VERBS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.ABORT: (
            "Calls the move off while it is not finished. Before the start nothing is sent at all; later the cloud is "
            "asked until the move has ended. `TooLate` once the server is being handed over."
        ),
        Verb.FORCE_COMPLETE: (
            "Ends the copying of memory at the price of a pause; waits until the move is running. `TooLate` once the "
            "server is being handed over."
        ),
        Verb.RECONCILE: "Reads everything again now instead of at the next due time. Always allowed.",
    }
)
