"""Waves: which hosts may be worked on now, and what the next ones wait for.

A wave is over when its hosts were read to their end, none of its servers awaits anything, and each of its hosts is
quiet or keeps servers that nothing more is done about: those are in the plan's outcome, and what failed counts against
its budget, which stops all waves.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.api.plan_options import Approval
from osmig.api.plan_status import PlanWaveStatus
from osmig.domain.plans.choosing import host_of
from osmig.domain.plans.conditions import PlanVerdict
from osmig.domain.plans.scenes import LEFT, OPEN

if TYPE_CHECKING:
    from osmig.api.plan import PlanSpec
    from osmig.api.plan_status import PlanStatus
    from osmig.api.plan_waves import PlanWave
    from osmig.domain.plans.stock import Stock


def advance(stock: Stock) -> PlanWaveStatus | None:
    """Return the wave that is under way or next at this moment; ``None`` for a plan without waves."""
    waves, now = stock.observation.plan.spec.waves, stock.observation.now
    if waves is None:
        return None
    known = stock.status.wave or _make_ready(waves, 1, now)
    if known.start_time is not None and known.index < len(waves) and _is_over(waves[known.index - 1], stock):
        known = _make_ready(waves, known.index + 1, now)
    if known.start_time is None and _may_begin(waves[known.index - 1], known, now):
        known = known.model_copy(update={"start_time": now})
    return known


def find_obstacle(spec: PlanSpec, status: PlanStatus, now: dt.datetime) -> tuple[PlanVerdict, float | None] | None:
    """Say what the next wave waits for, and how many seconds if that is known; ``None`` when nothing is waited for."""
    known = status.wave
    if spec.waves is None or known is None or known.start_time is not None:
        return None
    wave = spec.waves[known.index - 1]
    if not _is_approved(wave, known):
        hash_ = status.preview.hash if status.preview is not None else ""
        text = f"wave {wave.name} begins once the annotation osmig.dev/approve is {wave.name}/{hash_}"
        reason = PlanReason.AWAITING_APPROVAL
        return PlanVerdict(phase=PlanPhase.AWAITING_APPROVAL, reason=reason, message=text), None
    end = _end_of_delay(wave, known)
    text = f"wave {wave.name} begins at {end:%Y-%m-%dT%H:%M:%SZ}"
    verdict = PlanVerdict(phase=PlanPhase.WAITING, reason=PlanReason.WAVE_DELAY, message=text)
    return verdict, (end - now).total_seconds()


def list_begun(spec: PlanSpec, status: PlanStatus) -> frozenset[str]:
    """Return the hosts of all waves that have begun; without waves all hosts."""
    if spec.waves is None:
        return frozenset(host.name for host in status.hosts)
    begun = status.wave.index - (status.wave.start_time is None) if status.wave is not None else 0
    return frozenset(host for wave in spec.waves[:begun] for host in wave.hosts)


def list_closing(spec: PlanSpec, status: PlanStatus) -> frozenset[str]:
    """Return the hosts whose compute services are to be disabled by now."""
    return list_begun(spec, status) if spec.disables_per_wave else frozenset(host.name for host in status.hosts)


def _make_ready(waves: tuple[PlanWave, ...], index: int, now: dt.datetime) -> PlanWaveStatus:
    return PlanWaveStatus(name=waves[index - 1].name, index=index, count=len(waves), ready_time=now)


def _is_over(wave: PlanWave, stock: Stock) -> bool:
    hosts = frozenset(wave.hosts)
    if not stock.is_complete or any(host_of(planned) in hosts for planned in stock.scene.at(*OPEN)):
        return False
    left = {host_of(planned) for planned in stock.scene.at(*LEFT)}
    return all(host in stock.done_hosts or host in left for host in wave.hosts)


def _may_begin(wave: PlanWave, known: PlanWaveStatus, now: dt.datetime) -> bool:
    return _is_approved(wave, known) and now >= _end_of_delay(wave, known)


def _is_approved(wave: PlanWave, known: PlanWaveStatus) -> bool:
    return wave.approval is Approval.NONE or known.approved_time is not None


def _end_of_delay(wave: PlanWave, known: PlanWaveStatus) -> dt.datetime:
    return known.ready_time + dt.timedelta(seconds=wave.delay_seconds)
