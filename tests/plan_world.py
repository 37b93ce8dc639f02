"""A cloud, an API server and a clock in one object, as far as a plan sees them; it does what decisions say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from osmig.api.names import MigrationType, Phase, Verb
from osmig.api.plan import MigrationPlan, parse_plan
from osmig.api.provider import Limits
from osmig.domain.capabilities import Capability
from osmig.domain.observation import ProviderView
from osmig.domain.plans.children import ChildView
from osmig.domain.plans.decisions import (
    CommitPlan,
    CreateChild,
    DeletePlan,
    DisableService,
    EnableService,
    OrderChild,
    ReadCloud,
)
from osmig.domain.plans.machine import decide_plan
from osmig.domain.plans.observation import PlanMemory, PlanObservation, PlanVerbRequest
from osmig.domain.plans.services import remember_orders
from osmig.domain.plans.sweeps import GroupRow, HostRow, HostSweep, ServerRow, ServiceRow, TargetSweep
from plan_samples import plan_body

if TYPE_CHECKING:
    from osmig.api.plan_names import PlanVerb
    from osmig.domain.operations import RecordView

START = dt.datetime(2026, 12, 5, 21, tzinfo=dt.UTC)
READY = ProviderView(is_ready=True, capabilities=frozenset({Capability.HOSTS, Capability.LIVE_MIGRATION}))
WIDE = Limits(max_in_flight=100, max_in_flight_per_source_host=100, max_in_flight_per_destination_host=100)
DISABLE = {"maintenance": {"computeService": "Disable"}}
MAX_ROUNDS = 8


def server_id(number: int) -> str:
    """Make up a server's id."""
    return f"1b2c3d4e-0000-4000-8000-{number:012x}"


def server(number: int = 1, **changes: Any) -> ServerRow:  # noqa: ANN401 - any field
    """Make a server of 2 GiB on cmp1."""
    fields: dict[str, Any] = {
        "id": server_id(number),
        "name": f"web-{number}",
        "project_id": "77",
        "status": "ACTIVE",
        "host": "cmp1",
        "memory_mib": 2048,
    }
    return ServerRow(**(fields | changes))


@dataclass
class PlanWorld:
    """One plan, the hosts of a cloud, and what everybody does to them."""

    spec: dict[str, Any] = field(default_factory=dict)
    servers: list[ServerRow] = field(default_factory=list)
    groups: list[GroupRow] = field(default_factory=list)
    records: list[RecordView] = field(default_factory=list)
    children: dict[str, ChildView] = field(default_factory=dict)
    hosts: tuple[str, ...] = ("cmp1", "cmp9")
    provider: ProviderView = READY
    limits: Limits = WIDE
    now: dt.datetime = START
    clock_s: float = 1000.0
    problem: str = ""
    claimed: dict[str, str] = field(default_factory=dict)
    names_taken: frozenset[str] = frozenset()
    names_refused: frozenset[str] = frozenset()
    refusal: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    read_error: str = ""
    is_deaf: bool = False

    def __post_init__(self) -> None:
        """Apply the plan."""
        self.services = {
            name: ServiceRow(id=f"service-{name}", host=name, is_up=True, is_enabled=True) for name in self.hosts
        }
        self.plan: MigrationPlan = parse_plan(plan_body(spec=self.spec))
        self.memory = PlanMemory()
        self.sweeps: dict[str, HostSweep] = {}
        self.target_sweep: TargetSweep | None = None
        self.looks = 0
        self.cloud_hosts: tuple[HostRow, ...] | None = None
        self.requests: list[PlanVerbRequest] = []
        self.done: list[CreateChild | DisableService | EnableService | OrderChild] = []
        self.notes: list[str] = []
        self.told: dict[str, str] = {}
        self.due_s: float | None = None
        self.is_deleted = False
        self.history: dict[str, list[HostSweep]] = {}
        self.over_s: dict[str, float] = {}

    @property
    def phase(self) -> str:
        """The plan's phase, as text: mypy would take one look at it for all later ones."""
        return str(self.status.phase)

    @property
    def status(self) -> Any:  # noqa: ANN401 - tests read deep into it
        """The plan's status."""
        return self.plan.status

    def is_enabled(self, host: str) -> bool:
        """Whether the scheduler may choose a host."""
        return self.services[host].is_enabled

    def observe(self, *, began_s: float | None = None) -> PlanObservation:
        """Return what a step sees that began then, by the monotonic clock; one that begins now, without it."""
        return PlanObservation(
            now=self.now,
            clock_s=self.clock_s if began_s is None else began_s,
            plan=self.plan,
            provider=self.provider,
            limits=self.limits,
            children=tuple(self.children.values()),
            sweeps=dict(self.sweeps),
            target_sweep=self.target_sweep,
            cloud_hosts=self.cloud_hosts,
            claimed=self.claimed,
            names_taken=self.names_taken,
            names_refused=self.names_refused,
            refusal=self.refusal,
            problems=self.problems,
            read_error=self.read_error,
            verb_requests=tuple(self.requests),
            memory=self.memory,
        )

    def step(self, *, dies_after_the_write: bool = False) -> CommitPlan | DeletePlan:
        """Make one step: decide, read what is missing, write, do."""
        began_s = self.clock_s
        for _ in range(MAX_ROUNDS):
            decision = decide_plan(self.observe(began_s=began_s))
            match decision:
                case ReadCloud():
                    self._read(decision)
                    continue
                case DeletePlan():
                    self.is_deleted = True
                    return decision
                case CommitPlan():
                    self.commit(decision, effects=not dies_after_the_write)
            if not decision.goes_on:
                return decision
        raise AssertionError("a step does not come to an end")

    def commit(self, decision: CommitPlan, *, effects: bool = True) -> None:
        """Write a decision's status and do what it says; without its effects, the process dies in between."""
        self.plan = self.plan.model_copy(update={"status": decision.status})
        self.memory, self.due_s = decision.memory, decision.due_s
        self.notes += [note.reason for note in decision.notes]
        self.told |= {note.reason: note.text for note in decision.notes}
        self.requests = []
        for effect in decision.effects if effects else ():
            self._do(effect)
        self.memory = remember_orders(self.memory, decision.effects, self.clock_s)

    def restart(self) -> None:
        """Forget what only the process knew."""
        self.memory, self.sweeps, self.target_sweep, self.cloud_hosts = PlanMemory(), {}, None, None

    def wait(self, seconds: float = 31.0) -> None:
        """Let time pass."""
        self.now += dt.timedelta(seconds=seconds)
        self.clock_s += seconds

    def run(self, steps: int = 60, *, ends: Phase = Phase.SUCCEEDED) -> None:
        """Step until the plan is over, while Migrations start at once and end with the next step."""
        for _ in range(steps):
            self.step()
            if self.status.completion_time is not None:
                return
            self.wait()
            for child in list(self.children.values()):
                if not child.is_finished:
                    self.end(child.name, ends)

    def order(self, verb: PlanVerb, token: str = "1") -> None:  # noqa: S107 - an annotation's value
        """Annotate the plan."""
        self.requests.append(PlanVerbRequest(verb=verb, token=token))

    def follow(self, name: str, **changes: Any) -> None:  # noqa: ANN401 - any field
        """Change what a Migration says."""
        self.children[name] = replace(self.children[name], **changes)

    def end(self, name: str, phase: Phase = Phase.SUCCEEDED, *, reason: str = "") -> None:
        """End a Migration; after success its server is elsewhere."""
        child = self.children[name]
        self.over_s[str(child.source_host)] = self.clock_s
        self.follow(name, phase=phase, reason=reason or str(phase), is_sent=True, completion_time=self.now)
        if phase is Phase.SUCCEEDED:
            self.servers = [
                replace(row, host=row.host and "cmp9", host_id=row.host_id and "9" * 56)
                if row.id == child.server_id
                else row
                for row in self.servers
            ]

    def delete_child(self, name: str) -> None:
        """Let somebody delete a Migration."""
        self.over_s[str(self.children.pop(name).source_host)] = self.clock_s

    def find(self, number: int) -> ChildView:
        """Return the newest Migration of a server."""
        return max((c for c in self.children.values() if c.server_id == server_id(number)), key=lambda c: c.index)

    def made(self, kind: type) -> list[Any]:
        """List what was done, of one kind."""
        return [effect for effect in self.done if isinstance(effect, kind)]

    def _read(self, wanted: ReadCloud) -> None:
        if wanted.cloud_hosts:
            self.cloud_hosts = tuple(
                HostRow(
                    name=name,
                    is_up=row.is_up is True,
                    is_enabled=row.is_enabled,
                    zone="az1",
                    aggregates=("rack1",) if name != "cmp9" else (),
                    free_memory_mib=65536,
                )
                for name, row in self.services.items()
            )
        if wanted.targets_after_s is not None:
            assert wanted.targets_after_s < self.clock_s + 0.01
            self.clock_s += 0.01
            self.target_sweep = self.look_at_servers()
            self.looks += 1
        for host, after_s in wanted.sweeps.items():
            assert after_s < self.clock_s + 0.01
            self.clock_s += 0.01
            self.sweeps[host] = self.sweep(host)
            self.history.setdefault(host, []).append(self.sweeps[host])

    def look_at_servers(self) -> TargetSweep:
        """Look at the servers that the plan names."""
        targets = self.plan.spec.targets
        ids = [one.id for one in targets.servers or ()]
        rows = tuple(row for row in self.servers if row.id in ids or row.project_id == targets.project_id)
        found = {row.id for row in rows}
        return TargetSweep(
            started_s=self.clock_s,
            time=self.now,
            project_id=targets.project_id or "",
            servers=rows if not self.problem else (),
            missing=tuple(id_ for id_ in ids if id_ not in found) if not self.problem else (),
            groups=tuple(group for group in self.groups if group.members & found),
            problem=self.problem,
        )

    def sweep(self, host: str) -> HostSweep:
        """Look at one host."""
        rows = tuple(row for row in self.servers if row.host == host)
        ids = {row.id for row in rows}
        return HostSweep(
            host=host,
            started_s=self.clock_s,
            time=self.now,
            services=(self.services[host],) if host in self.services else (),
            servers=rows if not self.problem else (),
            groups=tuple(group for group in self.groups if group.members & ids),
            moves=tuple(record for record in self.records if host in {record.source_host, record.destination_host}),
            problem=self.problem,
        )

    def _do(self, effect: CreateChild | DisableService | EnableService | OrderChild) -> None:
        self.done.append(effect)
        match effect:
            case CreateChild():
                self._create(effect)
            case DisableService():
                service = self.services[effect.host]
                if service.is_enabled and not self.is_deaf:
                    changed = replace(service, is_enabled=False, disabled_reason=effect.reason)
                    self.services[effect.host] = changed
            case EnableService():
                service = self.services[effect.host]
                is_ours = not service.is_enabled and service.disabled_reason.startswith(effect.marker)
                if is_ours and not self.is_deaf:
                    self.services[effect.host] = replace(service, is_enabled=True, disabled_reason="")
            case OrderChild():
                tokens = {**self.children[effect.name].tokens, effect.verb: effect.token}
                self.follow(effect.name, tokens=tokens)
                if effect.verb is Verb.RETRY:
                    self._try_again(effect.name)

    def _try_again(self, name: str) -> None:
        child = self.children[name]
        attempt = child.attempt + child.is_sent
        self.follow(name, phase=Phase.PENDING, completion_time=None, is_sent=False, attempt=attempt)

    def _create(self, effect: CreateChild) -> None:
        if effect.name in self.children:
            return
        ref, placement = effect.spec.server, effect.spec.placement
        assert ref is not None
        assert placement is not None
        row = next((row for row in self.servers if row.id == ref.id), None)
        self.children[effect.name] = ChildView(
            name=effect.name,
            server_id=ref.id or "",
            server_name=row.name if row else "",
            index=int(effect.labels["osmig.dev/index"]),
            type=MigrationType(effect.spec.type),
            source_host=effect.spec.source,
            destination_host=placement.destination_host,
            memory_mib=int(effect.labels.get("osmig.dev/memory-mib", 0)),
            start_time=self.now,
        )
