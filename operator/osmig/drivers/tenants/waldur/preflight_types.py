"""Whether mapped volume types are those of both sides, and what becomes of the limits that name some. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.drivers.tenants.waldur.preflight_messages import FAIL, PASS, SKIPPED, WARN, Verdict, suggest, suggest_rows
from osmig.net.cleaning import clean_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from osmig.api.names import CheckResult
    from osmig.drivers.tenants.views import ReplicaJob
    from osmig.drivers.tenants.waldur.preflight_facts import Facts, VolumeTypes
    from osmig.drivers.tenants.waldur.wire import NamedRow

_TYPES = "spec.tenant.mappings.volumeTypes"
_LIMIT_OF_TYPE = "gigabytes_"
_LIMIT_OF_ALL = "storage"
_UNFILTERED = "Waldur before 7.7.0 does not tell which volume types the destination offering has"


def check_types(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    """Find types of others, which Waldur refuses, and such that it does not know at all, which it answers with 500."""
    pairs = job.mappings.volume_types
    if not pairs:
        yield _TYPES, PASS, "no volume types are mapped"
        return
    sources = [(f"{_TYPES}[{index}].sourceType", canonical_id(one.source_type)) for index, one in enumerate(pairs)]
    destinations = [
        (f"{_TYPES}[{index}].destinationType", canonical_id(one.destination_type)) for index, one in enumerate(pairs)
    ]
    yield from _check_sources(sources, facts.types)
    yield from _check_destinations(destinations, facts.types)


def _check_sources(wanted: list[tuple[str, str]], types: VolumeTypes) -> Iterator[Verdict]:
    """Tell a type of others from one that no list shows, which Waldur takes if it is disabled."""
    if types.source is None:
        yield _TYPES, SKIPPED, "the service account sees no volume types of the source tenant"
        return
    others = _ids(types.everywhere) - _ids(types.source)
    lacking = [(path, uuid) for path, uuid in wanted if uuid not in _ids(types.source)]
    has = f"the source tenant has {suggest_rows(types.source)}"
    for path, uuid in lacking:
        if uuid in others:
            yield path, FAIL, f"it is no volume type of the source tenant; {has}"
        else:
            why = "no list shows it: Waldur takes a disabled type, and answers 500 to one that it does not know"
            yield path, WARN, f"{why}; {has}"
    if not lacking:
        yield _TYPES, PASS, "the source tenant has all types that are named"


def _check_destinations(wanted: list[tuple[str, str]], types: VolumeTypes) -> Iterator[Verdict]:
    """Find what no list shows, too: a volume type that is disabled there is none to move a limit to."""
    listed = types.everywhere if types.is_unfiltered else types.destination
    if listed is None:
        yield _TYPES, SKIPPED, "the service account sees no volume types of the destination offering"
        return
    where = "Waldur" if types.is_unfiltered else "the destination offering"
    lacking = [(path, uuid) for path, uuid in wanted if uuid not in _ids(listed)]
    for path, _ in lacking:
        yield path, FAIL, f"{where} has no such volume type; it has {suggest_rows(listed)}"
    if types.is_unfiltered:
        yield _TYPES, SKIPPED, _UNFILTERED
    elif not lacking:
        yield _TYPES, PASS, "the destination offering has all types that are named"


def check_limits(job: ReplicaJob, facts: Facts) -> Iterator[Verdict]:
    """Say what becomes of the limits of volume types; Waldur passes over those of zero."""
    limits = facts.source.limits if facts.source is not None else None
    if limits is None:
        yield _TYPES, SKIPPED, "the service account may not see the limits of the source"
        return
    named = sorted(
        name.removeprefix(_LIMIT_OF_TYPE) for name, limit in limits.items() if name.startswith(_LIMIT_OF_TYPE) and limit
    )
    if not named:
        yield _TYPES, PASS, "the source has no limits of volume types"
    elif not job.mappings.volume_types:
        message = f"the replica does not get the limits {_suggest(named)}; map all these types to keep them"
        yield _TYPES, WARN, message
    elif limits.get(_LIMIT_OF_ALL) is not None:
        both = f"the source has the limit {_LIMIT_OF_ALL} and also {_suggest(named)}"
        mend = f"map no volume type, and the replica gets {_LIMIT_OF_ALL} alone; or remove one kind of limit in Waldur"
        yield _TYPES, FAIL, f"{both}; Waldur refuses both together once a type is mapped: {mend}"
    else:
        yield from _check_kept(job, facts.types, named)


def _check_kept(job: ReplicaJob, types: VolumeTypes, named: list[str]) -> Iterator[Verdict]:
    """Look at each limit that keeps the source's name, because its type is not mapped while another is."""
    if types.source is None:
        yield _TYPES, SKIPPED, "the service account may not see which limits belong to the types that are mapped"
        return
    mapped = {canonical_id(pair.source_type) for pair in job.mappings.volume_types}
    moved = _names(row for row in types.source if row.uuid in mapped)
    # what is mapped and has no name in the list may be what any limit without a listed type belongs to
    has_nameless = len([row for row in types.source if row.uuid in mapped and row.name]) < len(mapped)
    own = _names(types.source) if has_nameless else frozenset(named)
    found: dict[CheckResult, list[str]] = {FAIL: [], WARN: [], SKIPPED: []}
    for name in named:
        if name not in moved:
            found[_judge_kept(name, types) if name in own else SKIPPED].append(name)
    words = {
        FAIL: "and the destination has no such volume type: map all types or none",
        WARN: "which the destination has, too",
        SKIPPED: "or no list shows to which type they belong; it is not told whether the destination has such types",
    }
    for result, names in found.items():
        if names:
            message = f"the limits {_suggest(names)} keep their names, as their types are not mapped, {words[result]}"
            yield _TYPES, result, message
    if not any(found.values()):
        yield _TYPES, PASS, "each limit of a volume type goes to the type that it is mapped to"


def _judge_kept(name: str, types: VolumeTypes) -> CheckResult:
    if types.destination is not None:
        return WARN if name in _names(types.destination) else FAIL
    if types.is_unfiltered and name not in _names(types.everywhere or ()):
        return FAIL
    return SKIPPED


def _ids(rows: Iterable[NamedRow] | None) -> frozenset[str]:
    return frozenset(row.uuid for row in rows or ())


def _names(rows: Iterable[NamedRow]) -> frozenset[str]:
    return frozenset(row.name for row in rows if row.name)


def _suggest(names: Collection[str]) -> str:
    return suggest(clean_text(f"{_LIMIT_OF_TYPE}{name}") for name in names)
