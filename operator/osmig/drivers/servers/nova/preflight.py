"""Whether a move could be done: one verdict for each question, from facts that were read before. Pure.

What may not be looked at is ``Skipped``. A verdict agrees with what mode Execute would do (docs/architecture.md §5a):
where that ends well without sending anything, it is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import PreflightCheck
from osmig.api.names import CheckResult
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.host_names import find_similar, tell_difference
from osmig.domain.operations import MoveKind, RecordView
from osmig.drivers.servers.nova import nova
from osmig.drivers.servers.nova.probing import ROLE_RIGHTS, find_permitted, find_possible

if TYPE_CHECKING:
    from collections.abc import Collection

    from osmig.drivers.servers.nova.preflight_facts import Facts
    from osmig.drivers.servers.nova.session import Version
    from osmig.drivers.servers.views import Job

PASS, WARN, FAIL, SKIPPED = CheckResult.PASS, CheckResult.WARN, CheckResult.FAIL, CheckResult.SKIPPED

MOVABLE = {MoveKind.LIVE: ("ACTIVE", "PAUSED"), MoveKind.COLD: ("ACTIVE", "SHUTOFF")}
"""Statuses from which Nova takes a server on its way."""

_SOURCE = "spec.placement.sourceHost"
_DESTINATION = "spec.placement.destinationHost"
_NO_SERVER = "not looked at, because the server was not found"
_NO_SERVICES = "these credentials may not see whether hosts are up"
_NO_HOSTS = "these credentials see no hosts; use an administrator's, or leave hosts out"


def check(job: Job, facts: Facts) -> tuple[PreflightCheck, ...]:
    """Answer each question once, in the order in which people would mend what is wrong."""
    verdicts = (
        ("ApiVersion", *_check_version(job, facts)),
        ("Rights", "spec.providerRef", *_check_rights(job, facts)),
        ("HostVisibility", "spec.placement", *_check_visibility(job, facts)),
        ("Server", _server_path(job), *_check_server(facts)),
        ("ServerState", _server_path(job), *_check_state(job, facts)),
        ("Migrations", _server_path(job), *_check_migrations(facts)),
        ("SourceHost", _SOURCE, *_check_source(job, facts)),
        ("SourceService", _SOURCE, *_check_service(facts)),
        ("DestinationHost", _DESTINATION, *_check_destination(job, facts)),
        ("Following", "spec.providerRef", *_check_following(job, facts)),
    )
    return tuple(
        PreflightCheck(check=name, path=path, result=result, message=message)
        for name, path, result, message in verdicts
    )


def _check_version(job: Job, facts: Facts) -> tuple[str, CheckResult, str]:
    speaks = f"the cloud speaks {_dotted(facts.version)}"
    if job.kind is MoveKind.LIVE and facts.version < nova.ASYNCHRONOUS_START:
        return "spec.type", FAIL, f"{speaks}; LiveMigration needs {_dotted(nova.ASYNCHRONOUS_START)}: use ColdMigration"
    if job.kind is MoveKind.COLD and job.destination_host and facts.version < nova.COLD_DESTINATION:
        needed = _dotted(nova.COLD_DESTINATION)
        return _DESTINATION, FAIL, f"{speaks}; a cold move to a named host needs {needed}: leave destinationHost out"
    if job.kind is MoveKind.LIVE and facts.version < nova.ABORT_QUEUED:
        needed = _dotted(nova.ABORT_QUEUED)
        return "spec.type", WARN, f"{speaks}; a move that the cloud still queues can be aborted only from {needed} on"
    return "spec.type", PASS, f"{speaks}, which is enough"


def _check_rights(job: Job, facts: Facts) -> tuple[CheckResult, str]:
    wanted = Capability.LIVE_MIGRATION if job.kind is MoveKind.LIVE else Capability.COLD_MIGRATION
    move = "live" if job.kind is MoveKind.LIVE else "cold"
    roles = facts.roles or frozenset()
    if not roles & ROLE_RIGHTS.keys():
        return SKIPPED, "the login names no role of Nova's default policy; the cloud's answer to the start will tell"
    names = ", ".join(sorted(roles))
    # what the version lacks is another check's
    if wanted in find_permitted(find_possible(facts.version) | {wanted}, roles):
        return PASS, f"by Nova's default policy the roles {names} may order a {move} move"
    verdict = FAIL if roles <= ROLE_RIGHTS.keys() else WARN  # a policy of the cloud's own may know the others
    return verdict, f"by Nova's default policy the roles {names} may not order a {move} move: use manager or admin"


def _check_visibility(job: Job, facts: Facts) -> tuple[CheckResult, str]:
    if facts.server is None:
        return SKIPPED, _NO_SERVER
    if job.source_host_id and not facts.server.host_id and not facts.server.is_on_no_host:
        return FAIL, "sourceHostID is named, but these credentials are not told the server's hostId"
    if facts.are_hosts_visible:
        return PASS, "these credentials see hosts"
    if (job.source_host or job.destination_host) and not facts.server.is_on_no_host:
        return FAIL, f"hosts are named, but {_NO_HOSTS}"
    return WARN, "these credentials see no hosts; that the server moved is told by its hostId alone"


def _check_server(facts: Facts) -> tuple[CheckResult, str]:
    if facts.server is None:
        return SKIPPED if facts.is_hidden else FAIL, facts.missing
    return PASS, f"the server {facts.server.name} has the id {facts.server.id}"


def _check_state(job: Job, facts: Facts) -> tuple[CheckResult, str]:
    server = facts.server
    if server is None:
        return SKIPPED, _NO_SERVER
    movable = MOVABLE[job.kind]
    if server.is_in_error:
        return FAIL, "the server is in status ERROR; it must be repaired first"
    if server.awaits_confirmation:
        return FAIL, f"the server waits for the confirmation of an earlier move{_adopt(facts.active)}"
    if server.is_busy:
        doing = f"status {server.status}, task state {server.task_state}"
        return FAIL, f"the server is busy ({doing}){_adopt(facts.active)}"
    if server.status.upper() not in movable:
        return FAIL, f"the server's status is {server.status}; for this move it must be {' or '.join(movable)}"
    if facts.is_locked:
        return WARN, "the server is locked; only an administrator may move it"
    return PASS, f"the server's status is {server.status}"


def _check_migrations(facts: Facts) -> tuple[CheckResult, str]:
    if facts.server is None:
        return SKIPPED, _NO_SERVER
    if facts.scope is Scope.UNKNOWN:
        return SKIPPED, "these credentials may not list migrations; see ServerState for whether one is under way"
    if facts.active is not None and not facts.server.is_busy:
        told = f"migration {facts.active.id} of the server is {facts.active.status}, but the server is idle"
        return WARN, f"{told}: the move would wait for --stale-record-after, and then go on if both stay so"
    if facts.active is not None:
        return FAIL, f"migration {facts.active.id} of the server is {facts.active.status}{_adopt(facts.active)}"
    return PASS, "no migration of the server is under way"


def _check_source(job: Job, facts: Facts) -> tuple[CheckResult, str]:
    if facts.server is None:
        return SKIPPED, _NO_SERVER
    if job.source_host_id is not None and facts.server.host_id and facts.server.host_id != job.source_host_id:
        return (
            WARN,
            "the server is not on the host of sourceHostID; this counts as moved, nothing would be sent",
        )
    if facts.server.host is None:
        return SKIPPED, "the server is on no host" if facts.are_hosts_visible else _NO_HOSTS
    where = f"the server is on {facts.server.host}"
    if job.source_host is None or facts.server.host == job.source_host:
        return PASS, where
    left = f"{where}, not on {job.source_host}; this counts as moved, nothing would be sent"
    if facts.server.host == job.destination_host:
        return WARN, left
    if missing := _find_misspelt(job.source_host, facts.server.host, facts):
        return FAIL, f"{where}; {missing}: correct sourceHost"
    if job.destination_host is not None:
        return FAIL, f"{where}, not on {job.source_host}: correct sourceHost"
    doubt = "" if facts.hosts is not None else f"; whether there is such a host could not be checked: {_NO_SERVICES}"
    return WARN, f"{left}{doubt}"


def _find_misspelt(name: str, server_host: str, facts: Facts) -> str:
    """Say why a name is no host's; empty where it is one's, or nobody may look and it is unlike the server's."""
    if facts.hosts is None:
        way = tell_difference(name, server_host)
        return f"{name} differs from it by its {way} only" if way else ""
    return "" if name in facts.past_hosts or name in facts.hosts else _describe_missing(name, facts.hosts)


def _describe_missing(name: str, hosts: Collection[str]) -> str:
    similar = find_similar(name, hosts)
    if similar is None:
        return f"the cloud has no compute host {name}"
    way = tell_difference(name, similar)
    return f"the cloud has no compute host {name}, but {similar}, which differs by its {way} only"


def _check_service(facts: Facts) -> tuple[CheckResult, str]:
    if facts.server is None:
        return SKIPPED, _NO_SERVER
    if facts.server.host is None:
        return SKIPPED, "the server is on no host" if facts.are_hosts_visible else _NO_HOSTS
    if facts.hosts is None:
        return SKIPPED, _NO_SERVICES
    host = facts.hosts.get(facts.server.host)
    if host is None or not host.is_up:
        return FAIL, f"the compute service of {facts.server.host} is down, so nothing would move: bring it up first"
    drained = "" if host.is_enabled else "; it is disabled, which does not keep a server from leaving"
    return PASS, f"the compute service of {host.name} is up{drained}"


def _check_destination(job: Job, facts: Facts) -> tuple[CheckResult, str]:
    name = job.destination_host
    if name is None:
        return PASS, "the cloud's scheduler chooses the host"
    if facts.server is None:
        return SKIPPED, _NO_SERVER
    if facts.server.host == name:
        return WARN, f"the server already is on {name}; nothing would be sent"
    if not facts.are_hosts_visible:
        return SKIPPED, _NO_HOSTS
    return _check_health(name, facts)


def _check_health(name: str, facts: Facts) -> tuple[CheckResult, str]:
    if facts.hosts is None:
        return SKIPPED, _NO_SERVICES
    host = facts.hosts.get(name)
    if host is None:
        return FAIL, f"{_describe_missing(name, facts.hosts)}: correct destinationHost"
    if not host.is_up:
        return FAIL, f"the compute service of {name} is down: bring it up, or name another host"
    if not host.is_enabled:
        return FAIL, f"{name} is disabled, so the cloud's scheduler refuses it: enable it, or name another host"
    return PASS, f"{name} is up and enabled"


def _check_following(job: Job, facts: Facts) -> tuple[CheckResult, str]:
    if facts.scope is Scope.UNKNOWN:
        return WARN, "these credentials may list no migrations; the move is followed by its server and actions alone"
    if job.kind is MoveKind.LIVE and facts.server is not None and not facts.may_read_progress:
        return WARN, "these credentials may not read the bytes that moved; the server's own percentage is shown"
    whose = "of the whole cloud" if facts.scope is Scope.CLOUD else "of their own project"
    return PASS, f"these credentials may list the migrations {whose}"


def _adopt(active: RecordView | None) -> str:
    """Say what to do about a move under way; a resize is not ours to follow."""
    if active is None or active.kind not in {MoveKind.LIVE, MoveKind.COLD, MoveKind.UNKNOWN}:
        return ": wait until that is over"
    return f": wait until that is over, or follow it by adopt.id {active.uuid or active.id}"


def _server_path(job: Job) -> str:
    return "spec.server.name" if job.server_name is not None else "spec.server.id"


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
