"""Which Migration that is over is followed by another attempt, or by another Migration."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from osmig.api.names import ControlResult, MigrationType, Verb
from osmig.api.plan_names import PlanVerb
from osmig.api.plan_options import FallbackMethod
from osmig.domain.plans.window_end import find_cut

if TYPE_CHECKING:
    from osmig.api.plan import PlanSpec
    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.children import ChildView

MAX_CHILDREN = 9
"""How many Migrations one server gets at most: one that comes back again and again needs a person."""


def wants_fallback(child: ChildView, spec: PlanSpec) -> bool:
    """Whether a live move ended so that the plan wants a cold one instead."""
    fallback = spec.fallback
    return (
        fallback is not None
        and fallback.method is FallbackMethod.COLD
        and child.type is MigrationType.LIVE_MIGRATION
        and child.is_finished
        and child.reason in fallback.reasons
        and child.index < MAX_CHILDREN
    )


def find_retry_token(child: ChildView, status: PlanStatus) -> str | None:
    """Return the token of the order to try again that a Migration has not got yet; ``None`` if it is to get none.

    The plan's own ``retry`` is meant for what had ended by then. What a window's end called off is tried again by
    itself, as often as a server gets Migrations.
    """
    cut = find_cut(child) if child.attempt < MAX_CHILDREN else None
    if cut is not None:
        return cut
    control = next((control for control in status.controls if control.verb is PlanVerb.RETRY), None)
    if control is None or control.result is not ControlResult.DONE or control.round + 1 != status.round:
        return None
    ended, token = child.completion_time or dt.datetime.min.replace(tzinfo=dt.UTC), f"plan-round-{status.round}"
    return token if ended <= control.time and child.tokens.get(Verb.RETRY) != token else None
