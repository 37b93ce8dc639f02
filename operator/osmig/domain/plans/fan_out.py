"""Orders to a plan that its Migrations carry out: each gets its own verb, with a token that is the same every time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, Phase, Verb
from osmig.api.plan_names import PlanVerb
from osmig.domain.plans.decisions import OrderChild
from osmig.domain.plans.verbs import find_control, is_active, settle_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from osmig.api.plan_status import PlanControl, PlanStatus
    from osmig.domain.observation import Note
    from osmig.domain.plans.children import ChildView
    from osmig.domain.plans.observation import PlanObservation

_CONCERNED: Mapping[PlanVerb, tuple[Verb, Callable[[ChildView], bool]]] = {
    PlanVerb.CONFIRM: (Verb.CONFIRM, lambda child: child.phase is Phase.AWAITING_CONFIRMATION),
    PlanVerb.REVERT: (Verb.REVERT, lambda child: child.phase is Phase.AWAITING_CONFIRMATION),
    PlanVerb.FORCE_COMPLETE: (Verb.FORCE_COMPLETE, lambda child: child.is_in_flight and child.is_stalled),
}


def order_children(
    observation: PlanObservation, status: PlanStatus
) -> tuple[PlanStatus, tuple[OrderChild, ...], tuple[Note, ...]]:
    """Return the orders that Migrations have not recorded yet; an order that all have recorded is done."""
    orders: list[OrderChild] = []
    notes: tuple[Note, ...] = ()
    for verb, (child_verb, concerns) in _CONCERNED.items():
        control = find_control(status, verb)
        if control is None or not is_active(status, verb):
            continue
        missing = give(filter(concerns, observation.children), child_verb, _token(control))
        orders += missing
        if not missing:
            text = "every Migration that it concerned has the order"
            status, told = settle_all(status, (verb,), ControlResult.DONE, text, observation)
            notes += told
    return status, tuple(orders), notes


def abort_children(observation: PlanObservation) -> tuple[OrderChild, ...]:
    """Return the order to call off for every Migration under way; what has arrived is left to who confirms."""
    return call_off(observation.children, f"plan-abort-{observation.status.round}")


def call_off(children: Iterable[ChildView], token: str) -> tuple[OrderChild, ...]:
    """Return the order to abort for every Migration under way that has not recorded it."""
    return give((child for child in children if child.is_in_flight), Verb.ABORT, token)


def give(children: Iterable[ChildView], verb: Verb, token: str) -> tuple[OrderChild, ...]:
    """Return the same order for each of these Migrations that has not recorded it."""
    return tuple(
        OrderChild(name=child.name, verb=verb, token=token) for child in children if child.tokens.get(verb) != token
    )


def _token(control: PlanControl) -> str:
    return f"plan-{hashlib.sha256(control.token.encode()).hexdigest()[:10]}"
