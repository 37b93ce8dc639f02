"""The phases of a plan in groups."""

from __future__ import annotations

from osmig.api.plan_names import PlanPhase

PLAN_FINISHED = frozenset({PlanPhase.SUCCEEDED, PlanPhase.FAILED, PlanPhase.ABORTED, PlanPhase.EXPIRED})
"""Phases with ``Finished=True``."""
