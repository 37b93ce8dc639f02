"""A plan that is not over: look, judge, begin, disable, make Migrations, verify, end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from osmig.api.migration_options import Mode
from osmig.api.names import EventReason
from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.api.plan_status import PlanHost
from osmig.domain.capabilities import Capability
from osmig.domain.observation import Note
from osmig.domain.plans import gates, target_sweeps, targets, waves
from osmig.domain.plans.building import Work, build, wants_abort
from osmig.domain.plans.choosing import choose, has_made_all, host_of
from osmig.domain.plans.circumstances import find_down
from osmig.domain.plans.conditions import PlanVerdict
from osmig.domain.plans.deadlines import is_aborted_by_deadline
from osmig.domain.plans.decisions import CommitPlan, OrderChild, ReadCloud
from osmig.domain.plans.fitting import measure_fitting
from osmig.domain.plans.phases import PLAN_FINISHED
from osmig.domain.plans.refusing import find_refusal
from osmig.domain.plans.scenes import LEFT, OPEN, UNDER_WAY, Place
from osmig.domain.plans.services import HostChange, disable, fresh_sweep, is_enabled_again, is_in_vain, oldest_s
from osmig.domain.plans.stock import take_stock

if TYPE_CHECKING:
    from osmig.domain.plans.decisions import PlanDecision
    from osmig.domain.plans.observation import PlanObservation
    from osmig.domain.plans.stock import Stock

_SOON_S = 1.0


def _say(stock: Stock, phase: PlanPhase, reason: PlanReason, message: str = "") -> CommitPlan:
    """End the step with this verdict and nothing to do."""
    return _commit(stock, PlanVerdict(phase=phase, reason=reason, message=message))


def _commit(stock: Stock, verdict: PlanVerdict, work: Work | None = None) -> CommitPlan:
    """End the step with a verdict and what is done."""
    work = replace(work or Work(), notes=stock.notes, memory=stock.memory)
    return build(stock.observation, replace(verdict, rest=stock.rest), stock.status, work)


def decide_active(observation: PlanObservation) -> PlanDecision:
    """Decide what is done about a plan that is not over."""
    if (obstacle := gates.find_obstacle(observation)) is not None:
        return build(observation, obstacle, observation.status)
    targets_after_s = target_sweeps.oldest_target_s(observation) if target_sweeps.is_unread(observation) else None
    is_new = observation.cloud_hosts is None and observation.provider.can(Capability.HOSTS)
    if is_new or targets_after_s is not None:
        return ReadCloud(sweeps=_stale(observation), targets_after_s=targets_after_s, cloud_hosts=is_new)
    if not observation.status.hosts and not observation.plan.spec.targets.names_servers:
        return _resolve(observation)
    if stale := _stale(observation):
        return ReadCloud(sweeps=stale)
    if observation.status.start_time is None and (missing := targets.find_missing(observation)) is not None:
        return build(observation, missing, observation.status)
    decision = _judge(take_stock(observation))
    if decision.status.phase in PLAN_FINISHED and (unseen := _list_unseen(observation)):
        return ReadCloud(sweeps=unseen)
    return decision


def _judge(stock: Stock) -> CommitPlan:
    """Decide what comes next, once every host was looked at."""
    observation = stock.observation
    if wants_abort(stock.status, observation):
        return _abort(stock)
    if observation.status.start_time is None:
        return _begin(stock)
    return _go_on(stock)


def _stale(observation: PlanObservation) -> dict[str, float]:
    """Return the hosts that must be looked at; what is proven empty is not looked at again."""
    return {
        host.name: oldest_s(observation, host.name)
        for host in observation.status.hosts
        if host.drained_time is None and fresh_sweep(observation, host.name) is None
    }


def _list_unseen(observation: PlanObservation) -> dict[str, float]:
    """Return the hosts whose newest sweep began before a Migration away from them was over: an outcome awaits another.

    What is proven empty is not looked at again: no Migration was under way then.
    """
    over_s = observation.memory.over_s
    return {
        host.name: over_s[host.name]
        for host in observation.status.hosts
        if host.drained_time is None
        and host.name in over_s
        and observation.sweeps[host.name].started_s <= over_s[host.name]
    }


def _resolve(observation: PlanObservation) -> CommitPlan:
    found = targets.resolve(observation.plan.spec.targets, observation.cloud_hosts or ())
    if isinstance(found, PlanVerdict):
        return build(observation, found, observation.status)
    hosts = tuple(PlanHost(name=name) for name in found)
    changes: dict[str, Any] = {"hosts": hosts, "phase": observation.status.phase or PlanPhase.PENDING}
    # a look that another plan made before this one was there may show what has been undone since
    looks = {**observation.memory.look_after_s, **dict.fromkeys(found, observation.clock_s)}
    memory = replace(observation.memory, look_after_s=looks)
    return CommitPlan(status=observation.status.model_copy(update=changes), memory=memory, due_s=0.0, goes_on=True)


def _abort(stock: Stock) -> CommitPlan:
    if any(stock.scene.at(*UNDER_WAY)):
        return _say(stock, PlanPhase.ABORTING, PlanReason.ABORTING, "Migrations under way are being called off")
    return _say(stock, PlanPhase.ABORTED, _find_cause(stock), stock.rest)


def _find_cause(stock: Stock) -> PlanReason:
    """Say what called the plan off."""
    observation = stock.observation
    if gates.is_aborted_by_budget(stock.status, observation):
        return PlanReason.BUDGET_EXCEEDED
    if is_aborted_by_deadline(observation.plan.spec, stock.status, observation.now):
        return PlanReason.DEADLINE_EXCEEDED
    return PlanReason.ABORTED


def _begin(stock: Stock) -> CommitPlan:
    """Decide about a plan that has changed nothing yet: only a complete look may begin it."""
    observation = stock.observation
    if not stock.is_complete:
        return _say(stock, PlanPhase.WAITING, PlanReason.INCOMPLETE_SWEEP, _word_problems(stock))
    if (nobody := targets.find_empty_project(observation, stock.scene)) is not None:
        return _commit(stock, nobody)
    if observation.plan.spec.mode is Mode.VALIDATE:
        return _say(stock, PlanPhase.SUCCEEDED, PlanReason.VALIDATED, "nothing was changed; see status.preview")
    if gates.is_expired(observation):
        if _is_empty(stock):
            return _say(stock, PlanPhase.SUCCEEDED, PlanReason.ALREADY_DRAINED, "nothing was changed")
        text = "notAfterTime has passed, so nothing was begun"
        return _say(stock, PlanPhase.EXPIRED, PlanReason.EXPIRED, text)
    blocked = gates.check_start(observation, stock.status) or gates.check_more(observation, stock.status)
    if blocked is not None:
        return _commit(stock, blocked)
    counts = stock.status.counts
    started = stock.status.model_copy(
        update={"start_time": observation.now, "found_at_start": counts.total if counts is not None else 0}
    )
    notes = [Note(reason=EventReason.PLAN_STARTED, text="the plan begins")]
    if observation.plan.spec.times.not_after_time is None:
        again = "move its servers" if observation.plan.spec.targets.names_servers else "empty its hosts"
        text = f"schedule.notAfterTime is not set: applied again elsewhere, this plan would {again} again"
        notes.append(Note(reason=EventReason.NO_EXPIRY, text=text, is_warning=True))
    begun = replace(stock, status=started, notes=(*stock.notes, *notes))
    return _end(begun) or _work(begun)


def _is_empty(stock: Stock) -> bool:
    """Whether the plan has hosts, and nothing is on them nor on its way to them."""
    hosts = stock.status.hosts
    is_quiet = not any(host.unconfirmed or host.inbound for host in hosts)
    return bool(hosts) and is_quiet and not stock.scene.planned_servers


def _go_on(stock: Stock) -> CommitPlan:
    """Decide about a plan that has begun: end it, or go on unless something keeps it from that."""
    if (end := _end(stock)) is not None:
        return end
    if gates.is_expired(stock.observation):
        if not any(stock.scene.at(*UNDER_WAY, Place.AWAITING)):
            return _say(stock, PlanPhase.EXPIRED, PlanReason.EXPIRED, f"notAfterTime has passed; {stock.rest}")
        return _say(stock, PlanPhase.RUNNING, PlanReason.EXPIRED, "notAfterTime has passed; what moves ends")
    if (blocked := gates.check_more(stock.observation, stock.status)) is not None:
        return _commit(stock, blocked)
    return _work(stock)


def _end(stock: Stock) -> CommitPlan | None:
    """Return the outcome, once there is one; ``None`` before. Only complete sweeps end a plan."""
    if not stock.is_complete or any(stock.scene.at(*OPEN)) or not _all_disabled(stock):
        return None
    if stock.awaits_proof:
        return None
    if any(stock.scene.at(*LEFT)):
        return _say(stock, PlanPhase.FAILED, PlanReason.SERVERS_LEFT, stock.rest)
    if not stock.is_done:
        return None
    if any(host.drained_time is None for host in stock.status.hosts):
        return _say(stock, PlanPhase.SUCCEEDED, PlanReason.MOVED_ALL_SELECTED, stock.rest)
    if stock.observation.plan.spec.targets.names_servers:
        reason = PlanReason.MOVED_ALL_SELECTED if any(stock.scene.at(Place.SKIPPED)) else PlanReason.SUCCEEDED
        return _say(stock, PlanPhase.SUCCEEDED, reason, stock.rest)
    reason = PlanReason.SUCCEEDED if stock.observation.children else PlanReason.ALREADY_DRAINED
    return _say(stock, PlanPhase.SUCCEEDED, reason, "every host is proven empty")


def _all_disabled(stock: Stock, names: frozenset[str] | None = None) -> bool:
    """Whether all hosts of these names are disabled, if the plan disables any; of all hosts without names."""
    return not stock.observation.plan.spec.disables or all(
        host.disabled_time is not None and not is_enabled_again(host, fresh_sweep(stock.observation, host.name))
        for host in stock.status.hosts
        if names is None or host.name in names
    )


def _work(stock: Stock) -> CommitPlan:
    """Disable the hosts, all of them or those of the wave, then make the next Migrations."""
    observation, spec = stock.observation, stock.observation.plan.spec
    stock = replace(stock, status=stock.status.model_copy(update={"wave": waves.advance(stock)}))
    closing = waves.list_closing(spec, stock.status)
    if not _all_disabled(stock, closing):
        return _disable(stock, closing)
    if (awaited := waves.find_obstacle(spec, stock.status, observation.now)) is not None:
        verdict, due_s = awaited
        return _commit(stock, verdict, Work(due_s=due_s))
    ready = _list_ready(stock)
    fitting = measure_fitting(stock.scene, observation)
    chosen = choose(
        stock.scene,
        observation.plan,
        within=observation.limits,
        ready_hosts=ready,
        kept_back=observation.names_taken | observation.names_refused,
        fitting=fitting,
    )
    if has_made_all(observation):
        chosen = tuple(order for order in chosen if isinstance(order, OrderChild))
    if (refused := find_refusal(stock, chosen)) is not None:
        return _commit(stock, refused, Work(effects=chosen))
    if not any(stock.scene.at(*OPEN)):
        text = target_sweeps.word_problem(observation) or "two quiet sweeps of each host are awaited"
        return _say(stock, PlanPhase.VERIFYING, PlanReason.VERIFYING, text)
    if not chosen and not any(stock.scene.at(*UNDER_WAY)):
        late = [one for one in stock.scene.at(Place.PENDING) if host_of(one) in ready and not fitting.has_room(one)]
        if late:
            return _say(stock, PlanPhase.WAITING, PlanReason.WINDOW_TOO_SHORT, fitting.word(late))
    text = observation.refusal or _word_problems(stock) or stock.rest
    verdict = PlanVerdict(phase=PlanPhase.RUNNING, reason=_reason_of(stock), message=text)
    return _commit(stock, verdict, Work(effects=chosen))


def _disable(stock: Stock, names: frozenset[str]) -> CommitPlan:
    """Order the services of these hosts to be disabled, as far as they are not."""
    observation = stock.observation
    changes = tuple(
        disable(host, fresh_sweep(observation, host.name), observation) if host.name in names else HostChange(host=host)
        for host in stock.status.hosts
    )
    hosts = tuple(change.host for change in changes)
    effects = tuple(change.effect for change in changes if change.effect is not None)
    ordering = replace(stock, status=stock.status.model_copy(update={"hosts": hosts}))
    text = _word_problems(ordering) or "compute services are being disabled"
    due_s = _SOON_S if effects and not observation.problems else None
    is_stalled = any(is_in_vain(host.name, observation) for host in hosts)
    verdict = PlanVerdict(phase=PlanPhase.RUNNING, reason=PlanReason.DISABLING, message=text, is_stalled=is_stalled)
    return _commit(ordering, verdict, Work(effects=effects, due_s=due_s))


def _list_ready(stock: Stock) -> set[str]:
    """Return the hosts that servers may leave now; none where the last look did not come to its end."""
    observation = stock.observation
    if observation.plan.spec.targets.names_servers:
        pending = stock.scene.at(Place.PENDING) if stock.is_complete else ()
        return {host_of(planned) for planned in pending} - find_down(observation)
    begun = waves.list_begun(observation.plan.spec, stock.status)
    return {host.name for host in stock.status.hosts if host.name in begun and _is_ready(host, observation)}


def _is_ready(host: PlanHost, observation: PlanObservation) -> bool:
    """Whether servers may leave a host now: it was read to its end, and its service reports.

    One that is proven empty is not read again; what is tried again of it is a move whose server is elsewhere.
    """
    sweep = fresh_sweep(observation, host.name)
    return host.drained_time is not None or (sweep is not None and sweep.is_complete and sweep.is_up)


def _reason_of(stock: Stock) -> PlanReason:
    down = any(
        sweep.service is not None and sweep.service.is_up is False
        for host in stock.status.hosts
        if (sweep := fresh_sweep(stock.observation, host.name)) is not None
    )
    if down and not any(stock.scene.at(*UNDER_WAY)):
        return PlanReason.HOST_DOWN
    return PlanReason.RUNNING


def _word_problems(stock: Stock) -> str:
    of_hosts = [f"{host.name}: {host.message}" for host in stock.status.hosts if host.message]
    return ("; ".join(of_hosts) or target_sweeps.word_problem(stock.observation))[:1024]
