"""Whatever was recorded and whatever upstream says: decide() decides, and never breaks a promise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from domain_samples import (
    HOLDER,
    LOST,
    NOVA_STAGES,
    NOW,
    ORDERS,
    READY,
    ask,
    control,
    finding,
    has,
    intent,
    observe,
    record,
    sent,
    server,
    started,
    status_in,
    stored,
    survey,
)
from osmig.api.names import ControlResult, Phase, Verb
from osmig.domain import errors
from osmig.domain.machine import decide
from osmig.domain.observation import Answer, Decision, Observation, ProviderView, StartCall, VerbCall
from osmig.domain.orders import find_control
from osmig.domain.phases import FINISHED, may_follow
from osmig.domain.starting import MAX_SENDS, label_of
from osmig.domain.upstream import BytesView, Capability, Explanation, FindingKind, ProgressView, Receipt

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus

RARELY = st.sampled_from([False] * 9 + [True])
WORDS = st.text(max_size=70)
TOKENS = st.one_of(st.sampled_from(["true", "1", "2/x", "", "x" * 64, "1732190000"]), WORDS)

controls = st.lists(
    st.builds(
        control,
        st.sampled_from(list(Verb)),
        st.sampled_from(list(ControlResult)),
        token=st.sampled_from(["true", "1"]),
        sent=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda order: order.verb,
).map(tuple)
intents = st.builds(
    intent,
    holder=st.sampled_from([HOLDER, "dead"]),
    sends=st.integers(1, MAX_SENDS),
    request_id=st.sampled_from([None, "req-x"]),
    answer=st.sampled_from([None, "Conflict", "ServerError", "NoAnswer"]),
)
before_start = st.builds(
    lambda phase, orders, start_time: status_in(phase, controls=orders, start_time=start_time),
    st.sampled_from([None, Phase.PENDING, Phase.QUEUED]),
    controls,
    st.sampled_from([None, NOW]),
)
unanswered = st.builds(lambda orders, call: sent(*orders, call=call), controls, intents)
under_way = st.builds(
    lambda orders, id_, phase: started(*orders, id=id_, phase=phase),
    controls,
    st.sampled_from([None, "7"]),
    st.sampled_from([Phase.STARTING, Phase.RUNNING, Phase.ABORTING]),
)
finished = st.builds(
    lambda phase, orders, start_time: status_in(phase, controls=orders, start_time=start_time),
    st.sampled_from(sorted(FINISHED)),
    controls,
    st.sampled_from([None, NOW]),
)
statuses = st.one_of(before_start, unanswered, under_way, finished)

servers = st.builds(server, st.sampled_from(["cmp1", "cmp2", "cmp3", None]), busy=st.booleans(), error=RARELY)
records = st.builds(
    record,
    st.sampled_from(list(NOVA_STAGES)),
    number=st.integers(5, 9),
    is_live=st.sampled_from([True, True, False]),
)
sizes = st.one_of(st.none(), st.integers(0, 2**53))
transfers = st.builds(BytesView, total=sizes, processed=sizes, remaining=sizes)
failures = st.builds(
    lambda kind, reason: kind(reason, "why", operation="o"),
    st.sampled_from(
        [
            errors.Transient,
            errors.OutcomeUnknown,
            errors.Refused,
            errors.Unsupported,
            errors.Absent,
            errors.NotPermitted,
        ]
    ),
    st.sampled_from(["NoValidHost", "Unauthorized", "Conflict", "NotInThisState"]),
)
answers = st.one_of(
    st.builds(Answer, call=st.just(StartCall()), error=failures),
    st.builds(
        Answer, call=st.just(StartCall()), receipt=st.builds(Receipt, request_id=st.sampled_from([None, "req-ours"]))
    ),
    st.builds(
        Answer,
        call=st.builds(VerbCall, verb=st.sampled_from(ORDERS), record_id=st.just("7")),
        error=st.one_of(st.none(), failures),
    ),
)
providers = st.one_of(
    st.just(READY),
    st.just(LOST),
    st.builds(ProviderView, is_ready=st.sampled_from([True]), capabilities=st.frozensets(st.sampled_from(Capability))),
)
findings = st.builds(
    finding,
    st.sampled_from(FindingKind),
    servers,
    request_id=st.just("req-x"),
    record=st.one_of(st.none(), records),
    detail=WORDS,
)
maybe = st.none()


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """Anything that the engine could possibly show."""
    status: MigrationStatus = stored(draw(statuses))
    labels = ["error:7", "no-record:req-ours"] + ([label_of(status.pending_call)] if status.pending_call else [])
    return observe(
        status,
        source=draw(st.sampled_from([None, "cmp1"])),
        destination=draw(st.sampled_from([None, "cmp2"])),
        generation=draw(st.sampled_from([1, 1, 2])),
        deleting=draw(RARELY),
        readable=not draw(RARELY),
        provider=draw(providers),
        asks=tuple(draw(st.lists(st.builds(ask, st.sampled_from(Verb), TOKENS), max_size=2))),
        rival=draw(st.sampled_from(["", "team-a/other"])),
        waited_s={draw(st.sampled_from(labels)): draw(st.sampled_from([0.0, 60.0, 500.0]))},
        since_call_s=draw(st.sampled_from([None, 0.0, 9.0])),
        trouble=draw(st.one_of(maybe, maybe, maybe, failures)),
        survey=draw(st.one_of(maybe, st.builds(survey, servers, st.one_of(maybe, records)))),
        finding=draw(st.one_of(maybe, findings)),
        server=draw(st.one_of(maybe, servers)),
        records=draw(st.one_of(maybe, st.lists(records, max_size=3).map(tuple))),
        swept=draw(st.one_of(maybe, records)),
        progress=draw(st.one_of(maybe, st.builds(ProgressView, memory=transfers, disk=transfers))),
        explanation=draw(
            st.one_of(maybe, st.builds(Explanation, reason=st.sampled_from([None, "NoValidHost"]), message=WORDS))
        ),
        answer=draw(st.one_of(maybe, maybe, answers)),
    )


def check_call(observation: Observation, decision: Decision) -> None:
    """A start goes with a fresh intent of our own in the same write, an order with its accepted entry."""
    before, after = observation.status, decision.status
    if isinstance(decision.call, StartCall):
        assert after.pending_call is not None
        assert after.pending_call.holder == observation.holder
        assert after.pending_call != before.pending_call
        assert after.pending_call.sends <= MAX_SENDS
        assert after.start_time is not None
        assert before.upstream is None
        assert after.upstream is None
        assert not observation.migration.metadata.deletion_timestamp
        assert observation.migration.status_readable
        assert observation.provider.is_ready
    if isinstance(decision.call, VerbCall):
        order = find_control(before.controls, decision.call.verb)
        assert order is not None
        assert order.result is ControlResult.ACCEPTED
        assert before.upstream is not None


def check_phase(observation: Observation, after: MigrationStatus) -> None:
    """An end is an end, but for what never started anything and has a new spec; all else follows the table."""
    before = observation.status
    if before.phase in FINISHED and after.phase != before.phase:
        assert before.start_time is None
        assert observation.migration.metadata.generation != before.observed_generation
        assert after.phase is None
    elif after.phase != before.phase:
        assert after.phase is not None
        assert may_follow(before.phase, after.phase)


@given(observations())
@settings(max_examples=200, deadline=None)
def test_every_observation_is_decided_and_no_promise_is_broken(observation: Observation) -> None:
    before = observation.status
    decision = decide(observation)
    after = decision.status

    assert decide(observation) == decision, "the same observation decides the same"
    assert stored(after) == stored(stored(after)), "what is decided can be written and read back"
    if decision.wants:
        assert any(not has(observation, read) for read in decision.wants), "asks only for what is missing"
        assert (after, decision.call) == (before, None)
    if decision.is_latch:
        assert after == before.model_copy(update={"controls": after.controls})

    check_phase(observation, after)
    assert before.start_time in {None, after.start_time}, "startTime is never changed or removed"

    if decision.call is not None:
        check_call(observation, decision)
    if before.upstream is not None and after.upstream is not None:
        assert after.upstream.request_id == before.upstream.request_id
    if not observation.migration.status_readable:
        assert (after, decision.call, decision.wants) == (before, None, frozenset())


@given(observations())
@settings(max_examples=100, deadline=None)
def test_an_intent_is_dropped_only_for_a_known_answer_a_certain_look_or_a_server_that_is_gone(
    observation: Observation,
) -> None:
    before = observation.status.pending_call
    after = decide(observation).status.pending_call
    if before is None or after == before:
        return
    waited = observation.has_waited(label_of(before), observation.timings.resend_after_s)
    is_answered = before.request_id is not None and before.answer in {"Conflict", "ServerError"}
    is_found = observation.finding is not None and observation.finding.kind in {
        FindingKind.OURS,
        FindingKind.AMBIGUOUS,
    }
    is_gone = isinstance(observation.trouble, errors.Absent)
    assert observation.answer is not None or is_found or waited or is_answered or is_gone


@given(observations())
@settings(max_examples=50, deadline=None)
def test_a_step_comes_to_an_end_when_every_wanted_fact_is_read(observation: Observation) -> None:
    world = replace(
        observation,
        survey=survey(),
        finding=finding(FindingKind.NOTHING),
        server=server(),
        records=(),
        progress=ProgressView(percent=1),
        explanation=Explanation(reason=None, message=""),
    )
    assert not decide(world).wants
