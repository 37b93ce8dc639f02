"""A cold Migration that is stepped through moments as the engine does it, calls and answers included."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from decided import decide
from domain_cold_samples import COLD, cold_record
from domain_samples import MARK, NOW, conditions_of, observe, reason_of, started, stored
from domain_world import World, decide_in
from osmig.api.names import Phase
from osmig.domain.calls import Answer
from osmig.domain.phases import FINISHED, may_follow
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import Explanation, PreStartState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from decided import Decided, Observed
    from osmig.api.migration import MigrationStatus
    from osmig.api.names import Verb
    from osmig.domain.errors import BackendError
    from osmig.domain.observation import Note, VerbRequest
    from osmig.drivers.servers.views import CallLookup, ServerView

Moment = tuple["ServerView", str, Phase, str]
"""The server, the record's word (empty: no record), and what we must make of it."""


@dataclass
class ColdPlay:
    """One cold Migration; each status is stored and read back between two steps.

    Attributes:
        calls: verbs sent so far.
    """

    status: MigrationStatus = field(default_factory=lambda: started(id=None, phase=Phase.STARTING))
    wanted: Mapping[str, Any] = field(default_factory=lambda: COLD)
    reason: str | None = None
    holder: str = "holder-a"
    clock_s: float = 0.0
    called_at_s: float | None = None
    waited: dict[str, float] = field(default_factory=dict)
    calls: list[Verb] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def observe(self, **facts: Any) -> Observed:  # noqa: ANN401 - fields of Observation
        """Look at what is stored now."""
        since_s = None if self.called_at_s is None else self.clock_s - self.called_at_s
        known = {"now": NOW + timedelta(seconds=self.clock_s), "holder": self.holder, "since_call_s": since_s}
        return observe(
            self.status, **{**known, "wanted": self.wanted, "wait_ages_s": self.waited, **self.facts, **facts}
        )

    def step(
        self,
        view: ServerView,
        word: str,
        *verb_requests: VerbRequest,
        error: BackendError | None = None,
        call_lookup: CallLookup | None = None,
    ) -> Decided:
        """Show one moment; what was waited for has been waited for by the next one."""
        for_now = verb_requests
        if for_now:
            self.write(decide(self.observe(verb_requests=for_now)))
        row = cold_record(word, updated=NOW) if word else None
        rows = (row,) if row is not None else ()
        why = Explanation(reason=self.reason, message="Why it failed." if self.reason else "")
        mark = PreStartState(server=view, baseline=MARK, active=row)
        world = World(server=view, records=rows, pre_start=mark, explanation=why, call_lookup=call_lookup)
        decision = decide_in(world, self.observe())
        self.write(decision)
        if isinstance(decision.call, VerbCall):
            assert self.status.pending_call is not None, "the intent is on record before the call"
            self.calls.append(decision.call.verb)
            self.called_at_s = self.clock_s
            self.write(decide(self.observe(answer=Answer(call=decision.call, error=error))))
        return decision

    def write(self, decision: Decided) -> None:
        """Store what was decided."""
        before, after = self.status.phase, decision.status.phase
        assert before == after or (after is not None and may_follow(before, after)), (before, after)
        self.waited = {decision.wait_key: 120.0} if decision.wait_key else {}
        self.notes.extend(decision.notes)
        self.status = stored(decision.status)

    def show(self, *moments: Moment) -> None:
        """Show moments and check what is made of each."""
        for view, word, phase, reason in moments:
            self.step(view, word)
            self.clock_s += 10.0
            assert (self.status.phase, reason_of(self.status)) == (phase, reason), (view.host, view.status, word)
            assert (conditions_of(self.status)["Finished"] == "True") == (phase in FINISHED)
            assert "Converging" not in conditions_of(self.status), "a cold move cannot be measured"
