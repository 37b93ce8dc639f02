"""What a plan does with one server, and why: a pure table over what a look at it shows.

Nova takes a live move of ACTIVE and PAUSED servers, a cold one of ACTIVE and SHUTOFF ones, and no other. A server that
was broken before the plan came is blocked, never failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.api.plan_names import Judgement, PlanReason
from osmig.api.plan_servers import Behavior, Method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.plan import PlanSpec
    from osmig.api.plan_servers import MetadataMatch, PlanRule
    from osmig.domain.plans.destinations import Destinations
    from osmig.domain.plans.sweeps import GroupRow, ServerRow

_MOVABLE = {Method.LIVE: frozenset({"ACTIVE", "PAUSED"}), Method.COLD: frozenset({"ACTIVE", "SHUTOFF"})}
_BUSY = {
    "BUILD": PlanReason.BUILDING,
    "MIGRATING": PlanReason.MIGRATING,
    "RESIZE": PlanReason.MIGRATING,
    "REVERT_RESIZE": PlanReason.MIGRATING,
    "REBUILD": PlanReason.BUSY,
    "REBOOT": PlanReason.BUSY,
    "HARD_REBOOT": PlanReason.BUSY,
    "PASSWORD": PlanReason.BUSY,
}
DEVICES = ("pci_passthrough:alias", "resources:VGPU", "hw:mem_encryption", "accel:device_profile")
"""Extra specs of a flavor that bind a server to what its host has; of all others nothing is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVerdict:
    """What is done with one server.

    Attributes:
        reason: ``Plain`` for what is simply moved live.
        message: why, and what to do about it; empty where there is nothing to tell.
    """

    judgement: Judgement
    reason: PlanReason = PlanReason.PLAIN
    message: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is moved live, without a warning."""
        return self.judgement is Judgement.MOVE and self.reason is PlanReason.PLAIN

    @property
    def is_ordered(self) -> bool:
        """Whether the server is to be moved."""
        return self.judgement in {Judgement.MOVE, Judgement.COLD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a verdict depends on besides the server and the plan.

    Attributes:
        groups: server groups that it may be a member of.
        awaited_record: the id of its migration that awaits a confirmation; empty where not known.
        usable: hosts that servers may go to: up, enabled, not to be emptied; ``None`` where not known.
        is_admin: the credentials are an administrator's, who may move locked servers.
        is_host_up: the host's service reports; without it nothing moves.
        skips: ids of servers that the verb skip named.
        destination: the host that the plan names for all servers.
        excluded: why servers are left out by ``exclude``, by their ids and by their projects (`index_excludes`).
    """

    groups: tuple[GroupRow, ...] = ()
    awaited_record: str = ""
    usable: Destinations | None = None
    is_admin: bool = True
    is_host_up: bool = True
    skips: frozenset[str] = frozenset()
    destination: str | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)


def index_excludes(spec: PlanSpec) -> Mapping[str, str]:
    """Return why servers are left out by ``exclude``, by their ids and by their projects; the first one counts."""
    reasons: dict[str, str] = {}
    for exclude in spec.exclude:
        reasons.setdefault(exclude.server_id or exclude.project_id or "", exclude.reason)
    return reasons


def judge(server: ServerRow, spec: PlanSpec, around: Circumstances, *, falls_back: bool = False) -> ServerVerdict:
    """Say what is done with a server: left out, broken, told by a rule, busy, or moved.

    Args:
        server: as a sweep shows it.
        spec: the plan's.
        around: everything else that counts.
        falls_back: its live move failed for a reason of the plan's ``fallback``, so it is moved cold.
    """
    if (left := _leave_out(server, spec, around)) is not None:
        return left
    if server.is_soft_deleted or server.status == "SOFT_DELETED":
        text = "it was deleted by its owner and keeps its disk here until the cloud reclaims it; restore or delete it"
        return _blocked(PlanReason.SOFT_DELETED, text)
    rule = find_rule(server, spec)
    if rule is not None and rule.behavior is Behavior.SKIP:
        return ServerVerdict(judgement=Judgement.SKIP, reason=PlanReason.RULE, message=f"by rule {rule.name}")
    if rule is not None and rule.behavior is Behavior.HOLD:
        text = f"by rule {rule.name} it is waited for until it is gone, or another rule matches first"
        return ServerVerdict(judgement=Judgement.HOLD, reason=PlanReason.RULE, message=text)
    if falls_back:
        return _judge_move(server, Method.COLD, around, why_cold="its live move failed: it is stopped for the copy")
    return _judge_move(server, _method(server, rule), around)


def judge_missing(server_id: str, around: Circumstances) -> ServerVerdict:
    """Say what becomes of an id that the plan names and that is no server's."""
    if server_id in around.excluded or server_id in around.skips:
        text = "it is left out, and the cloud has no such server"
        return ServerVerdict(judgement=Judgement.SKIP, reason=PlanReason.EXCLUDED, message=text)
    text = "the cloud has no server of this id: mend spec.targets.servers in a new plan, or order osmig.dev/skip"
    return _blocked(PlanReason.SERVER_NOT_FOUND, text)


def find_rule(server: ServerRow, spec: PlanSpec) -> PlanRule | None:
    """Return the first rule that matches a server."""
    return next((rule for rule in spec.rules if _matches(server, rule)), None)


def _leave_out(server: ServerRow, spec: PlanSpec, around: Circumstances) -> ServerVerdict | None:
    why = around.excluded.get(server.id) or around.excluded.get(server.project_id)
    if why is not None:
        return ServerVerdict(judgement=Judgement.SKIP, reason=PlanReason.EXCLUDED, message=why)
    if server.id in around.skips:
        return ServerVerdict(judgement=Judgement.SKIP, reason=PlanReason.SKIPPED, message="by osmig.dev/skip")
    selector = spec.selector
    if selector is None:
        return None
    is_selected = (
        server.status in (selector.statuses or (server.status,))
        and all(_has(server, match) for match in selector.match_metadata or ())
        and set(selector.match_tags or ()) <= set(server.tags)
    )
    if is_selected:
        return None
    text = "the selector does not choose it"
    return ServerVerdict(judgement=Judgement.SKIP, reason=PlanReason.NOT_SELECTED, message=text)


def _matches(server: ServerRow, rule: PlanRule) -> bool:
    match = rule.match
    if match is None:
        return True
    return (
        server.status in (match.statuses or (server.status,))
        and server.memory_mib >= (match.min_memory_mib or 0)
        and (match.metadata is None or _has(server, match.metadata))
    )


def _has(server: ServerRow, match: MetadataMatch) -> bool:
    return server.metadata.get(match.key) in match.values


def _method(server: ServerRow, rule: PlanRule | None) -> Method:
    if rule is not None and rule.method is not None:
        return rule.method
    return Method.COLD if server.status == "SHUTOFF" else Method.LIVE


def _judge_move(
    server: ServerRow,
    method: Method,
    around: Circumstances,
    why_cold: str = "a rule says Cold: it is stopped for the copy",
) -> ServerVerdict:
    """Say whether a server that shall be moved can be."""
    refused = (
        _check_state(server, around.awaited_record)
        or _check_method(server, method)
        or _check_lock(server, is_admin=around.is_admin)
        or _check_destination(around)
        or _check_groups(server, around)
        or _check_host(is_up=around.is_host_up)
        or _check_place(server, is_admin=around.is_admin)
    )
    if refused is not None:
        return refused
    reason, message = _warn(server, around.usable)
    if method is Method.COLD:
        text = message or ("it is off" if server.status == "SHUTOFF" else why_cold)
        return ServerVerdict(judgement=Judgement.COLD, reason=reason, message=text)
    return ServerVerdict(judgement=Judgement.MOVE, reason=reason, message=message)


def _check_state(server: ServerRow, awaited_record: str) -> ServerVerdict | None:
    if server.status == "VERIFY_RESIZE" and server.task_state is None:
        record = f"migration {awaited_record or 'of it'}"
        text = f"{record} awaits a confirmation; project {server.project_id} must confirm or revert"
        return _blocked(PlanReason.AWAITS_CONFIRMATION, text)
    if server.status == "ERROR":
        return _blocked(PlanReason.SERVER_IN_ERROR, "it was in state ERROR before the plan came; a person must mend it")
    if server.status in _BUSY or server.task_state is not None:
        text = f"the cloud is busy with it ({server.task_state or server.status})"
        reason = _BUSY.get(server.status, PlanReason.BUSY)
        return ServerVerdict(judgement=Judgement.WAIT, reason=reason, message=text)
    if not any(server.status in movable for movable in _MOVABLE.values()):
        return _blocked(PlanReason.SERVER_STATE, f"the cloud moves no server that is {server.status}")
    return None


def _check_method(server: ServerRow, method: Method) -> ServerVerdict | None:
    if server.status in _MOVABLE[method]:
        return None
    text = f"the cloud makes no {method.lower()} move of a server that is {server.status}; add a rule for this status"
    return _blocked(PlanReason.METHOD_NOT_POSSIBLE, text)


def _check_lock(server: ServerRow, *, is_admin: bool) -> ServerVerdict | None:
    if is_admin or not server.is_locked:
        return None
    return _blocked(PlanReason.LOCKED, "it is locked, and only an administrator may move it")


def _check_destination(around: Circumstances) -> ServerVerdict | None:
    if around.destination is None or around.usable is None or around.usable.names:
        return None
    text = f"servers cannot go to {around.destination} now: it is down, disabled, emptied by this plan, or no host"
    return ServerVerdict(judgement=Judgement.WAIT, reason=PlanReason.DESTINATION_NOT_USABLE, message=text)


def _check_groups(server: ServerRow, around: Circumstances) -> ServerVerdict | None:
    found = (_check_group(server, group, around.usable) for group in around.groups if server.id in group.members)
    return next((verdict for verdict in found if verdict is not None), None)


def _check_group(server: ServerRow, group: GroupRow, usable: Destinations | None) -> ServerVerdict | None:
    if group.policy == "affinity":
        others = len(group.members) - 1
        text = (
            f"server group {group.name} demands one host for all its members ({others} besides {server.name}), so the "
            "cloud admits none of them anywhere else"
        )
        return _blocked(PlanReason.AFFINITY_GROUP, text)
    if group.policy == "anti-affinity" and usable is not None:
        places = usable.count_besides(server.host) * max(1, group.max_server_per_host)
        if len(group.members) > places:
            text = (
                f"server group {group.name} has {len(group.members)} members that must be apart, and there are "
                f"{places} places for them on other hosts"
            )
            return _blocked(PlanReason.ANTI_AFFINITY_GROUP_FULL, text)
    return None


def _check_host(*, is_up: bool) -> ServerVerdict | None:
    if is_up:
        return None
    text = "its host's compute service does not report, so the cloud moves nothing away from it"
    return ServerVerdict(judgement=Judgement.WAIT, reason=PlanReason.HOST_DOWN, message=text)


def _check_place(server: ServerRow, *, is_admin: bool) -> ServerVerdict | None:
    if server.host is not None or (server.host_id and not is_admin):
        return None
    return _blocked(PlanReason.HOSTS_NOT_VISIBLE, "the cloud does not say which host it is on")


def _warn(server: ServerRow, usable: Destinations | None) -> tuple[PlanReason, str]:
    """Name what may make the cloud refuse the move; only the cloud knows whether it will."""
    devices = [key for key in DEVICES if key in server.extra_specs]
    if devices:
        return PlanReason.DEVICE, f"its flavor has {', '.join(devices)}; the cloud may refuse the move"
    zone = server.pinned_zone
    if zone is not None and usable is not None and not usable.has_other(zone, server.host):
        return PlanReason.PINNED_ZONE, f"it is pinned to zone {zone}, which has no other host that servers may go to"
    return PlanReason.PLAIN, ""


def _blocked(reason: PlanReason, message: str) -> ServerVerdict:
    return ServerVerdict(judgement=Judgement.BLOCKED, reason=reason, message=message)
