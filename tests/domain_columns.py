"""The columns of the table "What happens when" (docs/reference/api.md): one moment of a move for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from decided import decide
from domain_cold_samples import COLD, awaiting, cold_record, resizing, survey_gate, verify
from domain_samples import (
    NOW,
    call_lookup,
    observe,
    pre_start,
    reason_of,
    record,
    result_of,
    sent,
    server,
    started,
    status_in,
)
from domain_world import World, decide_in
from osmig.api.names import Phase, Verb
from osmig.domain.phases import FINISHED
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.views import CallLookupKind, ProgressView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from decided import Decided
    from osmig.api.migration import MigrationStatus
    from osmig.api.names import ControlResult
    from osmig.domain.observation import VerbRequest

BUSY = server(busy=True)
EARLIER = NOW - timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is on record, and what reading upstream would bring."""

    status: MigrationStatus
    world: World
    wanted: Mapping[str, Any] = field(default_factory=dict)

    def settle(self) -> Moment:
        """Return the same moment after one more step: the status says what upstream says."""
        return replace(self, status=decide_in(self.world, observe(self.status, wanted=self.wanted)).status)


def _live(word: str, phase: Phase = Phase.RUNNING) -> Moment:
    world = World(server=BUSY, records=(record(word),), progress=ProgressView(percent=1))
    return Moment(status=started(phase=phase, start_time=EARLIER), world=world).settle()


def _cold(word: str, status: MigrationStatus, **facts: Any) -> Moment:  # noqa: ANN401 - fields of World
    world = World(**{"server": resizing(), "records": (cold_record(word),), **facts})
    return Moment(status=status, world=world, wanted=COLD).settle()


def _over(phase: Phase) -> Moment:
    return Moment(status=status_in(phase, phase.value, start_time=EARLIER, attempt=1), world=World())


MOMENTS: Mapping[str, Moment] = {
    "before the intent": Moment(status=status_in(Phase.QUEUED), world=World(pre_start=pre_start())),
    "starting, unknown": Moment(
        status=sent(start_time=EARLIER),
        world=World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start()),
    ),
    "starting, no record": Moment(
        status=started(id=None, phase=Phase.STARTING, start_time=EARLIER), world=World(server=BUSY)
    ).settle(),
    "accepted": _live("accepted", Phase.STARTING),
    "queued": _live("queued", Phase.STARTING),
    "preparing": _live("preparing", Phase.STARTING),
    "running": _live("running"),
    "cold running": _cold("migrating", started(start_time=EARLIER)),
    "post-copy": _live("running (post-copy)"),
    "switching over": _live("post-migrating"),
    "cold switching over": _cold("post-migrating", started(start_time=EARLIER)),
    "awaiting": _cold("finished", awaiting(start_time=EARLIER), server=verify(), pre_start=survey_gate()),
    "confirming": _cold("confirming", started(start_time=EARLIER, phase=Phase.CONFIRMING), server=verify()),
    "reverting": _cold("reverting", started(start_time=EARLIER, phase=Phase.REVERTING)),
    **{f"terminal {phase}": _over(phase) for phase in sorted(FINISHED)},
}

TERMINAL = tuple(name for name in MOMENTS if name.startswith("terminal"))
UNDER_WAY = tuple(name for name in MOMENTS if name not in {*TERMINAL, "before the intent"})


@dataclass(frozen=True, slots=True)
class Seen:
    """The whole outcome of an event, as the table tells it."""

    phase: Phase | None
    reason: str
    result: ControlResult | None = None
    call: Verb | str | None = None


def name_call(decision: Decided) -> Verb | str | None:
    """Name the call of a decision in one word."""
    if decision.call is None:
        return None
    if isinstance(decision.call, StartCall):
        return "start"
    assert isinstance(decision.call, VerbCall)
    return decision.call.verb


def give(moment: Moment, *verb_requests: VerbRequest, wanted: Mapping[str, Any] | None = None, **facts: Any) -> Decided:  # noqa: ANN401
    """Let an event meet a moment: orders are latched first, as the engine does, then the step goes on."""
    wanted = {**moment.wanted, **(wanted or {})}
    status = moment.status
    if verb_requests:
        latched = decide(observe(status, wanted=wanted, verb_requests=verb_requests))
        assert latched.goes_on
        status = latched.status
    return decide_in(moment.world, observe(status, wanted=wanted, **facts))


def see(decision: Decided, verb: Verb | None = None) -> Seen:
    """Sum a decision up."""
    result = result_of(decision.status, verb) if verb is not None else None
    return Seen(decision.status.phase, reason_of(decision.status), result, name_call(decision))


def same(name: str, result: ControlResult | None = None, call: Verb | None = None) -> Seen:
    """Expect that phase and reason stay as they are."""
    status = MOMENTS[name].status
    return Seen(status.phase, reason_of(status), result, call)
