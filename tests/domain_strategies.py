"""Anything that could be on record and anything that upstream could show, for property tests of the domain."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from domain_cold_samples import awaiting, policy_order
from domain_samples import (
    HOLDER,
    LOST,
    NOVA_STAGES,
    NOW,
    READY,
    ask,
    call_lookup,
    control,
    intent,
    observe,
    pre_start,
    record,
    sent,
    server,
    started,
    status_in,
    stored,
)
from osmig.api.migration import Failure, PreflightCheck, Progress
from osmig.api.names import FINALIZER, CheckResult, ControlResult, Phase, Policy, Reason, Verb
from osmig.domain import errors
from osmig.domain.calls import Answer, Receipt
from osmig.domain.capabilities import Capability
from osmig.domain.intents import MAX_SENDS, wait_key_of
from osmig.domain.observation import LimitHit, ProviderView
from osmig.domain.operations import MoveKind
from osmig.domain.phases import FINISHED
from osmig.drivers.servers.calls import StartCall, VerbCall
from osmig.drivers.servers.reading import READERS
from osmig.drivers.servers.views import BytesView, CallLookupKind, Explanation, HostView, ProgressView, ServerView

if TYPE_CHECKING:
    from decided import Observed
    from osmig.api.migration import MigrationStatus

RARELY = st.sampled_from([False] * 9 + [True])
WORDS = st.text(max_size=70)
TOKENS = st.one_of(st.sampled_from(["true", "1", "2/x", "", "x" * 64, "1732190000"]), WORDS)
LONG_AGO = NOW - timedelta(days=3)

specs = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("LiveMigration")},
        optional={
            "live": st.fixed_dictionaries(
                {
                    "convergence": st.fixed_dictionaries(
                        {"onStall": st.sampled_from(["Alert", "ForceComplete", "Abort"])}
                    )
                }
            )
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("ColdMigration")},
        optional={
            "cold": st.fixed_dictionaries(
                {
                    "confirm": st.sampled_from(["Manual", "Automatic"]),
                    "onConfirmDeadline": st.sampled_from(["Alert", "Confirm", "Revert"]),
                }
            )
        },
    ),
)
POLICIES: dict[str, st.SearchStrategy[object]] = {
    "onDeadline": st.sampled_from(["Alert", "Abort"]),
    "retry": st.just({"limit": 2}),
    "deletionPolicy": st.just("Abort"),
    "ttlSecondsAfterFinished": st.sampled_from([0, 600]),
}
policies = st.fixed_dictionaries({}, optional=POLICIES)
modes: st.SearchStrategy[dict[str, object]] = st.sampled_from(
    [{}, {}, {}, {"suspend": True}, {"mode": "Validate"}, {"adopt": {"id": "7"}}]
)

controls = st.lists(
    st.builds(
        control,
        st.sampled_from(list(Verb)),
        st.sampled_from([ControlResult.ACCEPTED, *ControlResult]),
        token=st.sampled_from(["true", "1"]),
        sent=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda order: order.verb,
).map(tuple)
policy_orders = st.lists(
    st.builds(
        policy_order,
        st.sampled_from(list(Policy)),
        st.sampled_from([None, Verb.ABORT, Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT]),
        sent=st.booleans(),
    ),
    max_size=2,
    unique_by=lambda order: order.policy,
).map(tuple)
intents = st.builds(
    lambda call, waited: call.model_copy(update={"waited_seconds": waited}),
    st.builds(
        intent,
        st.sampled_from(["live-migrate", "cold-migrate", "confirm", "revert"]),
        holder=st.sampled_from([HOLDER, "dead"]),
        sends=st.integers(1, MAX_SENDS),
        request_id=st.sampled_from([None, "req-x"]),
        answer=st.sampled_from([None, "Conflict", "ServerError", "NoAnswer"]),
    ),
    st.sampled_from([None, None, 40, 100]),
)
starts = intents.filter(lambda call: "migrate" in call.operation)
decisions = intents.filter(lambda call: "migrate" not in call.operation)
failures_on_record = st.sampled_from(
    [
        None,
        Failure(reason=Reason.NO_VALID_HOST, retryable=True),
        Failure(reason=Reason.NO_VALID_HOST, retryable=True, next_retry_time=NOW + timedelta(seconds=30)),
        Failure(reason=Reason.HOST_UNCHANGED, retryable=False),
    ]
)
stalled = Progress(percent=5, lowest_remaining_bytes=9, last_progress_time=LONG_AGO, sample_time=LONG_AGO)
extras = st.fixed_dictionaries(
    {"policy_orders": policy_orders},
    optional={"progress": st.just(stalled), "attempt": st.sampled_from([1, 2, 3]), "start_time": st.just(LONG_AGO)},
)

before_start = st.builds(
    lambda phase, orders, start_time, failure: status_in(
        phase, controls=orders, start_time=start_time, failure=failure, attempt=1 if start_time else None
    ),
    st.sampled_from([None, Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED]),
    controls,
    st.sampled_from([None, NOW]),
    failures_on_record,
)
unanswered = st.builds(lambda orders, call, more: sent(*orders, call=call, **more), controls, starts, extras)
under_way = st.builds(
    lambda orders, id_, phase, more: started(*orders, id=id_, phase=phase, **more),
    controls,
    st.sampled_from([None, "7"]),
    st.sampled_from([Phase.STARTING, Phase.RUNNING, Phase.ABORTING]),
    extras,
)
at_gate = st.builds(
    lambda orders, phase, call, more: awaiting(*orders, pending_call=call, **more).model_copy(update={"phase": phase}),
    controls,
    st.sampled_from([Phase.AWAITING_CONFIRMATION, Phase.CONFIRMING, Phase.REVERTING, Phase.ABORTING]),
    st.one_of(st.none(), decisions),
    extras,
)
finished = st.builds(
    lambda phase, orders, start_time, failure: status_in(
        phase, controls=orders, start_time=start_time, completion_time=NOW, failure=failure
    ),
    st.sampled_from(sorted(FINISHED)),
    controls,
    st.sampled_from([None, NOW]),
    failures_on_record,
)
statuses = st.one_of(before_start, unanswered, under_way, at_gate, finished)

servers = st.one_of(
    st.builds(server, st.sampled_from(["cmp1", "cmp2", "cmp3", None]), busy=st.booleans(), error=RARELY),
    st.builds(
        lambda host: ServerView(
            id="s", name="n", status="VERIFY_RESIZE", host=host, host_id="h", is_busy=True, awaits_confirmation=True
        ),
        st.sampled_from(["cmp2", None]),
    ),
)
records = st.builds(
    record,
    st.sampled_from(list(NOVA_STAGES)),
    number=st.one_of(st.just(7), st.integers(5, 9)),
    kind=st.sampled_from(MoveKind),
    updated=st.sampled_from([None, NOW]),
    is_synthetic=st.booleans(),
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
    st.sampled_from(["NoValidHost", "Unauthorized", "Conflict", "NotInThisState", "ServerError"]),
)
calls = st.builds(
    VerbCall,
    verb=st.sampled_from([Verb.ABORT, Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT]),
    record_id=st.just("7"),
)
answers = st.one_of(
    st.builds(Answer, call=st.just(StartCall()), error=failures),
    st.builds(
        Answer, call=st.just(StartCall()), receipt=st.builds(Receipt, request_id=st.sampled_from([None, "req-ours"]))
    ),
    st.builds(Answer, call=calls, error=st.one_of(st.none(), failures)),
)
some = st.frozensets(st.sampled_from(Capability))
providers = st.one_of(
    st.just(READY),
    st.just(READY),
    st.just(LOST),
    st.builds(
        ProviderView,
        is_ready=st.just(value=True),
        capabilities=some,
        possible=some,
        auto_confirm_s=st.sampled_from([None, 0.0, 90_000.0]),
    ),
)
findings = st.builds(
    call_lookup,
    st.sampled_from(CallLookupKind),
    servers,
    request_id=st.just("req-x"),
    record=st.one_of(st.none(), records),
    detail=WORDS,
)
checks = st.lists(
    st.builds(PreflightCheck, check=st.just("Server"), result=st.sampled_from(CheckResult), message=WORDS), max_size=2
).map(tuple)


@st.composite
def observations(draw: st.DrawFn) -> Observed:
    """Anything that the engine could possibly show."""
    status: MigrationStatus = stored(draw(statuses))
    return observe(
        status,
        source=draw(st.sampled_from([None, "cmp1"])),
        destination=draw(st.sampled_from([None, "cmp2"])),
        wanted={**draw(specs), **draw(policies), **draw(modes)},
        generation=draw(st.sampled_from([1, 1, 2])),
        deleting=draw(RARELY),
        finalizers=draw(st.sampled_from([(), (FINALIZER,)])),
        readable=not draw(RARELY),
        provider=draw(providers),
        verb_requests=tuple(draw(st.lists(st.builds(ask, st.sampled_from(Verb), TOKENS), max_size=2))),
        conflicting=draw(st.sampled_from(["", "", "team-a/other"])),
        owner=draw(st.sampled_from(["", "", "team-a/other"])),
        limit_hit=draw(st.sampled_from([LimitHit(), LimitHit(limit_of="moves", used=1, limit=1)])),
        wait_ages_s={draw(st.sampled_from(_label(status))): draw(st.sampled_from([0.0, 60.0, 500.0]))},
        since_call_s=draw(st.sampled_from([None, 0.0, 9.0])),
        **draw(_facts()),
    )


def _label(status: MigrationStatus) -> list[str]:
    labels = ["error:7", "settle:7", "no-record:idle:req-ours", "no-record:busy:req-ours", "not-awaiting:7"]
    labels += ["quiet:7:running:None", "pause:1:77.0:then"]
    return labels + ([wait_key_of(status.pending_call)] * 5 if status.pending_call else [])


def _facts() -> st.SearchStrategy[dict[str, Any]]:
    maybe = st.none()
    return st.fixed_dictionaries(
        {
            "read_error": st.one_of(maybe, maybe, maybe, failures),
            "failed_fact": st.sampled_from(sorted(READERS)),
            "pre_start": st.one_of(maybe, st.builds(pre_start, servers, st.one_of(maybe, records))),
            "call_lookup": st.one_of(maybe, findings),
            "server": st.one_of(maybe, servers),
            "records": st.one_of(maybe, st.lists(records, max_size=3).map(tuple)),
            "swept": st.one_of(maybe, records),
            "progress": st.one_of(maybe, st.builds(ProgressView, memory=transfers, disk=transfers)),
            "explanation": st.one_of(
                maybe, st.builds(Explanation, reason=st.sampled_from([None, "NoValidHost"]), message=WORDS)
            ),
            "preflight": st.one_of(maybe, checks),
            "source_host": st.one_of(maybe, st.builds(HostView, name=st.just("cmp1"), is_up=st.booleans())),
            "answer": st.one_of(maybe, maybe, answers),
        }
    )
