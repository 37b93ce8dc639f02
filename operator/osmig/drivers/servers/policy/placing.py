"""Where the server is, against where the spec says it is and shall be; "no longer there" is said of real hosts only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.domain import outcome
from osmig.domain.host_names import tell_difference
from osmig.drivers.servers.facts import read as read_facts

if TYPE_CHECKING:
    from osmig.domain.observation import Commit, Decision
    from osmig.drivers.servers.facts import MoveObservation
    from osmig.drivers.servers.views import NamedHost, PreStartState, ServerView

_SOURCE, _DESTINATION = "sourceHost", "destinationHost"
_NOT_LISTED = "these credentials may not list compute hosts"


def check_host(observation: MoveObservation, server: ServerView, unsent: str) -> Commit | None:
    """End where hosts are named and the server's does not show: because it has none, or because hosts are hidden."""
    spec = observation.migration.spec
    is_hidden = server.host is None and (spec.source_host is not None or spec.destination_host is not None)
    is_unknown = not server.host_id and spec.source_host_id is not None
    if not (is_hidden or is_unknown):
        return None
    if server.is_on_no_host:
        message = f"the server is on no host, its status is {server.status}: bring it onto one (unshelve it); {unsent}"
        return outcome.fail(observation, Reason.START_REFUSED, message)
    unseen = "cannot see hosts" if is_hidden else "are not told the server's hostId"
    message = f"spec.placement names hosts, but the Provider's credentials {unseen}; {unsent}"
    return outcome.fail(observation, Reason.HOSTS_NOT_VISIBLE, message)


def judge(observation: MoveObservation, pre_start: PreStartState, unsent: str) -> Decision | None:
    """End where the server is at its destination, or not where the move shall begin; ``None`` where a start is due.

    Args:
        observation: of this moment.
        pre_start: the server, idle and on a host that shows where hosts are named.
        unsent: says that nothing is sent, in words fit for status.
    """
    spec, server = observation.migration.spec, pre_start.server
    host, destination = server.host, spec.destination_host
    if destination is not None and host == destination:
        return outcome.succeed(observation, Reason.ALREADY_AT_DESTINATION, f"the server is on {destination}; {unsent}")
    if (misnamed := _check_names(observation, pre_start, unsent)) is not None:
        return misnamed
    if spec.source_host in {None, host} and spec.source_host_id in {None, server.host_id}:
        return None
    source = spec.source_host or "the host of sourceHostID"
    if destination is not None:
        message = f"the server is on {host}, neither on {source} nor on {destination}; {unsent}"
        return outcome.fail(observation, Reason.NOT_ON_SOURCE_HOST, message)
    where = f"on {host}, " if host is not None else ""
    message = f"the server is {where}no longer on {source}{_describe_doubt(observation, source)}; {unsent}"
    return outcome.succeed(observation, Reason.NOT_ON_SOURCE_HOST, message)


def _check_names(observation: MoveObservation, pre_start: PreStartState, unsent: str) -> Decision | None:
    """End where a name decides that no host of the cloud has; ``None`` where every such name is one, or may be.

    Asked only when the answer matters: a server that is on its sourceHost proves the name, and so does a record of an
    earlier move away from there. What destinationHost names, Nova itself checks when it takes the start.
    """
    doubtful = _find_doubtful(observation, pre_start)
    if not doubtful:
        return None
    named = observation.facts.named_hosts
    if named is None:
        return read_facts("named_hosts")
    hosts = {host.name: host for host in named}
    for field, name in doubtful.items():
        if (why := _describe_missing(hosts[name], pre_start.server.host or "")) is not None:
            message = f"spec.placement.{field}: {why}: correct {field}; {unsent}"
            return outcome.fail(observation, Reason.HOST_NOT_FOUND, message)
    return None


def _describe_doubt(observation: MoveObservation, source: str) -> str:
    """Say that nobody could check whether the cloud has a host of this name; empty where it is known."""
    is_unknown = any(host.name == source and host.exists is None for host in observation.facts.named_hosts or ())
    return f" (whether the cloud has a host {source} could not be checked: {_NOT_LISTED})" if is_unknown else ""


def _find_doubtful(observation: MoveObservation, pre_start: PreStartState) -> dict[str, str]:
    """Return the names that decide, by their fields, and that are not known to be hosts of the cloud."""
    spec, host = observation.migration.spec, pre_start.server.host or ""
    source, destination = spec.source_host, spec.destination_host
    is_elsewhere = source is not None and host != source
    doubtful = {}
    if source is not None and is_elsewhere:
        doubtful[_SOURCE] = source
    if destination is not None and (is_elsewhere or tell_difference(destination, host)):
        doubtful[_DESTINATION] = destination
    return {field: name for field, name in doubtful.items() if name not in pre_start.past_hosts}


def _describe_missing(named: NamedHost, server_host: str) -> str | None:
    """Say that there is no such host; where nobody may look, only a name that all but fits the server's host is."""
    if named.exists:
        return None
    if way := tell_difference(named.name, server_host):
        known = "" if named.exists is None else f"the cloud has no compute host {named.name}, and "
        return f"{known}the server is on {server_host}, which differs from {named.name} by its {way} only"
    if named.exists is None:
        return None
    if named.similar is not None:
        way = tell_difference(named.name, named.similar)
        return f"the cloud has no compute host {named.name}, but {named.similar}, which differs by its {way} only"
    return f"the cloud has no compute host {named.name}"
