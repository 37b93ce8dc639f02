"""The windows of a plan have closed: since when, and what becomes of the moves that are under way then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import EventReason, Phase, Verb
from osmig.api.plan_windows import OnWindowEnd, PlanWindowStatus, WindowsState
from osmig.domain.observation import Note
from osmig.domain.plans.fan_out import call_off
from osmig.domain.plans.windows import judge_windows

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.plan_status import PlanStatus
    from osmig.domain.plans.children import ChildView
    from osmig.domain.plans.decisions import OrderChild
    from osmig.domain.plans.observation import PlanObservation

_TOKEN = "plan-window-"  # noqa: S105 - an annotation's value


def note_windows(status: PlanStatus, observation: PlanObservation) -> PlanStatus:
    """Write down since when the windows are closed; windows that mean nothing close none.

    The moment is on record before the orders that it is the token of, so a process that dies between them gives each
    move one order.
    """
    schedule = observation.plan.spec.times
    if not schedule.windows:
        return status.model_copy(update={"window": None})
    windows = judge_windows(schedule, observation.now)
    is_closed = status.start_time is not None and not windows.is_open and not windows.problem
    now = PlanWindowStatus(
        state=WindowsState.OPEN if windows.is_open else WindowsState.CLOSED,
        name=", ".join(windows.names) or None,
        next_change_time=windows.change_time,
        closed_time=(find_closed(status) or observation.now) if is_closed else None,
    )
    return status.model_copy(update={"window": now})


def find_closed(status: PlanStatus) -> dt.datetime | None:
    """Return since when a plan that has begun has seen the windows closed; ``None`` while they are open."""
    return status.window.closed_time if status.window is not None else None


def end_window(status: PlanStatus, observation: PlanObservation) -> tuple[OrderChild, ...]:
    """Return the order to call off for each move under way, where the windows are closed and the plan says Abort."""
    closed = find_closed(status)
    if not wants_end(observation) or closed is None:
        return ()
    return call_off(observation.children, f"{_TOKEN}{closed:%Y%m%dT%H%M%SZ}")


def wants_end(observation: PlanObservation) -> bool:
    """Whether no move may outlast the windows."""
    return observation.plan.spec.times.on_window_end is OnWindowEnd.ABORT


def tell_end(before: PlanStatus, orders: tuple[OrderChild, ...]) -> tuple[Note, ...]:
    """Tell once that the windows closed over moves under way."""
    if not orders or find_closed(before) is not None:
        return ()
    text = f"onWindowEnd: the windows have closed; {len(orders)} moves under way are called off until they open again"
    return (Note(reason=EventReason.POLICY_ACTED, text=text),)


def find_cut(child: ChildView) -> str | None:
    """Return the token of the order by which a window's end called a move off; ``None`` if nothing did.

    The same token orders the next attempt, so each end of a window is answered by one.
    """
    token = child.tokens.get(Verb.ABORT, "")
    is_cut = child.phase is Phase.ABORTED and token.startswith(_TOKEN) and child.tokens.get(Verb.RETRY) != token
    return token if is_cut else None
