"""Why an operation failed, from the events of its action and the server's fault. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from osmig.api.names import Reason
from osmig.drivers.servers.nova.lookup import END_ACTIONS, MOVE_ACTIONS
from osmig.drivers.servers.nova.texts import known_refusal, reason_of_event
from osmig.drivers.servers.nova.translate import read_events
from osmig.drivers.servers.views import Explanation
from osmig.net.cleaning import clean_text, cut_raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osmig.drivers.servers.nova.translate import ActionView

UNEXPLAINED = Explanation(reason=None, message="The cloud gives no reason")
"""Nova leaves none for a hypervisor that gave up, and hides most from credentials without an administrator's rights."""

MAX_EVENTS = 20
"""Failed events of one action that are looked at; Nova's own moves have one or two."""

_EVENT_SENTENCES = {Reason.PRE_CHECK_FAILED: "The check before the move failed"}


def pick_action(actions: Sequence[ActionView], request_id: str | None) -> str | None:
    """Choose the action that tells why a move failed: its start, or what came to grief after it.

    Args:
        actions: of the server, newest first.
        request_id: of the start; without it, the newest action of any move that failed is taken.
    """
    own = next((action for action in actions if action.request_id == request_id), None)
    if request_id is not None and (own is None or own.is_failed):
        return request_id
    for action in actions:
        if action is own:
            break
        if action.is_failed and action.name.lower() in MOVE_ACTIONS | END_ACTIONS:
            return action.request_id
    return request_id


def explain(action: Mapping[str, Any], *, fault: str = "") -> Explanation:
    """Find the most telling of the texts; a pre-check's own words tell more than the scheduler's that follow them.

    Args:
        action: Nova's action with its events; ``details`` are there for administrators from 2.84 on.
        fault: the server's fault, when it is in ERROR.
    """
    events = _failed_events(action)
    texts = [cut_raw(detail) for event in events if isinstance(detail := event.get("details"), str) and detail]
    known = [found for text in (*texts, fault) if (found := known_refusal(text))]
    for reason in (Reason.PRE_CHECK_FAILED, *(reason for reason, _ in known)):
        for candidate, sentence in known:
            if candidate == reason:
                return Explanation(reason=reason, message=sentence)
    for event in events:
        if not texts and (hint := reason_of_event(str(event.get("event")))) is not None:
            return Explanation(reason=hint, message=_EVENT_SENTENCES[hint])
    for text in (*texts, fault):
        if cleaned := clean_text(text):
            return Explanation(reason=None, message=cleaned)
    return UNEXPLAINED


def _failed_events(action: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    failed = (event for event in read_events(action) if str(event.get("result")).lower() == "error")
    return list(islice(failed, MAX_EVENTS))
