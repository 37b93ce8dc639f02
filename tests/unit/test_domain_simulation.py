"""A little Nova, lost answers, late requests and a process that dies anywhere: at most one start has an effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain_samples import NOW, SERVER_ID, ask, observe, record, server, stored
from domain_world import World, decide_in
from osmig.api.migration import Baseline, MigrationStatus
from osmig.api.names import Phase, Verb
from osmig.domain.calls import Answer, Receipt
from osmig.domain.errors import OutcomeUnknown, Refused, Transient
from osmig.domain.phases import FINISHED, may_follow
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookup, CallLookupKind, PreStartState, ServerView

if TYPE_CHECKING:
    from decided import Decided
    from osmig.domain.operations import RecordView

ADOPT_AFTER_S = 70.0
FATES = ["accepted", "answer lost", "delivered late", "never delivered", "refused", "busy elsewhere", "permit expired"]


@dataclass
class LittleNova:
    """One server and everybody's moves of it; a move is refused while another one runs."""

    host: str = "cmp1"
    actions: list[str] = field(default_factory=list)
    row: RecordView | None = None
    ours: int = 0
    late: list[float] = field(default_factory=list)

    @property
    def server(self) -> ServerView:
        """Show the server."""
        return server(self.host, busy=self.row is not None)

    def receive(self, *, user: str) -> str | None:
        """Take a start; return its request id, ``None`` for 409."""
        if self.row is not None:
            return None
        request = f"req-{user}-{len(self.actions)}"
        self.actions.append(request)
        self.row = record("running", number=len(self.actions))
        self.ours += user == "us"
        return request

    def finish(self, word: str) -> None:
        """End the move that runs."""
        if self.row is not None:
            self.host = "cmp2" if word == "completed" else self.host
            self.row = None

    def pre_start_state(self) -> PreStartState:
        """Show everything before a start."""
        mark = Baseline(request_ids=tuple(self.actions[-20:]), previous_id=str(len(self.actions)), host=self.host)
        return PreStartState(server=self.server, baseline=mark, active=self.row)

    def find(self, mark: Baseline) -> CallLookup:
        """Look for a start after a mark."""
        fresh = [request for request in self.actions if request not in mark.request_ids]
        ours = [request for request in fresh if request.startswith("req-us")]
        if ours:
            return CallLookup(kind=CallLookupKind.OURS, server=self.server, request_id=ours[0])
        kind = CallLookupKind.CONFLICT if fresh or self.row is not None else CallLookupKind.NOTHING
        return CallLookup(kind=kind, server=self.server)


class ExactlyOnce(RuleBasedStateMachine):
    """Steps as the engine makes them; every rule may kill the process at a point of the protocol."""

    def __init__(self) -> None:
        """Begin with a new Migration on an idle server."""
        super().__init__()
        self.nova = LittleNova()
        self.status = MigrationStatus()
        self.clock = 0.0
        self.generation = 0
        self.waits: dict[str, float] = {}
        self.words: dict[str, str] = {}
        self.verb_requests: tuple[object, ...] = ()

    @rule(seconds=st.sampled_from([1.0, 30.0, 60.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass, and late requests arrive."""
        self.clock += seconds
        for due in [due for due in self.nova.late if due <= self.clock]:
            self.nova.late.remove(due)
            self.nova.receive(user="us")

    @rule(word=st.sampled_from(["completed", "cancelled", "failed"]))
    def the_move_ends(self, word: str) -> None:
        """Let the running move end."""
        if self.nova.row is not None:
            self.words[str(self.nova.row.number)] = word
            self.nova.finish(word)

    @rule()
    def somebody_else_moves_the_server(self) -> None:
        """Let a rival start."""
        self.nova.receive(user="rival")

    @rule()
    def the_user_aborts(self) -> None:
        """Annotate."""
        self.verb_requests = (ask(Verb.ABORT),)

    @rule()
    def the_process_dies(self) -> None:
        """Begin anew with another holder and no memory."""
        self.generation += 1
        self.waits = {}

    @rule(fate=st.sampled_from(FATES), dies=st.sampled_from(["", "", "", "after the intent", "after the call"]))
    def step(self, fate: str, dies: str) -> None:
        """Make one step as the engine does."""
        for _ in range(10):
            decision = self.decide()
            self.write(decision)
            if isinstance(decision.call, StartCall):
                self.call(fate, dies)
                return
            if not decision.goes_on:
                return
            self.verb_requests = ()

    def decide(self, answer: Answer | None = None) -> Decided:
        """Decide on what is stored, reading what is wanted."""
        status = self.status
        observation = observe(
            status,
            now=NOW + timedelta(seconds=self.clock),
            holder=f"holder-{self.generation}",
            verb_requests=self.verb_requests,
            wait_ages_s={label: self.clock - since for label, since in self.waits.items()},
            answer=answer,
        )
        decision = decide_in(self.world(status), observation)
        self.waits = {label: self.waits.get(label, self.clock) for label in [decision.wait_key] if label}
        return decision

    def world(self, status: MigrationStatus) -> World:
        """Show upstream as it is now."""
        over = tuple(record(word, number=int(number)) for number, word in self.words.items())
        return World(
            pre_start=self.nova.pre_start_state(),
            call_lookup=self.nova.find(status.pending_call.baseline or Baseline()) if status.pending_call else None,
            server=self.nova.server,
            records=over + ((self.nova.row,) if self.nova.row is not None else ()),
        )

    def write(self, decision: Decided) -> None:
        """Store what was decided."""
        before, after = self.status.phase, decision.status.phase
        assert before == after or (after is not None and may_follow(before, after))
        self.status = stored(decision.status)

    def call(self, fate: str, dies: str) -> None:
        """Send the start; the request may get lost, come late, or lose its answer."""
        if dies == "after the intent":
            self.the_process_dies()
            return
        answer = self.send(fate)
        if dies == "after the call":
            self.the_process_dies()
            return
        self.write(self.decide(answer))

    def send(self, fate: str) -> Answer:
        """Let a request meet its fate."""
        call, operation = StartCall(), "live-migrate"
        if fate == "refused":
            return Answer(call=call, error=Refused("NoValidHost", "no", operation=operation))
        if fate == "permit expired":
            return Answer(call=call, error=Transient("PermitExpired", "late", operation=operation))
        if fate == "never delivered":
            return Answer(call=call, error=OutcomeUnknown("NoAnswer", "?", operation=operation))
        if fate == "delivered late":
            self.nova.late.append(self.clock + ADOPT_AFTER_S - 5.0)
            return Answer(call=call, error=OutcomeUnknown("NoAnswer", "?", operation=operation))
        if fate == "busy elsewhere":
            self.nova.receive(user="rival")
        request = self.nova.receive(user="us")
        if request is None:
            error = OutcomeUnknown("Conflict", "busy", operation=operation, request_id="req-refused")
            return Answer(call=call, error=error)
        if fate == "answer lost":
            return Answer(call=call, error=OutcomeUnknown("NoAnswer", "?", operation=operation))
        return Answer(call=call, receipt=Receipt(request_id=request))

    @invariant()
    def at_most_one_start_of_ours_ever_had_an_effect(self) -> None:
        """The promise."""
        assert self.nova.ours <= 1

    @invariant()
    def what_ended_without_success_is_not_moving_by_us(self) -> None:
        """An end is an end upstream too."""
        if self.status.phase in {Phase.ABORTED, Phase.SUCCEEDED} and self.nova.row is not None:
            assert not self.nova.actions[-1].startswith("req-us")

    @invariant()
    def an_end_leaves_no_intent(self) -> None:
        """Nothing stays pending."""
        assert self.status.phase not in FINISHED or self.status.pending_call is None
        assert self.status.server is None or self.status.server.id == SERVER_ID


ExactlyOnce.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestExactlyOnce = ExactlyOnce.TestCase


def test_a_request_that_comes_as_late_as_it_can_finds_its_migration_still_waiting() -> None:
    """The start is delivered 65 s after its answer was lost; only then may anything be sent again."""
    play = ExactlyOnce()
    for fate, seconds in (("delivered late", 1.0), ("accepted", 30.0), ("accepted", 30.0), ("accepted", 30.0)):
        play.step(fate=fate, dies="")
        play.the_move_ends("completed")
        play.time_passes(seconds)
        play.at_most_one_start_of_ours_ever_had_an_effect()
    play.step(fate="accepted", dies="")
    assert play.nova.ours == 1
    assert play.status.upstream is not None
    assert play.status.upstream.request_id == "req-us-0"
