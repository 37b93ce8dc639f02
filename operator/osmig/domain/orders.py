"""Verbs: which annotation value is an order, what becomes of it, and when it is sent. See docs/reference/api.md."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from osmig.api.migration import Control
from osmig.api.names import TOKEN_MAX_LENGTH, ControlResult, EventReason, Phase, Verb
from osmig.domain.observation import Note
from osmig.domain.phases import FINISHED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from osmig.api.migration import MigrationStatus
    from osmig.domain.conditions import Verdict
    from osmig.domain.observation import Ask, Observation

_BOUND = re.compile(r"([1-9][0-9]{0,2})(/.*)?")
"""A token that names the attempt it is meant for; anything else is meant for the attempt current when first seen."""

_EVENTS = {
    ControlResult.ACCEPTED: EventReason.VERB_ACCEPTED,
    ControlResult.DONE: EventReason.VERB_DONE,
    ControlResult.REJECTED: EventReason.VERB_REJECTED,
    ControlResult.TOO_LATE: EventReason.VERB_TOO_LATE,
    ControlResult.UNSUPPORTED: EventReason.VERB_UNSUPPORTED,
    ControlResult.SUPERSEDED: EventReason.VERB_SUPERSEDED,
}

Controls = tuple[Control, ...]


def find_control(controls: Iterable[Control], verb: Verb) -> Control | None:
    """Return the last order of that verb."""
    return next((control for control in controls if control.verb is verb), None)


def is_active(status: MigrationStatus, verb: Verb) -> bool:
    """Whether an order of that verb was accepted and is not carried out yet."""
    control = find_control(status.controls, verb)
    return control is not None and control.result is ControlResult.ACCEPTED


def canonical_token(token: str) -> str:
    """Return the form in which a token is recorded and compared: too long ones keep their start and a digest."""
    if len(token) <= TOKEN_MAX_LENGTH:
        return token
    digest = hashlib.sha256(token.encode()).hexdigest()[:8]
    return f"{token[: TOKEN_MAX_LENGTH - 9]}~{digest}"


def latch(observation: Observation) -> tuple[Controls, tuple[Note, ...]] | None:
    """Record every order seen that differs from the last one handled for its verb; ``None`` when there is none."""
    controls = observation.status.controls
    notes: list[Note] = []
    for ask in observation.asks:
        known = find_control(controls, ask.verb)
        if known is not None and known.token == canonical_token(ask.token):
            continue
        attempt = observation.status.attempt or 1
        result, message = _rule(ask, observation.status, attempt)
        control = _record(ask, observation, known, result=result, message=message)
        controls = _replace(controls, control)
        notes.append(_announce(control.model_copy(update={"result": result, "message": message})))
        controls, superseded = _supersede(controls, observation.now)
        notes.extend(superseded)
    return (controls, tuple(notes)) if notes else None


def _record(
    ask: Ask, observation: Observation, known: Control | None, *, result: ControlResult, message: str
) -> Control:
    if known is not None and known.result is ControlResult.ACCEPTED and result is ControlResult.REJECTED:
        # The order in force stays in force: a mistyped second token must not lose it.
        return known.model_copy(
            update={
                "token": canonical_token(ask.token),
                "message": f"the order stays in force; a later token was rejected: {message}",
                "time": observation.now,
            }
        )
    is_renewed = known is not None and known.result is ControlResult.ACCEPTED and result is ControlResult.ACCEPTED
    return Control(
        verb=ask.verb,
        token=canonical_token(ask.token),
        attempt=observation.status.attempt or 1,
        result=result,
        message=message,
        time=observation.now,
        sent_time=known.sent_time if known is not None and is_renewed else None,
        field_manager=ask.field_manager or None,
    )


def _rule(ask: Ask, status: MigrationStatus, attempt: int) -> tuple[ControlResult, str]:
    if not ask.token:
        return ControlResult.REJECTED, "the token is empty; set the annotation to any text of 1 to 63 characters"
    if len(ask.token) > TOKEN_MAX_LENGTH:
        return ControlResult.REJECTED, f"the token is longer than {TOKEN_MAX_LENGTH} characters"
    bound = _BOUND.fullmatch(ask.token)
    if bound and int(bound[1]) != attempt:
        return ControlResult.REJECTED, f"the token is bound to attempt {bound[1]}, the current attempt is {attempt}"
    if ask.verb is Verb.RECONCILE:
        return ControlResult.DONE, "everything is read again"
    if status.phase in FINISHED:
        return ControlResult.REJECTED, f"the Migration is over ({status.phase})"
    return ControlResult.ACCEPTED, "will be carried out as soon as the cloud allows it"


def _supersede(controls: Controls, now: dt.datetime) -> tuple[Controls, tuple[Note, ...]]:
    """Abort outranks force-complete."""
    abort, force = find_control(controls, Verb.ABORT), find_control(controls, Verb.FORCE_COMPLETE)
    if abort is None or force is None:
        return controls, ()
    if abort.result is not ControlResult.ACCEPTED or force.result is not ControlResult.ACCEPTED:
        return controls, ()
    return settle(controls, Verb.FORCE_COMPLETE, ControlResult.SUPERSEDED, "abort outranks it", now=now)


def settle(
    controls: Controls, verb: Verb, result: ControlResult, message: str, *, now: dt.datetime
) -> tuple[Controls, tuple[Note, ...]]:
    """Give the accepted order of ``verb`` its result."""
    control = find_control(controls, verb)
    if control is None or control.result is not ControlResult.ACCEPTED:
        return controls, ()
    settled = control.model_copy(update={"result": result, "message": message, "time": now})
    return _replace(controls, settled), (_announce(settled),)


def mark_sent(controls: Controls, verb: Verb, *, now: dt.datetime) -> Controls:
    """Note that the cloud accepted the request; later repetitions change nothing."""
    control = find_control(controls, verb)
    if control is None or control.sent_time is not None:
        return controls
    return _replace(
        controls, control.model_copy(update={"sent_time": now, "message": "the cloud accepted the request"})
    )


def close_controls(controls: Controls, verdict: Verdict, *, now: dt.datetime) -> tuple[Controls, tuple[Note, ...]]:
    """Give every accepted order its result, now that the Migration has ended."""
    notes: tuple[Note, ...] = ()
    for verb in (Verb.ABORT, Verb.FORCE_COMPLETE):
        control = find_control(controls, verb)
        if control is None or control.result is not ControlResult.ACCEPTED:
            continue
        result, message = _close(control, verdict.phase)
        controls, settled = settle(controls, verb, result, message, now=now)
        notes += settled
    return controls, notes


def _close(control: Control, phase: Phase) -> tuple[ControlResult, str]:
    if control.verb is Verb.ABORT and phase is Phase.ABORTED:
        return ControlResult.DONE, "the move was aborted"
    if control.verb is Verb.FORCE_COMPLETE and phase is Phase.SUCCEEDED and control.sent_time is not None:
        return ControlResult.DONE, "the move completed after the cloud accepted the request"
    return ControlResult.TOO_LATE, f"the Migration ended before it took effect ({phase})"


def _replace(controls: Controls, control: Control) -> Controls:
    rest = tuple(other for other in controls if other.verb is not control.verb)
    return tuple(sorted((*rest, control), key=lambda other: other.verb))


def _announce(control: Control) -> Note:
    return Note(
        reason=_EVENTS[control.result],
        text=f"{control.verb} {control.token!r}: {control.message}",
        is_warning=control.result in {ControlResult.REJECTED, ControlResult.TOO_LATE, ControlResult.UNSUPPORTED},
    )
