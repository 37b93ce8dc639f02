"""Whether a replication would become what its mappings say: one verdict or more for each question, from facts. Pure.

Waldur takes much that is wrong, and does something else: what it would ignore or drop, or fail over, is found here.
What may not be looked at is ``Skipped``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.api.migration import PreflightCheck
from osmig.backends.cleaning import clean_text
from osmig.backends.waldur.preflight_networks import check_networks, check_subnets
from osmig.backends.waldur.preflight_words import FAIL, PASS, SKIPPED, WARN, Verdict, bound, suggest, suggest_rows
from osmig.backends.waldur.probing import OLDEST, UNTOLD, is_too_old

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.backends.waldur.preflight_facts import Facts
    from osmig.backends.waldur.wire import NamedRow
    from osmig.domain.replicas import ReplicaJob

_TENANT = "OpenStack.Tenant"
_SOURCE = "spec.tenant.sourceResource"
_OFFERING = "spec.tenant.destinationOffering"
_PLAN = "spec.tenant.destinationPlan"
_TYPES = "spec.tenant.mappings.volumeTypes"
_MISSING = "unknown or not visible to the service account"
_LIMIT_OF_TYPE = "gigabytes_"


def check(job: ReplicaJob, facts: Facts) -> tuple[PreflightCheck, ...]:
    """Answer each question, in the order in which people would mend what is wrong."""
    answers: tuple[tuple[str, Iterator[Verdict]], ...] = (
        ("Version", _check_version(facts)),
        ("SourceResource", _check_source(facts)),
        ("DestinationOffering", _check_offering(facts)),
        ("DestinationPlan", _check_plan(job, facts)),
        ("Networks", check_networks(job, facts)),
        ("Subnets", check_subnets(job, facts)),
        ("VolumeTypes", _check_types(job, facts)),
        ("Limits", _check_limits(job, facts)),
        ("ExistingRuns", _check_runs(job, facts)),
    )
    return tuple(
        PreflightCheck(check=name, path=path, result=result, message=message)
        for name, verdicts in answers
        for path, result, message in bound(verdicts)
    )


def _check_version(facts: Facts) -> Iterator[Verdict]:
    oldest = ".".join(map(str, OLDEST))
    if facts.version == UNTOLD:
        yield "spec.providerRef", SKIPPED, f"Waldur does not tell its version; {oldest} or newer is needed"
    elif is_too_old(facts.version):
        yield "spec.providerRef", FAIL, f"Waldur is {facts.version}; {oldest} or newer is needed"
    else:
        yield "spec.providerRef", PASS, f"Waldur is {facts.version}, which is new enough"


def _check_source(facts: Facts) -> Iterator[Verdict]:
    source = facts.source
    if source is None:
        yield _SOURCE, FAIL if facts.is_source_missing else SKIPPED, _MISSING
        return
    kinds = {source.resource_type, source.offering_type} - {None, ""}
    if kinds and _TENANT not in kinds:
        kind = clean_text(min(kind or "" for kind in kinds))
        yield _SOURCE, FAIL, f"it is of type {kind}; only {_TENANT} can be replicated"
    elif source.limits is None:
        yield _SOURCE, SKIPPED, "the service account may not see whether the source has limits"
    elif not source.limits:
        yield _SOURCE, FAIL, "the source has no limits in Waldur: set them first"
    elif (source.state or "").lower() != "ok":
        yield _SOURCE, WARN, f"the source is in state {clean_text(source.state or 'unknown')}"
    else:
        yield _SOURCE, PASS, f"the source is the tenant {clean_text(source.name or '')}"


def _check_offering(facts: Facts) -> Iterator[Verdict]:
    offering = facts.offering
    if offering is None:
        yield _OFFERING, FAIL if facts.is_offering_missing else SKIPPED, _MISSING
    elif offering.type not in {None, "", _TENANT}:
        yield _OFFERING, FAIL, f"it offers {clean_text(offering.type or '')}; only {_TENANT} can take a replica"
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
        yield _PLAN, FAIL, f"the offering has no such plan; it has {suggest_rows(facts.plans)}"
    else:
        yield _PLAN, PASS, f"{clean_text(found.name or '')} is a plan of the offering"


def _check_types(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    pairs = job.mappings.volume_types
    if not pairs:
        yield _TYPES, PASS, "no volume types are mapped"
        return
    sources = tuple((f"{_TYPES}[{index}].sourceType", pair.source_type) for index, pair in enumerate(pairs))
    destinations = tuple(
        (f"{_TYPES}[{index}].destinationType", pair.destination_type) for index, pair in enumerate(pairs)
    )
    yield from _check_listed(sources, facts.source_types, "the source tenant")
    yield from _check_listed(destinations, facts.destination_types, "the destination offering")


def _check_listed(
    wanted: tuple[tuple[str, str], ...], types: tuple[NamedRow, ...] | None, where: str
) -> Iterator[Verdict]:
    """Waldur answers 500 to a type that it does not know at all."""
    if types is None:
        yield _TYPES, SKIPPED, f"the service account sees no volume types of {where}"
        return
    listed = {row.uuid for row in types}
    lacking = [(path, uuid) for path, uuid in wanted if canonical_id(uuid) not in listed]
    for path, _ in lacking:
        yield path, FAIL, f"{where} has no such volume type; it has {suggest_rows(types)}"
    if not lacking:
        yield _TYPES, PASS, f"{where} has all types that are named"


def _check_limits(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    limits = facts.source.limits if facts.source is not None else None
    if limits is None:
        yield _TYPES, SKIPPED, "the service account may not see the limits of the source"
        return
    kept = {canonical_id(pair.source_type) for pair in job.mappings.volume_types}
    if kept and facts.source_types is None:
        yield _TYPES, SKIPPED, "the service account may not see which limits belong to the types that are mapped"
        return
    names = {f"{_LIMIT_OF_TYPE}{row.name}" for row in facts.source_types or () if row.uuid in kept}
    dropped = sorted(name for name, limit in limits.items() if name.startswith(_LIMIT_OF_TYPE) and limit)
    dropped = [name for name in dropped if name not in names]
    if dropped:
        yield (
            _TYPES,
            WARN,
            f"the replica does not get the limits {suggest(map(clean_text, dropped))}; map these types to keep them",
        )
    else:
        yield _TYPES, PASS, "no limit of a volume type is dropped"


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
