"""Anything that could be on record of a replication and anything that Waldur could show, for property tests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from domain_samples import HOLDER, NOW, ask, status_in, stored
from domain_strategies import (
    LONG_AGO,
    POLICIES,
    RARELY,
    TOKENS,
    WORDS,
    controls,
    failures,
    failures_on_record,
    policy_orders,
)
from osmig.api.mappings import Mappings, canonical_id
from osmig.api.migration import Baseline, Items, PreflightCheck, UpstreamFacts
from osmig.api.names import FINALIZER, CheckResult, Phase, Verb
from osmig.domain.calls import Answer, Receipt
from osmig.domain.intents import MAX_SENDS, wait_key_of
from osmig.domain.observation import LimitHit
from osmig.domain.phases import FINISHED
from osmig.drivers.tenants.calls import ReplicateCall, TerminateCall
from osmig.drivers.tenants.policy import replica_name
from osmig.drivers.tenants.reading import READERS
from osmig.drivers.tenants.views import OrderStage, ReplicaJob, ReplicaStage, ReplicaView, RunStage
from replication_samples import (
    BASE,
    LOST,
    MAPPED,
    NAME,
    OFFERING,
    ORDER,
    OTHER_USER,
    PLAN,
    RENAMED,
    REPLICA_ID,
    RUN_ID,
    SOURCE,
    STRANGER,
    USER,
    WALDUR,
    followed,
    intent,
    known_tenant,
    observe,
    ordered,
    run,
)

if TYPE_CHECKING:
    from decided import Observed
    from osmig.api.migration import MigrationStatus

RESOURCES = st.sampled_from([REPLICA_ID, REPLICA_ID, canonical_id(SOURCE), SOURCE])
hashes = st.sampled_from([None, *map(replica_name.digest, (Mappings(), MAPPED, RENAMED))])
tenants = st.one_of(
    st.none(),
    st.builds(
        known_tenant,
        mapping_hash=hashes,
        destination_resource=st.one_of(st.none(), RESOURCES),
        cleanup_order=st.sampled_from([None, None, ORDER, "unnamed"]),
    ),
)
intents = st.builds(
    intent,
    st.sampled_from(["replicate", "replicate", "terminate", "confirm"]),
    holder=st.sampled_from([HOLDER, "dead"]),
    sends=st.integers(1, MAX_SENDS),
    answer=st.sampled_from([None, "NoAnswer", "ServerError"]),
    baseline=st.one_of(
        st.none(),
        st.builds(
            Baseline, name=st.sampled_from([None, NAME, REPLICA_ID]), user_id=st.sampled_from([None, USER, OTHER_USER])
        ),
    ),
)
extras = st.fixed_dictionaries(
    {"policy_orders": policy_orders, "tenant": tenants},
    optional={
        "attempt": st.sampled_from([1, 2]),
        "start_time": st.just(LONG_AGO),
        "attempt_start_time": st.sampled_from([None, LONG_AGO]),
    },
)
before_order = st.builds(
    lambda phase, orders, start_time, failure, tenant: status_in(
        phase,
        controls=orders,
        start_time=start_time,
        failure=failure,
        attempt=1 if start_time else None,
        tenant=tenant,
    ),
    st.sampled_from([None, Phase.PENDING, Phase.QUEUED, Phase.SUSPENDED]),
    controls,
    st.sampled_from([None, NOW]),
    failures_on_record,
    tenants,
)
unanswered = st.builds(lambda orders, call, more: ordered(*orders, call=call, **more), controls, intents, extras)
under_way = st.builds(
    lambda orders, phase, upstream, call, more: followed(
        *orders, phase=phase, upstream=upstream, pending_call=call, **more
    ),
    controls,
    st.sampled_from([Phase.STARTING, Phase.RUNNING, Phase.ABORTING]),
    st.builds(UpstreamFacts, id=st.sampled_from([RUN_ID] * 5 + [None]), user_id=st.sampled_from([None, USER])),
    st.one_of(st.none(), st.none(), intents),
    extras,
)
finished = st.builds(
    lambda phase, orders, start_time: status_in(phase, controls=orders, start_time=start_time, completion_time=NOW),
    st.sampled_from(sorted(FINISHED)),
    controls,
    st.sampled_from([None, NOW]),
)
statuses = st.one_of(before_order, unanswered, under_way, finished)

runs = st.builds(
    run,
    st.sampled_from(RunStage),
    st.sampled_from(ReplicaStage),
    id=st.sampled_from([RUN_ID, "other"]),
    replica_id=st.one_of(st.none(), RESOURCES),
    replica_name=st.sampled_from([NAME, f"{NAME}_xyz", f"{BASE}-2", "other-1", None]),
    replica_status=st.one_of(st.none(), WORDS),
    status=WORDS,
    user_id=st.sampled_from([USER, None]),
    error=WORDS,
)
items = st.builds(Items, of=st.just("networks"), total=st.integers(0, 9), done=st.integers(0, 9))
replicas = st.builds(
    ReplicaView,
    id=RESOURCES,
    stage=st.sampled_from(ReplicaStage),
    status=WORDS,
    error=WORDS,
    items=st.one_of(st.none(), items),
    order_stage=st.sampled_from(OrderStage),
    order_error=WORDS,
)
JOB = ReplicaJob(source_resource=SOURCE, destination_offering=OFFERING, destination_plan=PLAN, name=NAME)
calls = st.sampled_from([ReplicateCall(job=JOB), TerminateCall(replica_id=REPLICA_ID)])
answers = st.one_of(
    st.builds(Answer, call=calls, error=failures),
    st.builds(
        Answer,
        call=calls,
        receipt=st.one_of(
            st.none(), st.builds(Receipt, request_id=st.sampled_from([None, ORDER]), made=st.one_of(st.none(), runs))
        ),
    ),
)
checks = st.lists(
    st.builds(PreflightCheck, check=st.just("Plan"), result=st.sampled_from(CheckResult), message=WORDS), max_size=2
).map(tuple)
wanted_tenants = st.fixed_dictionaries(
    {},
    optional={
        "cleanup": st.just("DestinationOnAbort"),
        "mappingRef": st.just({"name": "dc1"}),
    },
)
wanted = st.fixed_dictionaries(
    {},
    optional={
        **POLICIES,
        "suspend": st.booleans(),
        "mode": st.sampled_from(["Execute", "Execute", "Validate"]),
    },
)


@st.composite
def observations(draw: st.DrawFn) -> Observed:
    """Anything that the engine could possibly show of a replication."""
    status: MigrationStatus = stored(draw(statuses))
    return observe(
        status,
        tenant=draw(wanted_tenants),
        wanted=draw(wanted),
        generation=draw(st.sampled_from([1, 1, 2])),
        deleting=draw(RARELY),
        finalizers=draw(st.sampled_from([(), (FINALIZER,)])),
        readable=not draw(RARELY),
        now=draw(st.sampled_from([NOW, NOW + timedelta(days=1)])),
        provider=draw(st.sampled_from([WALDUR, WALDUR, WALDUR, LOST, STRANGER])),
        verb_requests=tuple(draw(st.lists(st.builds(ask, st.sampled_from(Verb), TOKENS), max_size=1)))
        if draw(RARELY)
        else (),
        limit_hit=draw(st.sampled_from([LimitHit(), LimitHit(), LimitHit(limit_of="migrations", used=1, limit=1)])),
        wait_ages_s={draw(_labels(status)): draw(st.sampled_from([0.0, 5.0, 500.0]))},
        **draw(_facts()),
    )


@st.composite
def ready_to_order(draw: st.DrawFn) -> Observed:
    """Everything was read and most of it is in favour: one thing at a time stands against an order."""
    status: MigrationStatus = stored(draw(st.one_of(before_order, unanswered, under_way)))
    label = wait_key_of(status.pending_call) if status.pending_call else "run"
    return observe(
        status.model_copy(update={"controls": draw(st.one_of(st.just(()), controls))}),
        tenant=draw(wanted_tenants),
        wanted=draw(st.one_of(st.just({}), wanted)),
        deleting=draw(RARELY),
        provider=draw(st.sampled_from([WALDUR, WALDUR, WALDUR, STRANGER])),
        wait_ages_s={label: draw(st.sampled_from([0.0, 500.0, 500.0]))},
        referenced=MAPPED,
        runs=draw(st.one_of(st.just(()), st.just(()), st.lists(runs, max_size=2).map(tuple))),
        run=draw(runs),
        replica=draw(replicas),
        preflight=draw(st.one_of(st.just(()), checks)),
    )


def _labels(status: MigrationStatus) -> st.SearchStrategy[str]:
    labels = [f"gone:{RUN_ID}", f"terminate:{REPLICA_ID}:OK", f"terminate:{REPLICA_ID}:Erred", "pause:1:77.0:then"]
    return st.sampled_from(labels + ([wait_key_of(status.pending_call)] * 5 if status.pending_call else []))


def _facts() -> st.SearchStrategy[dict[str, Any]]:
    maybe = st.none()
    return st.fixed_dictionaries(
        {
            "read_error": st.one_of(maybe, maybe, maybe, failures),
            "failed_fact": st.sampled_from(sorted(READERS)),
            "referenced": st.sampled_from([None, MAPPED, RENAMED]),
            "runs": st.one_of(maybe, st.just(()), st.lists(runs, max_size=3).map(tuple)),
            "run": st.one_of(maybe, runs),
            "replica": st.one_of(maybe, replicas),
            "preflight": st.one_of(maybe, checks),
            "answer": st.one_of(maybe, maybe, maybe, answers),
        }
    )
