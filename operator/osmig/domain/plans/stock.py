"""Takes in what the looks at a plan's hosts or servers show: services, servers, what is left, and what that proves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from osmig.api.names import EventReason
from osmig.domain.observation import Note
from osmig.domain.plans.counting import (
    count_bytes,
    count_places,
    forecast,
    list_failures,
    list_left,
    measure_throughput,
    word_progress,
    write_preview,
)
from osmig.domain.plans.draining import (
    continue_run,
    count_rest,
    is_proven,
    word_places,
    word_rest,
)
from osmig.domain.plans.scenes import Place, build_scene
from osmig.domain.plans.services import HostChange, forget_orders, fresh_sweep, note_service
from osmig.domain.plans.target_sweeps import is_complete_or_unnamed

if TYPE_CHECKING:
    from osmig.api.plan_status import PlanHost, PlanStatus
    from osmig.domain.plans.observation import PlanMemory, PlanObservation, QuietRun
    from osmig.domain.plans.scenes import PlannedServer, Scene
    from osmig.domain.plans.sweeps import HostSweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What is known of a plan once all its hosts, or its servers, were looked at.

    Attributes:
        status: with hosts, preview, counts of this moment.
        notes: Events about hosts.
        memory: with the newest quiet sweeps.
        is_complete: every look is; else nothing is counted or ended.
        done_hosts: those of which two quiet sweeps have proven that nothing is left but what stays there.
        rest: what is left of the hosts, or where the servers stand, in words.
    """

    observation: PlanObservation
    scene: Scene
    status: PlanStatus
    notes: tuple[Note, ...]
    memory: PlanMemory
    is_complete: bool
    done_hosts: frozenset[str]
    rest: str

    @property
    def is_done(self) -> bool:
        """Whether that is proven of all hosts."""
        return all(host.name in self.done_hosts for host in self.status.hosts)

    @property
    def awaits_proof(self) -> bool:
        """Whether a look found nothing on some host, and another one will prove it, whatever is left on others."""
        return any(host.name in self.memory.quiet and host.name not in self.done_hosts for host in self.status.hosts)


def take_stock(observation: PlanObservation) -> Stock:
    """Take in what the looks show: services, servers, what is left, and what that proves."""
    scene = build_scene(observation)
    stays = _Stays(
        servers=frozenset(planned.server_id for planned in scene.at(Place.SKIPPED)),
        hosts=frozenset(child.source_host for child in observation.children if not child.is_finished),
    )
    changes, runs, done = [], {}, set()
    for host in observation.status.hosts:
        change, run = _look_at_host(host, stays, observation)
        changes.append(change)
        if change.host.drained_time is not None or is_proven(run):
            done.add(host.name)
        if run is not None:
            runs[host.name] = run
    hosts = tuple(change.host for change in changes)
    status = observation.status.model_copy(update={"hosts": hosts})
    is_complete = is_complete_or_unnamed(observation) and all(_is_complete(host, observation) for host in hosts)
    if is_complete:
        status = _count(scene, status, observation)
    left = _word_left(hosts, scene)
    if observation.plan.spec.targets.names_servers:
        left = [word_places(scene.planned_servers)]
    return Stock(
        observation=observation,
        scene=scene,
        status=status,
        notes=tuple(note for change in changes for note in change.notes),
        memory=forget_orders(replace(observation.memory, quiet=runs), hosts),
        is_complete=is_complete,
        done_hosts=frozenset(done),
        rest="; ".join(left)[:1024],
    )


def _is_complete(host: PlanHost, observation: PlanObservation) -> bool:
    sweep = fresh_sweep(observation, host.name)
    return host.drained_time is not None or (sweep is not None and sweep.is_complete)


def _word_left(hosts: tuple[PlanHost, ...], scene: Scene) -> list[str]:
    by_host: dict[str, list[PlannedServer]] = {}
    for planned in scene.planned_servers:
        if planned.row is not None and planned.row.host is not None:
            by_host.setdefault(planned.row.host, []).append(planned)
    return [word_rest(host, by_host.get(host.name, ())) for host in hosts if host.drained_time is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stays:
    """What is not taken for left over.

    Attributes:
        servers: ids of those that the plan leaves where they are.
        hosts: those that Migrations away from have no outcome yet.
    """

    servers: frozenset[str]
    hosts: frozenset[str | None]


def _look_at_host(host: PlanHost, stays: _Stays, observation: PlanObservation) -> tuple[HostChange, QuietRun | None]:
    sweep = fresh_sweep(observation, host.name)
    if sweep is None or not sweep.is_complete:
        return HostChange(host=_note_problem(host, sweep)), None
    change = note_service(host, sweep, observation)
    rest = count_rest(sweep, stays.servers)
    run = continue_run(
        observation.memory.quiet.get(host.name),
        sweep,
        rest,
        must_be_disabled=observation.plan.spec.disables,
        has_children=host.name in stays.hosts,
    )
    is_drained = is_proven(run) and rest.is_empty and observation.plan.spec.disables
    told = (Note(reason=EventReason.HOST_DRAINED, text=f"{host.name} is empty: two sweeps found nothing"),)
    counted = change.host.model_copy(
        update={
            "remaining": rest.remaining,
            "soft_deleted": rest.soft_deleted,
            "unconfirmed": rest.unconfirmed,
            "inbound": rest.inbound,
            "quiet_sweeps": run.sweeps if run is not None else 0,
            "drained_time": observation.now if is_drained else None,
        }
    )
    return replace(change, host=counted, notes=(*change.notes, *(told if is_drained else ()))), run


def _note_problem(host: PlanHost, sweep: HostSweep | None) -> PlanHost:
    """Say why a host could not be read; one that is proven empty was not read on purpose."""
    if sweep is None:
        return host
    problem = sweep.problem or "the cloud listed servers of other hosts, or does not say where they are"
    return host.model_copy(update={"message": problem, "quiet_sweeps": 0})


def _count(scene: Scene, status: PlanStatus, observation: PlanObservation) -> PlanStatus:
    counts = count_places(scene, status)
    changes: dict[str, Any] = {
        "counts": counts,
        "bytes": count_bytes(scene),
        "throughput_bytes_per_second": measure_throughput(scene),
        "progress_text": word_progress(counts),
        "hosts_text": _word_drained(status),
        "failures": list_failures(scene),
        "left": list_left(scene),
        "estimated_completion_time": forecast(scene, observation),
    }
    if status.start_time is None and (status.approved_hash is None or status.preview is None):
        changes["preview"] = preview = write_preview(scene, observation)
        if status.approved_hash != preview.hash:
            # the plan was edited after its approval, and is another one now
            changes["approved_hash"] = None
    return status.model_copy(update=changes)


def _word_drained(status: PlanStatus) -> str | None:
    """Write drained hosts of all: ``1/2``; nothing for a plan without hosts."""
    if not status.hosts:
        return None
    return f"{sum(host.drained_time is not None for host in status.hosts)}/{len(status.hosts)}"
