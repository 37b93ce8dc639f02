"""What reading upstream would bring, for tests that decide as the engine does: read what is wanted, decide again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from decided import Decided, Observed, decide
from osmig.drivers.servers.views import (
    CallLookup,
    Explanation,
    HostView,
    NamedHost,
    PreStartState,
    ProgressView,
    ServerView,
    StartTrace,
)

if TYPE_CHECKING:
    from osmig.api.migration import PreflightCheck
    from osmig.domain.operations import RecordView


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What reading upstream would bring now."""

    pre_start: PreStartState | None = None
    named_hosts: tuple[NamedHost, ...] = (NamedHost(name="cmp1", exists=True), NamedHost(name="cmp2", exists=True))
    call_lookup: CallLookup | None = None
    server: ServerView | None = None
    records: tuple[RecordView, ...] = ()
    start_trace: StartTrace = field(default_factory=StartTrace)
    progress: ProgressView | None = None
    explanation: Explanation = field(default_factory=lambda: Explanation(reason=None, message=""))
    preflight: tuple[PreflightCheck, ...] | None = None
    source_host: HostView = field(default_factory=lambda: HostView(name="cmp1"))


def has(observation: Observed, read: str) -> bool:
    """Whether a fact is there."""
    return getattr(observation.facts, read) is not None


def read(observation: Observed, wants: frozenset[str], world: World) -> Observed:
    """Read what is wanted, as the engine does: no sample of progress means that the records are read."""
    missing = {name for name in wants if not has(observation, name)}
    assert missing, f"asks again for what is there: {wants}"
    for name in missing:
        fact = getattr(world, name)
        if name == "progress" and fact is None:
            observation = with_facts(observation, progress=ProgressView(), records=world.records)
        else:
            assert fact is not None, f"this test did not expect {name} to be read"
            observation = with_facts(observation, **{name: fact})
    assert all(has(observation, name) for name in wants), f"cannot be read: {wants}"
    return observation


def with_facts(observation: Observed, **facts: Any) -> Observed:  # noqa: ANN401 - fields of the facts
    """Return the observation with other facts."""
    return replace(observation, facts=replace(observation.facts, **facts))


def decide_in(world: World, observation: Observed) -> Decided:
    """Decide, reading what is wanted, until nothing is."""
    for _ in range(6):
        decision = decide(observation)
        if not decision.wants:
            return decision
        observation = read(observation, decision.wants, world)
    message = "wants more and more"
    raise AssertionError(message)
