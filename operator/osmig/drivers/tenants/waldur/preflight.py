"""Whether a replication would become what its mappings say: one verdict or more for each question, from facts. Pure.

Waldur takes much that is wrong, and does something else: what it would ignore or drop, or fail over, is found here.
What may not be looked at is ``Skipped``, as is what Waldur does not tell: a ``Pass`` that the order then belies would
be worse than none, and so would a ``Fail`` for what Waldur does rightly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.api.migration import PreflightCheck
from osmig.drivers.tenants.waldur.preflight_messages import FAIL, PASS, SKIPPED, WARN, Verdict, bound, suggest_rows
from osmig.drivers.tenants.waldur.preflight_networks import check_networks, check_routers, check_subnets
from osmig.drivers.tenants.waldur.preflight_types import check_limits, check_types
from osmig.drivers.tenants.waldur.probing import OLDEST, UNKNOWN_VERSION, is_numbered, is_too_old, shows_old_server
from osmig.net.cleaning import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.drivers.tenants.views import ReplicaJob
    from osmig.drivers.tenants.waldur.preflight_facts import Facts
    from osmig.drivers.tenants.waldur.wire import PlanRow, ResourceRow

_TENANT = "OpenStack.Tenant"
_SOURCE = "spec.tenant.sourceResource"
_OFFERING = "spec.tenant.destinationOffering"
_PLAN = "spec.tenant.destinationPlan"
_PROVIDER = "spec.providerRef"
_MISSING = "unknown or not visible to the service account"
_NEEDED = ".".join(map(str, OLDEST))


def check(job: ReplicaJob, facts: Facts) -> tuple[PreflightCheck, ...]:
    """Answer each question, in the order in which people would mend what is wrong."""
    answers: tuple[tuple[str, Iterator[Verdict]], ...] = (
        ("Version", _check_version(facts)),
        ("SourceResource", _check_source(facts)),
        ("DestinationOffering", _check_offering(facts)),
        ("DestinationPlan", _check_plan(job, facts)),
        ("Networks", check_networks(job, facts)),
        ("Subnets", check_subnets(job, facts)),
        ("Routers", check_routers(job)),
        ("VolumeTypes", check_types(job, facts)),
        ("Limits", check_limits(job, facts)),
        ("ExistingRuns", _check_runs(job, facts)),
    )
    return tuple(
        PreflightCheck(check=name, path=path, result=result, message=message)
        for name, verdicts in answers
        for path, result, message in bound(verdicts)
    )


def _check_version(facts: Facts) -> Iterator[Verdict]:
    if is_too_old(facts.version):
        yield _PROVIDER, FAIL, f"Waldur is {facts.version}; {_NEEDED} or newer is needed"
    elif is_numbered(facts.version):
        yield _PROVIDER, PASS, f"Waldur is {facts.version}, which is new enough"
    elif shows_old_server(facts.runs):
        message = f"Waldur lists replications without the replica's state, as versions before {_NEEDED} do"
        yield _PROVIDER, FAIL, f"{message}; {_NEEDED} or newer is needed"
    elif facts.version == UNKNOWN_VERSION:
        message = "Waldur does not tell this account its version, as most do only to staff and support"
        yield _PROVIDER, SKIPPED, f"{message}; {_NEEDED} or newer is needed"
    else:
        message = f"Waldur is {clean_text(facts.version)}, which is no number to compare"
        yield _PROVIDER, SKIPPED, f"{message}; {_NEEDED} or newer is needed"


def _check_source(facts: Facts) -> Iterator[Verdict]:
    source = facts.source
    if source is None:
        yield _SOURCE, FAIL if facts.is_source_missing else SKIPPED, _MISSING
        return
    kind = source.resource_type or source.offering_type
    state = clean_text(source.state or "unknown")
    if kind and kind != _TENANT:
        yield _SOURCE, FAIL, f"it is of type {clean_text(kind)}; only {_TENANT} can be replicated"
    elif source.is_scope_gone:
        yield _SOURCE, FAIL, f"its tenant is gone from Waldur; the resource, in state {state}, is all that is left"
    elif source.limits is not None and not source.limits:
        yield _SOURCE, FAIL, "the source has no limits in Waldur: set them first"
    elif (untold := _find_untold(source)) is not None:
        yield _SOURCE, SKIPPED, untold
    elif state.lower() != "ok":
        yield _SOURCE, WARN, f"the source is in state {state}"
    else:
        yield _SOURCE, PASS, f"the source is the tenant {clean_text(source.name or '')}"


def _find_untold(source: ResourceRow) -> str | None:
    if source.limits is None:
        return "the service account may not see whether the source has limits"
    if source.resource_type is None and source.tenant_id is None:
        return "the service account may not see whether there is a tenant behind the source"
    return None


def _check_offering(facts: Facts) -> Iterator[Verdict]:
    offering = facts.offering
    if offering is None:
        yield _OFFERING, FAIL if facts.is_offering_missing else SKIPPED, _MISSING
    elif not offering.type:
        yield _OFFERING, SKIPPED, "the service account may not see what the offering offers"
    elif offering.type != _TENANT:
        yield _OFFERING, FAIL, f"it offers {clean_text(offering.type)}; only {_TENANT} can take a replica"
    elif offering.state not in {None, "", "Active"}:
        yield _OFFERING, WARN, f"the offering is in state {clean_text(offering.state or '')}; it may take no orders"
    else:
        yield _OFFERING, PASS, f"the offering is {clean_text(offering.name or '')}"


def _check_plan(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    if facts.plans is None:
        yield _PLAN, SKIPPED, "the service account may not see the plans of the offering"
        return
    wanted = canonical_id(job.destination_plan)
    found = next((plan for plan in facts.plans if plan.uuid == wanted), None)
    if found is None:
        yield _PLAN, FAIL, f"the offering has no such plan; it has {_suggest_plans(facts.plans)}"
        return
    name = clean_text(found.name or "")
    if found.is_active is False:
        yield _PLAN, FAIL, f"{name} is full: its limit of resources is reached; there is {_suggest_plans(facts.plans)}"
    elif found.archived:
        yield _PLAN, WARN, f"{name} is archived, and Waldur takes it still; there is {_suggest_plans(facts.plans)}"
    elif found.is_active is None:
        yield _PLAN, SKIPPED, f"{name} is a plan of the offering; Waldur does not tell whether it is full"
    else:
        yield _PLAN, PASS, f"{name} is a plan of the offering"


def _suggest_plans(plans: tuple[PlanRow, ...]) -> str:
    """List the plans that an order may name; what is not told speaks against none."""
    return suggest_rows(plan for plan in plans if plan.is_active is not False and not plan.archived)


def _check_runs(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    offering_id = canonical_id(job.destination_offering)
    theirs = [run for run in facts.runs if run.offering_id in {"", offering_id}]
    if theirs:
        newest = theirs[-1]
        count = f"replications of the source to this offering that there are: {len(theirs)}"
        name, status = clean_text(newest.replica_name or ""), clean_text(newest.status)
        yield _SOURCE, WARN, f"{count}; the newest is {name}, in state {status}"
    else:
        yield _SOURCE, PASS, "the service account sees no other replication of the source to this offering"
