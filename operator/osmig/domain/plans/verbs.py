"""Annotations become orders to a plan: which value is one, whether it is legal now, and what it changes at once.

What an order changes in the status alone (approve, pause, resume, skip, retry) is done in the write that records it;
the others are accepted, and carried out until their effect is seen. Tokens follow the rules of a Migration's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.names import ControlResult, EventReason
from osmig.api.plan_names import PlanPhase, PlanVerb
from osmig.api.plan_status import MAX_SKIPS, PlanControl
from osmig.domain.observation import Note
from osmig.domain.plans.deadlines import begin_deadline_anew, is_past_deadline
from osmig.domain.plans.phases import PLAN_FINISHED
from osmig.domain.plans.services import is_enabled_again, needs_release
from osmig.domain.verbs import canonical_token, object_to_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.api.plan_status import PlanHost, PlanStatus
    from osmig.domain.plans.observation import PlanObservation, PlanVerbRequest

LAST_ROUND = 999
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FREE_TOKENS = frozenset({PlanVerb.APPROVE, PlanVerb.SKIP})
"""Verbs whose value says something itself and is no token."""

_OUTRANKED = (PlanVerb.CONFIRM, PlanVerb.REVERT, PlanVerb.FORCE_COMPLETE)

_EVENTS = {
    ControlResult.ACCEPTED: EventReason.VERB_ACCEPTED,
    ControlResult.DONE: EventReason.VERB_DONE,
    ControlResult.REJECTED: EventReason.VERB_REJECTED,
    ControlResult.SUPERSEDED: EventReason.VERB_SUPERSEDED,
    ControlResult.TOO_LATE: EventReason.VERB_TOO_LATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What becomes of one order: its result in words, and what it changes in the status at once."""

    result: ControlResult
    message: str
    changes: Mapping[str, Any] | None = None


def accept(observation: PlanObservation) -> tuple[PlanStatus, tuple[Note, ...]] | None:
    """Record every order seen that differs from the last one of its verb; ``None`` when there is none."""
    status, notes = observation.status, []
    for request in observation.verb_requests:
        token = canonical_token(request.token)
        known = find_control(status, request.verb)
        if known is not None and known.token == token:
            continue
        ruling = _rule(request, status, observation)
        control = PlanControl(
            verb=request.verb,
            token=token,
            round=status.round,
            result=ruling.result,
            message=ruling.message,
            time=observation.now,
            field_manager=request.field_manager or None,
        )
        if known is not None and _stays_in_force(known, control):
            told = f"the order stays in force; a later token was rejected: {ruling.message}"
            control = known.model_copy(update={"token": token, "message": told})
        status = put_control(status, control).model_copy(update=dict(ruling.changes or {}))
        notes.append(announce(control.model_copy(update={"result": ruling.result})))
        status, told_too = _supersede(status, observation)
        notes.extend(told_too)
    return (status, tuple(notes)) if notes else None


def _stays_in_force(known: PlanControl, control: PlanControl) -> bool:
    return known.result is ControlResult.ACCEPTED and control.result is ControlResult.REJECTED


def _rule(request: PlanVerbRequest, status: PlanStatus, observation: PlanObservation) -> Ruling:
    if request.verb not in _FREE_TOKENS and (objection := object_to_token(request.token, status.round, of="round")):
        return _reject(objection)
    return _RULES[request.verb](request.token, status, observation)


def _abort(_token: str, status: PlanStatus, _observation: PlanObservation) -> Ruling:
    if status.phase in PLAN_FINISHED:
        return _reject(f"the plan is over ({status.phase})")
    return Ruling(result=ControlResult.ACCEPTED, message="no more moves begin, and those under way are called off")


def _release(_token: str, status: PlanStatus, _observation: PlanObservation) -> Ruling:
    if status.phase not in PLAN_FINISHED:
        return _reject("the plan still empties its hosts; abort it first")
    if not any(needs_release(host) for host in status.hosts):
        return _reject("the plan has disabled no compute service that it has not given back")
    return Ruling(result=ControlResult.ACCEPTED, message="what the plan disabled is enabled")


def _retry(_token: str, status: PlanStatus, observation: PlanObservation) -> Ruling:
    if status.phase in {PlanPhase.SUCCEEDED, PlanPhase.EXPIRED}:
        return _reject(f"there is nothing to try again ({status.phase})")
    if status.phase is PlanPhase.ABORTING or is_active(status, PlanVerb.ABORT):
        return _reject("the plan is being aborted; give the order again when it is over")
    if status.round >= LAST_ROUND:
        return _reject(f"{LAST_ROUND} rounds were made")
    changes: dict[str, Any] = {"round": status.round + 1, "forgiven_failures": 0, "paused_time": None}
    changes |= {"hosts": _reopen_hosts(status, observation), **begin_deadline_anew(status, observation.now)}
    if status.phase in PLAN_FINISHED:
        changes |= {"phase": PlanPhase.PENDING, "completion_time": None}
    return Ruling(result=ControlResult.DONE, message=f"round {status.round + 1} begins", changes=changes)


def _approve(token: str, status: PlanStatus, observation: PlanObservation) -> Ruling:
    wave, slash, hash_ = token.partition("/")
    if slash:
        return _approve_wave(wave, hash_, status, observation)
    if status.start_time is not None or status.phase in PLAN_FINISHED:
        return _reject(f"the plan needs no approval any more ({status.phase})")
    if status.preview is None:
        return _reject("there is no preview yet; read status.preview.hash once it is there")
    if token != status.preview.hash:
        return Ruling(
            result=ControlResult.SUPERSEDED,
            message=f"the preview is another one by now, its hash is {status.preview.hash}; read it and approve that",
        )
    return Ruling(result=ControlResult.DONE, message="approved", changes={"approved_hash": token})


def _approve_wave(name: str, hash_: str, status: PlanStatus, observation: PlanObservation) -> Ruling:
    wave = status.wave
    if status.phase in PLAN_FINISHED:
        return _reject(f"the plan is over ({status.phase})")
    if wave is None or wave.name != name:
        awaited = f"wave {wave.name} is at its turn" if wave is not None else "no wave is at its turn"
        return _reject(f"{awaited}; a wave is approved when the one before is over")
    if wave.start_time is not None:
        return _reject(f"wave {name} has begun")
    if status.preview is None or hash_ != status.preview.hash:
        known = status.preview.hash if status.preview is not None else ""
        return Ruling(result=ControlResult.SUPERSEDED, message=f"the preview is another one, its hash is {known}")
    changes = {"wave": wave.model_copy(update={"approved_time": observation.now})}
    return Ruling(result=ControlResult.DONE, message=f"wave {name} is approved", changes=changes)


def _pause(_token: str, status: PlanStatus, observation: PlanObservation) -> Ruling:
    if status.phase in PLAN_FINISHED:
        return _reject(f"the plan is over ({status.phase})")
    changes = {"paused_time": status.paused_time or observation.now}
    return Ruling(result=ControlResult.DONE, message="no more moves begin; those under way go on", changes=changes)


def _resume(_token: str, status: PlanStatus, observation: PlanObservation) -> Ruling:
    if status.phase in PLAN_FINISHED:
        return _reject(f"the plan is over ({status.phase}); retry begins it anew")
    failed = status.counts.failed if status.counts is not None else 0
    changes = {"paused_time": None, "forgiven_failures": failed, "hosts": _reopen_hosts(status, observation)}
    told = "moves begin again, with the same failure budget anew"
    if is_past_deadline(observation.plan.spec, status, observation.now):
        changes |= begin_deadline_anew(status, observation.now)
        told += ", and the same deadline"
    return Ruling(result=ControlResult.DONE, message=told, changes=changes)


def _reopen_hosts(status: PlanStatus, observation: PlanObservation) -> tuple[PlanHost, ...]:
    """Let hosts that are enabled by now be disabled once more; what they were before the plan stays on record."""
    anew = {"disabled_time": None, "disabled_by": None, "released_time": None, "drained_time": None}
    return tuple(
        host.model_copy(update=anew)
        if host.released_time is not None or is_enabled_again(host, observation.sweeps.get(host.name))
        else host
        for host in status.hosts
    )


def _skip(token: str, status: PlanStatus, _observation: PlanObservation) -> Ruling:
    if status.phase in PLAN_FINISHED:
        return _reject(f"the plan is over ({status.phase})")
    ids = tuple(part.strip() for part in token.split(","))
    if not all(_ID.fullmatch(part) for part in ids):
        return _reject("the value must be ids of servers in lower case, with commas between them")
    skips = tuple(dict.fromkeys((*status.skips, *ids)))
    if len(skips) > MAX_SKIPS:
        return _reject(f"more than {MAX_SKIPS} servers would be skipped")
    return Ruling(result=ControlResult.DONE, message="these servers are left where they are", changes={"skips": skips})


def _fan_out(_token: str, status: PlanStatus, observation: PlanObservation) -> Ruling:
    if status.start_time is None:
        return _reject("the plan has not started")
    if not any(not child.is_finished for child in observation.children):
        return _reject("no Migration of the plan is under way")
    return Ruling(result=ControlResult.ACCEPTED, message="the Migrations that it concerns get the order")


def _reconcile(_token: str, _status: PlanStatus, _observation: PlanObservation) -> Ruling:
    return Ruling(result=ControlResult.DONE, message="everything is read again")


_RULES: Mapping[PlanVerb, Callable[[str, PlanStatus, PlanObservation], Ruling]] = {
    PlanVerb.ABORT: _abort,
    PlanVerb.RELEASE: _release,
    PlanVerb.RETRY: _retry,
    PlanVerb.APPROVE: _approve,
    PlanVerb.PAUSE: _pause,
    PlanVerb.RESUME: _resume,
    PlanVerb.SKIP: _skip,
    PlanVerb.CONFIRM: _fan_out,
    PlanVerb.REVERT: _fan_out,
    PlanVerb.FORCE_COMPLETE: _fan_out,
    PlanVerb.RECONCILE: _reconcile,
}


def _reject(message: str) -> Ruling:
    return Ruling(result=ControlResult.REJECTED, message=message)


def _supersede(status: PlanStatus, observation: PlanObservation) -> tuple[PlanStatus, tuple[Note, ...]]:
    """Abort outranks what is ordered of single moves; confirm and revert contradict each other."""
    if is_active(status, PlanVerb.ABORT):
        return settle_all(status, _OUTRANKED, ControlResult.SUPERSEDED, "abort outranks it", observation)
    if is_active(status, PlanVerb.CONFIRM) and is_active(status, PlanVerb.REVERT):
        text = "confirm and revert contradict each other (ConflictingVerbs)"
        verbs = (PlanVerb.CONFIRM, PlanVerb.REVERT)
        return settle_all(status, verbs, ControlResult.REJECTED, text, observation)
    return status, ()


def settle_all(
    status: PlanStatus, verbs: tuple[PlanVerb, ...], result: ControlResult, message: str, observation: PlanObservation
) -> tuple[PlanStatus, tuple[Note, ...]]:
    """Give the accepted orders of these verbs their result."""
    notes: tuple[Note, ...] = ()
    for verb in verbs:
        control = find_control(status, verb)
        if control is not None and control.result is ControlResult.ACCEPTED:
            settled = control.model_copy(update={"result": result, "message": message, "time": observation.now})
            status, notes = put_control(status, settled), (*notes, announce(settled))
    return status, notes


def find_control(status: PlanStatus, verb: PlanVerb) -> PlanControl | None:
    """Return the last order of that verb."""
    return next((control for control in status.controls if control.verb is verb), None)


def is_active(status: PlanStatus, verb: PlanVerb) -> bool:
    """Whether an order of that verb was accepted and is not carried out yet."""
    control = find_control(status, verb)
    return control is not None and control.result is ControlResult.ACCEPTED


def put_control(status: PlanStatus, control: PlanControl) -> PlanStatus:
    """Put an order in the place of the last one of its verb."""
    rest = tuple(other for other in status.controls if other.verb is not control.verb)
    return status.model_copy(update={"controls": tuple(sorted((*rest, control), key=lambda one: one.verb))})


def announce(control: PlanControl) -> Note:
    """Make the Event that tells what became of an order."""
    return Note(
        reason=_EVENTS[control.result],
        text=f"{control.verb} {control.token!r}: {control.message}",
        is_warning=control.result in {ControlResult.REJECTED, ControlResult.SUPERSEDED},
    )
