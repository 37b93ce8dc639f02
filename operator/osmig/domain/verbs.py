"""Annotations become orders: which value is one, and whether it is legal now (docs/openstack.md: What happens when)."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from osmig.api.migration import Control
from osmig.api.names import TOKEN_MAX_LENGTH, ConditionType, ControlResult, Phase, Reason, Verb
from osmig.domain.conditions import find_condition
from osmig.domain.observation import Facts
from osmig.domain.orders import Controls, announce, find_control, replace_control, settle
from osmig.domain.phases import FINISHED, WAITING
from osmig.domain.split_states import SPLIT_STATES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from osmig.api.migration import MigrationSpec, MigrationStatus
    from osmig.domain.observation import Note, Observation, VerbRequest

F = TypeVar("F", bound=Facts)

_BOUND = re.compile(r"([1-9][0-9]{0,2})(/.*)?")
"""A token that names the attempt it is meant for; anything else is meant for the attempt current when first seen."""

LAST_ATTEMPT = 999


class Column(StrEnum):
    """The columns of the table "What happens when" in docs/openstack.md."""

    BEFORE = "before the intent"
    UNKNOWN = "starting, unknown or no record"
    UNDER_WAY = "upstream queued to running"
    SWITCHING = "switching over, post-copy"
    AWAITING = "awaiting confirmation"
    DECIDING = "confirming, reverting"
    TERMINAL = "terminal"


_PHASE_COLUMNS: Mapping[Phase, Column] = {
    **dict.fromkeys(WAITING, Column.BEFORE),
    **dict.fromkeys(FINISHED, Column.TERMINAL),
    Phase.AWAITING_CONFIRMATION: Column.AWAITING,
    Phase.CONFIRMING: Column.DECIDING,
    Phase.REVERTING: Column.DECIDING,
}

_LEGAL: Mapping[Verb, frozenset[Column]] = {
    Verb.ABORT: frozenset({*Column} - {Column.DECIDING, Column.TERMINAL}),
    Verb.FORCE_COMPLETE: frozenset({Column.BEFORE, Column.UNKNOWN, Column.UNDER_WAY, Column.SWITCHING}),
    Verb.CONFIRM: frozenset({Column.AWAITING}),
    Verb.REVERT: frozenset({Column.AWAITING}),
    Verb.RUN_NOW: frozenset({Column.BEFORE, Column.UNKNOWN, Column.UNDER_WAY}),
    Verb.RETRY: frozenset({Column.TERMINAL}),
    Verb.RECONCILE: frozenset(Column),
}
"""Where each verb is accepted; everywhere else it is Rejected, with the reason."""


def column_of(status: MigrationStatus) -> Column:
    """Return the column of the table that a status stands in."""
    if status.phase is None:
        return Column.BEFORE
    if status.phase in _PHASE_COLUMNS:
        return _PHASE_COLUMNS[status.phase]
    if status.upstream is None or status.upstream.id is None:
        return Column.UNKNOWN
    succeeded = find_condition(status.conditions, ConditionType.SUCCEEDED)
    is_switching = succeeded is not None and succeeded.reason in {Reason.POST_COPY, Reason.SWITCHING_OVER}
    return Column.SWITCHING if is_switching else Column.UNDER_WAY


def canonical_token(token: str) -> str:
    """Return the form in which a token is recorded and compared: too long ones keep their start and a digest."""
    if len(token) <= TOKEN_MAX_LENGTH:
        return token
    digest = hashlib.sha256(token.encode()).hexdigest()[:8]
    return f"{token[: TOKEN_MAX_LENGTH - 9]}~{digest}"


_CUT = "…"


def bound_token(token: str) -> str:
    """Return the form in which a token is kept: one that is too long stays so, in 64 characters, and is refused."""
    if len(token) <= TOKEN_MAX_LENGTH or (len(token) == TOKEN_MAX_LENGTH + 1 and token.endswith(_CUT)):
        return token
    return canonical_token(token) + _CUT


def is_legal(verb: Verb, status: MigrationStatus) -> bool:
    """Whether the table accepts a verb now."""
    return column_of(status) in _LEGAL[verb]


def accept(
    observation: Observation[F], *, refuse: Callable[[Verb, Observation[F]], str]
) -> tuple[Controls, tuple[Note, ...]] | None:
    """Record every order seen that differs from the last one handled for its verb; ``None`` when there is none.

    Args:
        observation: of this moment.
        refuse: says why upstream has no call for a verb now, in words fit for status; empty where the table rules.
    """
    controls = observation.status.controls
    notes: list[Note] = []
    verb_requests = [request for request in observation.verb_requests if _is_new(request, controls)]
    verbs = {request.verb for request in verb_requests}
    for request in verb_requests:
        known = find_control(controls, request.verb)
        if known is not None and known.token == canonical_token(request.token):
            continue
        result, message = _rule(request, observation, refuse)
        if result is ControlResult.ACCEPTED and _conflicts(request.verb, verbs, controls):
            result, message = ControlResult.REJECTED, "confirm and revert contradict each other (ConflictingVerbs)"
            controls, undone = _undo_opposite(request.verb, controls, observation.now)
            notes.extend(undone)
        control = _record(request, observation, known, result=result, message=message)
        controls = replace_control(controls, control)
        notes.append(announce(control.model_copy(update={"result": result, "message": message})))
        controls, superseded = _supersede(controls, observation.now)
        notes.extend(superseded)
    return (controls, tuple(notes)) if notes else None


def _is_new(request: VerbRequest, controls: Controls) -> bool:
    known = find_control(controls, request.verb)
    return known is None or known.token != canonical_token(request.token)


def _conflicts(verb: Verb, requested: set[Verb], controls: Controls) -> bool:
    if verb not in _OPPOSITES:
        return False
    opposite = find_control(controls, _OPPOSITES[verb])
    return _OPPOSITES[verb] in requested or (opposite is not None and opposite.result is ControlResult.ACCEPTED)


_OPPOSITES: Mapping[Verb, Verb] = {Verb.CONFIRM: Verb.REVERT, Verb.REVERT: Verb.CONFIRM}


def _undo_opposite(verb: Verb, controls: Controls, now: dt.datetime) -> tuple[Controls, tuple[Note, ...]]:
    message = "confirm and revert contradict each other (ConflictingVerbs)"
    return settle(controls, _OPPOSITES[verb], ControlResult.REJECTED, message, now=now)


def _record(
    request: VerbRequest, observation: Observation, known: Control | None, *, result: ControlResult, message: str
) -> Control:
    if known is not None and known.result is ControlResult.ACCEPTED and result is ControlResult.REJECTED:
        # The order in force stays in force: a mistyped second token must not lose it.
        return known.model_copy(
            update={
                "token": canonical_token(request.token),
                "message": f"the order stays in force; a later token was rejected: {message}",
                "time": observation.now,
            }
        )
    is_renewed = known is not None and known.result is ControlResult.ACCEPTED and result is ControlResult.ACCEPTED
    return Control(
        verb=request.verb,
        token=canonical_token(request.token),
        attempt=observation.status.attempt or 1,
        result=result,
        message=message,
        time=observation.now,
        sent_time=known.sent_time if known is not None and is_renewed else None,
        field_manager=request.field_manager or None,
    )


def _rule(
    request: VerbRequest, observation: Observation[F], refuse: Callable[[Verb, Observation[F]], str]
) -> tuple[ControlResult, str]:
    status, spec = observation.status, observation.migration.spec
    attempt = status.attempt or 1
    if objection := object_to_token(request.token, attempt):
        return ControlResult.REJECTED, objection
    if request.verb is Verb.RECONCILE:
        return ControlResult.DONE, "everything is read again"
    if status.phase not in FINISHED and (why := refuse(request.verb, observation)):
        return ControlResult.UNSUPPORTED, why
    if not is_legal(request.verb, status):
        return ControlResult.REJECTED, _object_to_moment(request.verb, status)
    if request.verb is Verb.RETRY:
        return _rule_retry(status, spec, attempt)
    return ControlResult.ACCEPTED, "will be carried out as soon as the cloud allows it"


def object_to_token(token: str, attempt: int, *, of: str = "attempt") -> str:
    """Say what is wrong with a token; empty when nothing is.

    Args:
        token: as it was seen.
        attempt: the current one.
        of: the word for what is counted.
    """
    if not token:
        return "the token is empty; set the annotation to any text of 1 to 63 characters"
    if len(token) > TOKEN_MAX_LENGTH:
        return f"the token is longer than {TOKEN_MAX_LENGTH} characters"
    bound = _BOUND.fullmatch(token)
    if bound and int(bound[1]) != attempt:
        fit = f"{attempt}{bound[2] or '/' + token}"
        return (
            f"the token is bound to {of} {bound[1]}, the current {of} is {attempt}: {fit} would do, or any text "
            "that is not a number"
        )
    return ""


def _object_to_moment(verb: Verb, status: MigrationStatus) -> str:
    if status.phase in FINISHED:
        return f"the Migration is over ({status.phase})"
    match verb:
        case Verb.CONFIRM | Verb.REVERT:
            return (
                f"only a move that awaits its confirmation can be decided on, this one is {status.phase or 'new'}; "
                f"give the order again then, with another token such as {status.attempt or 1}/{verb}"
            )
        case Verb.RETRY:
            return f"only a Migration that is over can be tried again, this one is {status.phase or 'new'}"
        case _:
            return f"the move is {status.phase} already"


def _rule_retry(status: MigrationStatus, spec: MigrationSpec, attempt: int) -> tuple[ControlResult, str]:
    if status.phase is Phase.SUCCEEDED:
        return ControlResult.REJECTED, "the Migration has succeeded"
    if spec.adopt is not None:
        return ControlResult.REJECTED, "a migration that was adopted was not started here; make a new Migration"
    if status.failure is not None and status.failure.reason in SPLIT_STATES:
        return (
            ControlResult.REJECTED,
            f"the cloud's record and its server disagree ({status.failure.reason}); see the runbook of that name",
        )
    if attempt >= LAST_ATTEMPT:
        return ControlResult.REJECTED, f"{LAST_ATTEMPT} attempts were made"
    return ControlResult.ACCEPTED, "another attempt will be made"


def _supersede(controls: Controls, now: dt.datetime) -> tuple[Controls, tuple[Note, ...]]:
    """Abort outranks every other order of a move under way."""
    abort = find_control(controls, Verb.ABORT)
    if abort is None or abort.result is not ControlResult.ACCEPTED:
        return controls, ()
    notes: tuple[Note, ...] = ()
    for verb in (Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT, Verb.RUN_NOW):
        controls, told = settle(controls, verb, ControlResult.SUPERSEDED, "abort outranks it", now=now)
        notes += told
    return controls, notes
