"""What the words of a plan's status mean, and what its verbs do: printed into the API reference."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from osmig.api.plan_names import Judgement, PlanCondition, PlanPhase, PlanReason, PlanVerb

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAN_VERBS: Mapping[PlanVerb, str] = MappingProxyType(
    {
        PlanVerb.ABORT: (
            "Begins no more moves and calls off those under way. Compute services stay as they are: `release` is an "
            "order of its own."
        ),
        PlanVerb.RELEASE: (
            "Enables the compute services that the plan disabled and whose mark is still there. Legal after the end."
        ),
        PlanVerb.RETRY: (
            "Begins another round: what failed, was aborted or was blocked is tried again, also after the end; hosts "
            "that were given back are disabled again, and `deadlineSeconds` count from now."
        ),
        PlanVerb.APPROVE: (
            "Its value is the hash in `status.preview.hash`; the plan begins what that preview shows. `Superseded` "
            "when the preview is another one by now."
        ),
        PlanVerb.PAUSE: "Begins no more moves; those under way go on.",
        PlanVerb.RESUME: (
            "Goes on after `pause`, after the failure budget or the deadline, which are granted anew, and after "
            "somebody enabled a host of the plan, which is disabled again."
        ),
        PlanVerb.SKIP: "Its value is ids of servers, with commas between them: they are left where they are.",
        PlanVerb.CONFIRM: "Confirms every cold move of the plan that awaits it.",
        PlanVerb.REVERT: "Reverts every cold move of the plan that awaits its confirmation.",
        PlanVerb.FORCE_COMPLETE: "Has every move of the plan completed by force that is stalled.",
        PlanVerb.RECONCILE: "Reads everything again now instead of at the next due time. Always allowed.",
    }
)

PLAN_PHASES: Mapping[PlanPhase, str] = MappingProxyType(
    {
        PlanPhase.PENDING: "The hosts or servers are being looked up.",
        PlanPhase.AWAITING_APPROVAL: "The preview is there and somebody must approve it.",
        PlanPhase.WAITING: (
            "Nothing begins: a time, a window, the Provider, another plan or a mistake is in the way. "
            "What moves goes on."
        ),
        PlanPhase.RUNNING: "Hosts are being disabled, or servers moved.",
        PlanPhase.PAUSED: "No more moves begin; those under way go on.",
        PlanPhase.ABORTING: "Moves under way are being called off.",
        PlanPhase.VERIFYING: "No server is left to move; the proof that the hosts are empty is awaited.",
        PlanPhase.SUCCEEDED: "Ended: servers have moved or were left by order, or only the preview was wanted.",
        PlanPhase.FAILED: "Ended: servers are left; `retry` goes on.",
        PlanPhase.ABORTED: "Ended: called off.",
        PlanPhase.EXPIRED: "Ended: `schedule.notAfterTime` has passed.",
    }
)

PLAN_CONDITIONS: Mapping[PlanCondition, str] = MappingProxyType(
    {
        PlanCondition.APPROVED: "Whether the plan needs no approval, or has it.",
        PlanCondition.WINDOW_OPEN: "Whether moves may begin now by `schedule.windows`; absent without them.",
        PlanCondition.HOSTS_DISABLED: "Whether every host was read back as disabled; absent without `maintenance`.",
        PlanCondition.DRAINED: (
            "Whether every host is proven empty; the message says what is left. Absent of plans without hosts."
        ),
        PlanCondition.WITHIN_BUDGET: "Whether no more moves have failed than `failureBudget` bears.",
        PlanCondition.WITHIN_DEADLINE: "Whether the plan takes no longer than `deadlineSeconds`; absent without them.",
        PlanCondition.BLOCKED: "Whether servers cannot be moved as they are; the message groups them by cause.",
    }
)

JUDGEMENTS: Mapping[Judgement, str] = MappingProxyType(
    {
        Judgement.MOVE: "It is moved live; listed only with a warning.",
        Judgement.COLD: "It is moved cold: it is off, or a rule says so.",
        Judgement.SKIP: "It is left where it is, by order.",
        Judgement.HOLD: "It is waited for, by a rule.",
        Judgement.WAIT: "The cloud is busy with it, or its host does not report.",
        Judgement.BLOCKED: "It cannot be moved as it is; a person must act.",
    }
)

PLAN_REASONS: Mapping[PlanReason, str] = MappingProxyType(
    {
        PlanReason.PROVIDER_NOT_READY: "The Provider cannot be used; see its conditions.",
        PlanReason.PROVIDER_READY: "The Provider can be used.",
        PlanReason.WRONG_PROVIDER_TYPE: "The Provider's type has no hosts.",
        PlanReason.HOSTS_NOT_VISIBLE: "The credentials may not see hosts, so where servers are cannot be known.",
        PlanReason.HOST_NOT_FOUND: "A name is that of no compute service, or an aggregate or zone has no host.",
        PlanReason.HOST_DOWN: "The compute service of a host does not report, so nothing moves away from it.",
        PlanReason.HOST_CLAIMED: "Another plan empties a host of this one; it is waited for.",
        PlanReason.TOO_MANY_HOSTS: "An aggregate or zone has more hosts than a plan empties.",
        PlanReason.INVALID_MANIFEST: "The spec holds what this version cannot follow, as after a downgrade.",
        PlanReason.RETRYING: "The cloud or the network failed for the moment; the same is read again.",
        PlanReason.WAVE_DELAY: "The wave before is over, and `delaySeconds` of the next one have not passed.",
        PlanReason.NOT_BEFORE: "The time `schedule.notBeforeTime` has not come.",
        PlanReason.OPEN: "A window is open.",
        PlanReason.WINDOW_CLOSED: "No window is open in which moves may begin, or one forbids it.",
        PlanReason.WINDOW_TOO_SHORT: "By the moves so far, what is left would outlast the window.",
        PlanReason.INVALID_SCHEDULE: "A time zone or a cron expression says nothing; the windows count as closed.",
        PlanReason.CAME_BACK: "A server came back to its host as often as a plan moves one; something sends it there.",
        PlanReason.EXPIRED: "The time `schedule.notAfterTime` has passed.",
        PlanReason.AWAITING_APPROVAL: "Somebody must approve the preview.",
        PlanReason.APPROVED: "Somebody approved the preview.",
        PlanReason.NOT_APPROVED: "The plan ended, and nobody had approved the preview.",
        PlanReason.NOT_REQUIRED: "The plan needs no approval.",
        PlanReason.SUSPENDED: "Held back by `spec.suspend`.",
        PlanReason.PAUSED: "Held back by the verb `pause`.",
        PlanReason.RUNNING: "Servers are being moved.",
        PlanReason.VERIFYING: "Two quiet sweeps of each host are awaited.",
        PlanReason.ABORTING: "Moves under way are being called off.",
        PlanReason.ABORTED: "The plan was called off by order.",
        PlanReason.BUDGET_EXCEEDED: "More moves failed than `failureBudget` bears.",
        PlanReason.WITHIN_BUDGET: "No more moves failed than `failureBudget` bears.",
        PlanReason.DEADLINE_EXCEEDED: "The plan takes longer than `deadlineSeconds`.",
        PlanReason.WITHIN_DEADLINE: "The plan takes no longer than `deadlineSeconds` so far.",
        PlanReason.SERVERS_BLOCKED: "Servers cannot be moved as they are.",
        PlanReason.NOTHING_BLOCKED: "No server is known that cannot be moved as it is.",
        PlanReason.NAME_TAKEN: "A Migration of the name that the plan would choose belongs to somebody else.",
        PlanReason.MIGRATIONS_REFUSED: "A quota, a policy or a missing right keeps the Migrations from being made.",
        PlanReason.TOO_MANY_MIGRATIONS: "The plan has made as many Migrations as one plan may make.",
        PlanReason.DISABLING: "Compute services are being disabled; no server moves before all are.",
        PlanReason.DISABLED: "Every host was read back as disabled.",
        PlanReason.NOT_DISABLED: "A host is not disabled, or was enabled again by somebody.",
        PlanReason.RELEASED: "The plan enabled hosts again that it had disabled.",
        PlanReason.DRAINED: "Every host is proven empty.",
        PlanReason.NOT_PROVEN: "No server is known to be left on a host, and two quiet sweeps have not proven it.",
        PlanReason.SERVERS_LEFT: "Servers are left that were to move.",
        PlanReason.EXCLUDED_SERVERS_LEFT: "Only servers are left that were to be left.",
        PlanReason.INCOMPLETE_SWEEP: "A host, or the servers, could not be read to the end; nothing is concluded.",
        PlanReason.SUCCEEDED: "Every server has moved, and every host of the plan is proven empty.",
        PlanReason.ALREADY_DRAINED: "Every host was empty; nothing had to be moved.",
        PlanReason.MOVED_ALL_SELECTED: "Every server that was to move has; others are left, or hosts are not disabled.",
        PlanReason.VALIDATED: "The preview is there; nothing was changed.",
        PlanReason.DESTINATION_NOT_USABLE: (
            "The host that `template.placement` names is down, disabled, emptied by this plan, or no host at all."
        ),
        PlanReason.AFFINITY_GROUP: "Its server group demands one host for all, so the cloud admits it nowhere else.",
        PlanReason.ANTI_AFFINITY_GROUP_FULL: "Its server group has more members than there are places on other hosts.",
        PlanReason.AWAITS_CONFIRMATION: "A resize or cold move of it must be confirmed or reverted first.",
        PlanReason.BUSY: "The cloud is busy with it.",
        PlanReason.LOCKED: "It is locked, and the credentials are no administrator's.",
        PlanReason.MIGRATING: "It is being moved or resized already.",
        PlanReason.BUILDING: "It is being built.",
        PlanReason.RULE: "A rule of the plan says so.",
        PlanReason.EXCLUDED: "The list `exclude` names it or its project.",
        PlanReason.NOT_SELECTED: "The `selector` does not choose it.",
        PlanReason.SKIPPED: "The verb `skip` named it.",
        PlanReason.SOFT_DELETED: "Its owner deleted it, and the cloud keeps it until it is reclaimed.",
        PlanReason.SERVER_IN_ERROR: "It was in state ERROR before the plan came.",
        PlanReason.SERVER_STATE: "The cloud moves no server in this state.",
        PlanReason.SERVER_NOT_FOUND: "The cloud has no server of this id, or none of this project.",
        PlanReason.METHOD_NOT_POSSIBLE: "The cloud does not move a server in this state by the method of the rule.",
        PlanReason.DEVICE: "Its flavor has devices or encryption for which the cloud may refuse the move.",
        PlanReason.PINNED_ZONE: "It is pinned to a zone that has no other host.",
        PlanReason.PLAIN: "Nothing is special about it.",
    }
)
