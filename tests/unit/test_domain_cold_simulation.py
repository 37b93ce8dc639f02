"""A little Nova with a gate, lost answers and processes that die or overlap: never two confirms or reverts at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain_cold_samples import COLD, awaiting, cold_record, verify
from domain_samples import NOW, ask, observe, server, stored
from domain_world import World, decide_in
from osmig.api.migration import Baseline, MigrationStatus
from osmig.api.names import Phase, Verb
from osmig.domain.calls import Answer
from osmig.domain.errors import NotInThisState, OutcomeUnknown, Transient
from osmig.domain.phases import FINISHED, may_follow
from osmig.drivers.servers.calls import VerbCall
from osmig.drivers.servers.views import CallLookup, CallLookupKind, PreStartState, ServerView

if TYPE_CHECKING:
    from decided import Decided
    from osmig.domain.operations import RecordView

CALL_BEFORE_S = 65.0
"""A request that was sent under an intent reaches the cloud within this time, or never (architecture.md)."""

FATES = ["accepted", "answer lost", "delivered late", "never delivered", "permit expired"]
SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"confirm": "Automatic"},
    {"onConfirmDeadline": "Revert", "confirmDeadlineSeconds": 60},
    {"onConfirmDeadline": "Confirm", "confirmDeadlineSeconds": 60},
)
ENDS = {"confirming": "confirmed", "reverting": "reverted"}


@dataclass
class LittleGate:
    """One server whose cold move has arrived; a confirm is not guarded, so two at once are counted."""

    word: str = "finished"
    actions: list[str] = field(default_factory=list)
    running: int = 0
    most: int = 0
    late: list[tuple[float, Verb]] = field(default_factory=list)

    @property
    def row(self) -> RecordView:
        """Show the record."""
        return cold_record(self.word)

    @property
    def server(self) -> ServerView:
        """Show the server; while confirming it looks as if it still waited (docs/openstack.md)."""
        if self.word in {"finished", "confirming"}:
            return verify()
        if self.word == "reverting":
            return replace(verify("cmp1"), awaits_confirmation=False)
        return server("cmp2" if self.word == "confirmed" else "cmp1")

    def receive(self, verb: Verb) -> bool:
        """Take a confirm or revert; say whether it was accepted. Unguarded: a confirm while confirming runs beside."""
        if self.word != "finished":
            self.most = max(self.most, self.running + (self.word in ENDS))
            return False
        self.actions.append(f"req-{len(self.actions)}")
        self.running += 1
        self.most = max(self.most, self.running)
        self.word = "confirming" if verb is Verb.CONFIRM else "reverting"
        return True

    def finish(self) -> None:
        """End what runs."""
        if self.word in ENDS:
            self.word, self.running = ENDS[self.word], 0

    def pre_start_state(self) -> PreStartState:
        """Show everything before a call."""
        mark = Baseline(request_ids=tuple(self.actions), previous_id="7", host="cmp2")
        active = self.row if self.word not in ENDS.values() else None
        return PreStartState(server=self.server, baseline=mark, active=active)

    def find(self, mark: Baseline) -> CallLookup:
        """Look for a call after a mark: anybody's counts."""
        fresh = [request for request in self.actions if request not in mark.request_ids]
        kind = CallLookupKind.OURS if fresh else CallLookupKind.NOTHING
        return CallLookup(kind=kind, server=self.server, request_id=fresh[0] if fresh else None)


class OneAtATime(RuleBasedStateMachine):
    """Steps as the engine makes them, by processes that die and take over from one another."""

    def __init__(self) -> None:
        """Begin with a move that has arrived."""
        super().__init__()
        self.nova = LittleGate()
        self.status: MigrationStatus = awaiting(start_time=NOW)
        self.cold: dict[str, Any] = {}
        self.clock = 0.0
        self.generation = 0
        self.called_at: float | None = None
        self.waits: dict[str, float] = {}
        self.verb_requests: tuple[object, ...] = ()
        self.sent = 0

    @rule(cold=st.sampled_from(SPECS))
    def the_spec_changes(self, cold: dict[str, Any]) -> None:
        """Change the policies of the gate."""
        self.cold = cold

    @rule(seconds=st.sampled_from([1.0, 10.0, 60.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass, and late requests arrive."""
        self.clock += seconds
        for due, verb in [late for late in self.nova.late if late[0] <= self.clock]:
            self.nova.late.remove((due, verb))
            self.nova.receive(verb)

    @rule()
    def the_cloud_gets_on(self) -> None:
        """Let the confirm or revert that runs end."""
        self.nova.finish()

    @rule(verb=st.sampled_from([Verb.CONFIRM, Verb.REVERT]))
    def somebody_else_decides(self, verb: Verb) -> None:
        """Let another user of the cloud confirm or revert, while nothing runs and nothing of ours is on its way."""
        if self.nova.word == "finished" and not self.nova.late:
            self.nova.receive(verb)

    @rule(verb=st.sampled_from([Verb.CONFIRM, Verb.REVERT, Verb.ABORT]), token=st.sampled_from(["a", "b"]))
    def the_user_annotates(self, verb: Verb, token: str) -> None:
        """Give an order."""
        self.verb_requests = (*self.verb_requests, ask(verb, token))

    @rule()
    def the_process_dies(self) -> None:
        """Begin anew with another holder and no memory."""
        self.generation += 1
        self.waits, self.called_at = {}, None

    @rule(fate=st.sampled_from(FATES), dies=st.sampled_from(["", "", "", "after the intent", "after the call"]))
    def step(self, fate: str, dies: str) -> None:
        """Make one step as the engine does."""
        for _ in range(10):
            decision = self.decide()
            self.write(decision)
            if isinstance(decision.call, VerbCall):
                self.call(decision.call, fate, dies)
                return
            if not decision.goes_on:
                return
            self.verb_requests = ()

    def decide(self, answer: Answer | None = None) -> Decided:
        """Decide on what is stored, reading what is wanted."""
        observation = observe(
            self.status,
            now=NOW + timedelta(seconds=self.clock),
            holder=f"holder-{self.generation}",
            wanted={**COLD, "cold": self.cold},
            verb_requests=self.verb_requests,
            since_call_s=None if self.called_at is None else self.clock - self.called_at,
            wait_ages_s={label: self.clock - since for label, since in self.waits.items()},
            answer=answer,
        )
        pending = self.status.pending_call
        world = World(
            pre_start=self.nova.pre_start_state(),
            server=self.nova.server,
            records=(self.nova.row,),
            call_lookup=self.nova.find(pending.baseline or Baseline()) if pending else None,
        )
        decision = decide_in(world, observation)
        self.waits = {label: self.waits.get(label, self.clock) for label in [decision.wait_key] if label}
        return decision

    def write(self, decision: Decided) -> None:
        """Store what was decided."""
        before, after = self.status.phase, decision.status.phase
        assert before == after or (after is not None and may_follow(before, after))
        self.status = stored(decision.status)

    def call(self, call: VerbCall, fate: str, dies: str) -> None:
        """Send what was decided; the request may get lost, come late, or lose its answer."""
        assert self.status.pending_call is not None
        assert not self.nova.late, "a call of ours may still be on its way"
        self.sent += 1
        if dies == "after the intent":
            self.the_process_dies()
            return
        self.called_at = self.clock
        answer = self.send(call, fate)
        if dies == "after the call":
            self.the_process_dies()
            return
        self.write(self.decide(answer))

    def send(self, call: VerbCall, fate: str) -> Answer:
        """Let a request meet its fate."""
        operation = str(call.verb)
        if fate == "permit expired":
            return Answer(call=call, error=Transient("PermitExpired", "late", operation=operation))
        if fate == "delivered late":
            self.nova.late.append((self.clock + CALL_BEFORE_S, call.verb))
        if fate in {"never delivered", "delivered late"}:
            return Answer(call=call, error=OutcomeUnknown("NoAnswer", "?", operation=operation))
        is_taken = self.nova.receive(call.verb)
        if fate == "answer lost":
            return Answer(call=call, error=OutcomeUnknown("NoAnswer", "?", operation=operation))
        return Answer(
            call=call, error=None if is_taken else NotInThisState("NotInThisState", "no", operation=operation)
        )

    @invariant()
    def never_two_at_once(self) -> None:
        """The promise: two confirms at once break the server."""
        assert self.nova.most <= 1
        assert len(self.nova.actions) <= 1

    @invariant()
    def an_end_is_an_end_upstream(self) -> None:
        """Nothing stays pending, and success means confirmed."""
        if self.status.phase in FINISHED:
            assert self.status.pending_call is None
            assert self.nova.word in ENDS.values()
        if self.status.phase is Phase.SUCCEEDED:
            assert self.nova.word == "confirmed"
        if self.status.phase in {Phase.REVERTED, Phase.ABORTED}:
            assert self.nova.word == "reverted"


OneAtATime.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestOneAtATime = OneAtATime.TestCase


def test_a_confirm_that_comes_as_late_as_it_can_finds_no_second_one_beside_it() -> None:
    play = OneAtATime()
    play.the_user_annotates(Verb.CONFIRM, "a")
    play.step(fate="delivered late", dies="after the call")
    for seconds in (1.0, 10.0, 60.0, 130.0):
        play.time_passes(seconds)
        play.step(fate="accepted", dies="")
        play.never_two_at_once()
    play.the_cloud_gets_on()
    play.step(fate="accepted", dies="")
    assert (play.status.phase, play.sent) == (Phase.SUCCEEDED, 1)


def test_a_confirm_that_never_arrived_is_sent_once_more_when_that_is_certain() -> None:
    play = OneAtATime()
    play.the_user_annotates(Verb.CONFIRM, "a")
    play.step(fate="never delivered", dies="")
    for _ in range(4):
        play.time_passes(60.0)
        play.step(fate="accepted", dies="")
    play.step(fate="accepted", dies="")
    assert (play.nova.word, play.sent) == ("confirming", 2)
