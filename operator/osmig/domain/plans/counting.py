"""What a plan tells of its servers: the preview with its hash, counts, progress, failures, and when it may end."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from osmig.api.meta import MAX_INT
from osmig.api.names import Phase, Reason
from osmig.api.plan_names import Judgement, PlanReason
from osmig.api.plan_preview import MAX_NOT_PLAIN, Preview, PreviewCounts, PreviewServer
from osmig.api.plan_status import MAX_FAILURES, PlanBytes, PlanCounts, PlanFailure
from osmig.domain.plans.circumstances import find_usable
from osmig.domain.plans.scenes import OPEN, Place

if TYPE_CHECKING:
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.children import ChildView
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.scenes import PlannedServer, Scene

_HASH = 16
_MIB = 1024 * 1024
_MIB_PER_GIB = 1024
_NOVA_S_PER_GIB = 800
"""The default of Nova's ``live_migration_completion_timeout``; a copied disk counts as memory does."""
_NOVA_LEAST_MIB = 2048
"""The memory that Nova counts at least, in nova/virt/libvirt/driver.py, ``_live_migration_data_gb``."""
FEWEST_MOVES = 3
"""How many moves must have ended before they say how long others take."""

_LONGEST_S = 10 * 366 * 24 * 3600.0
"""Beyond which no forecast says anything."""

_DONE = (Place.SUCCEEDED, Place.SKIPPED)
_VERDICTS = tuple(reversed(Judgement))


def write_preview(scene: Scene, observation: PlanObservation) -> Preview:
    """Write what would be done with every server that is there, or should be, and a hash that somebody may approve."""
    there = [planned for planned in scene.planned_servers if planned.verdict is not None]
    hash_ = _hash(there)
    known = observation.status.preview
    special = sorted((planned for planned in there if not _is_plain(planned)), key=_sort_key)
    usable = find_usable(observation)
    free = [host.free_memory_mib for host in usable or () if host.free_memory_mib is not None]
    return Preview(
        hash=hash_,
        sample_time=known.sample_time if known is not None and known.hash == hash_ else observation.now,
        counts=_count_verdicts(there),
        free_memory_mib=sum(free) if free else None,
        live_timeout_seconds=_measure_timeout_s(there),
        not_plain=tuple(_write_server(planned) for planned in special[:MAX_NOT_PLAIN]),
        truncated_count=max(0, len(special) - MAX_NOT_PLAIN),
    )


def _hash(there: list[PlannedServer]) -> str:
    lines = [
        f"{one.server_id} {one.row.place if one.row else ''} {one.verdict.judgement if one.verdict else ''}"
        for one in there
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:_HASH]


def _is_plain(planned: PlannedServer) -> bool:
    return planned.verdict is not None and planned.verdict.is_plain


def _sort_key(planned: PlannedServer) -> tuple[int, str, str, str]:
    assert planned.verdict is not None  # noqa: S101 - only servers with one are listed
    judgement, reason = planned.verdict.judgement, planned.verdict.reason
    return _VERDICTS.index(judgement), reason, planned.row.name if planned.row else "", planned.server_id


def _count_verdicts(there: list[PlannedServer]) -> PreviewCounts:
    counts = dict.fromkeys((judgement.lower() for judgement in Judgement), 0)
    memory_mib = 0
    for planned in there:
        assert planned.verdict is not None  # noqa: S101 - only servers with one are counted
        counts[planned.verdict.judgement.lower()] += 1
        memory_mib += planned.memory_mib if planned.verdict.is_ordered else 0
    return PreviewCounts(**counts, memory_mib=memory_mib)


def _measure_timeout_s(there: list[PlannedServer]) -> int | None:
    """Return after how many seconds Nova's defaults end the longest live move; ``None`` where none is to be made."""
    sizes = [
        planned.memory_mib
        for planned in there
        if planned.verdict is not None and planned.verdict.judgement is Judgement.MOVE
    ]
    return _NOVA_S_PER_GIB * max(_NOVA_LEAST_MIB, *sizes) // _MIB_PER_GIB if sizes else None


def _write_server(planned: PlannedServer) -> PreviewServer:
    row, verdict = planned.row, planned.verdict
    assert verdict is not None  # noqa: S101 - only servers with one are listed
    return PreviewServer(
        server_id=planned.server_id,
        name=row.name if row else None,
        project_id=row.project_id if row else None,
        host=row.host if row else None,
        status=row.status if row else None,
        verdict=verdict.judgement,
        reason=verdict.reason,
        message=verdict.message or None,
    )


def count_places(scene: Scene, status: PlanStatus) -> PlanCounts:
    """Count servers by where they stand."""
    count = scene.count()
    total = len(scene.planned_servers) - count[Place.GONE]
    at_start = status.found_at_start if status.found_at_start is not None else total
    return PlanCounts(
        total=total,
        pending=count[Place.PENDING] + count[Place.WAITING],
        queued=count[Place.QUEUED],
        running=count[Place.RUNNING],
        queued_upstream=sum(_is_held_upstream(planned) for planned in scene.at(Place.RUNNING)),
        awaiting_confirmation=count[Place.AWAITING],
        succeeded=count[Place.SUCCEEDED],
        failed=count[Place.FAILED],
        aborted=count[Place.ABORTED],
        skipped=count[Place.SKIPPED],
        blocked=count[Place.BLOCKED],
        joined=max(0, total - at_start),
    )


def _is_held_upstream(planned: PlannedServer) -> bool:
    """Whether the cloud has the move in a queue of its own."""
    return planned.child is not None and planned.child.reason == Reason.QUEUED


def count_bytes(scene: Scene) -> PlanBytes:
    """Add up what is moved; of a move that reports nothing its server's memory counts, moved at its end."""
    total = processed = 0
    for planned in scene.at(*OPEN, Place.SUCCEEDED):
        child = planned.child
        reported = child.total_bytes if child is not None else None
        whole = planned.memory_mib * _MIB if reported is None else reported
        total += whole
        if planned.place in {Place.AWAITING, Place.SUCCEEDED}:
            processed += whole
        elif planned.place is Place.RUNNING and child is not None:
            # memory is copied in passes: more may have moved than there is
            processed += min(child.processed_bytes or 0, whole)
    amounts = {"total_bytes": total, "processed_bytes": processed, "remaining_bytes": total - processed}
    return PlanBytes(**{name: min(amount, MAX_INT) for name, amount in amounts.items()})


def measure_throughput(scene: Scene) -> int | None:
    """Add up what the moves under way copy in a second, in bytes; ``None`` where none tells."""
    rates = [one.child.throughput_bytes_per_second for one in scene.at(Place.RUNNING) if one.child is not None]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def word_progress(counts: PlanCounts) -> str:
    """Write done of total: ``48/124``."""
    return f"{counts.succeeded + counts.skipped}/{counts.total}"


def list_failures(scene: Scene) -> tuple[PlanFailure, ...]:
    """List the moves that failed, and those of servers that came back once too often, newest first."""
    failed = [planned.child for planned in scene.at(Place.FAILED) if planned.child is not None]
    oldest = dt.datetime.min.replace(tzinfo=dt.UTC)
    failed.sort(key=lambda child: (child.completion_time or oldest, child.name), reverse=True)
    return tuple(_write_failure(child) for child in failed[:MAX_FAILURES])


def _write_failure(child: ChildView) -> PlanFailure:
    is_back = child.phase is Phase.SUCCEEDED
    told = f"it was moved {child.index} times, and is on the host again" if is_back else child.message
    return PlanFailure(
        server_id=child.server_id,
        name=child.server_name or None,
        migration_name=child.name,
        reason=PlanReason.CAME_BACK if is_back else child.reason or "Unknown",
        message=told or None,
        time=child.completion_time,
    )


def list_left(scene: Scene) -> tuple[PreviewServer, ...]:
    """List the servers that stay where they are, with the reason of this moment; blocked ones first."""
    staying = sorted(scene.at(Place.BLOCKED, Place.SKIPPED), key=_sort_key)
    return tuple(_write_server(planned) for planned in staying[:MAX_NOT_PLAIN])


def forecast(scene: Scene, observation: PlanObservation) -> dt.datetime | None:
    """Say when the last server has moved if they go on as so far; ``None`` before three have, or where it is never."""
    done = [one.child for one in scene.at(Place.SUCCEEDED) if one.child is not None and one.child.memory_mib]
    started = [child.start_time for child in done if child.start_time is not None]
    moved_mib = sum(child.memory_mib for child in done)
    rest = [max(planned.memory_mib, 1) for planned in scene.at(Place.PENDING, Place.QUEUED, Place.RUNNING)]
    if len(started) < FEWEST_MOVES or not rest:
        return None
    left_s = (observation.now - min(started)).total_seconds() * (sum(rest) / moved_mib)
    return observation.now + dt.timedelta(seconds=left_s) if left_s < _LONGEST_S else None
