"""The phases of a plan in groups."""

from __future__ import annotations

from osmig.api.plan_names import PlanPhase

PLAN_FINISHED = frozenset({PlanPhase.SUCCEEDED, PlanPhase.FAILED, PlanPhase.ABORTED, PlanPhase.EXPIRED})
"""Phases with ``Finished=True``."""

PLAN_HELD = frozenset({PlanPhase.WAITING, PlanPhase.AWAITING_APPROVAL, PlanPhase.PAUSED})
"""Phases of a plan that waits for people or a time and begins nothing; they do not count against its deadline."""
