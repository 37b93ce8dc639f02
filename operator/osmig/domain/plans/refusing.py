"""What keeps a plan's Migrations from being made that neither time nor the cloud ends, but a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.plan_names import PlanPhase, PlanReason
from osmig.domain.plans.choosing import has_made_all
from osmig.domain.plans.conditions import PlanVerdict
from osmig.domain.plans.scenes import UNDER_WAY, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from osmig.domain.plans.decisions import Effect
    from osmig.domain.plans.stock import Stock


def find_refusal(stock: Stock, chosen: Sequence[Effect]) -> PlanVerdict | None:
    """Say what keeps Migrations from being made that a person must act upon; ``None`` while something goes on."""
    observation = stock.observation
    if observation.names_taken and not chosen:
        reason = PlanReason.NAME_TAKEN
        text = f"Migrations of these names are not the plan's: {', '.join(sorted(observation.names_taken)[:3])}"
    elif any(stock.scene.at(*UNDER_WAY)) or not any(stock.scene.at(Place.PENDING)):
        return None
    elif has_made_all(observation):
        reason = PlanReason.TOO_MANY_MIGRATIONS
        text = f"the plan has made {len(observation.children)} Migrations; make another one for what is left"
    elif observation.refusal:
        reason, text = PlanReason.MIGRATIONS_REFUSED, observation.refusal
    else:
        return None
    return PlanVerdict(phase=PlanPhase.RUNNING, reason=reason, message=text, is_stalled=True)
