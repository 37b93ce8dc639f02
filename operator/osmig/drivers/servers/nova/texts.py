"""Nova's words made fit for tenants: known texts become our own sentences, others are cut and cleaned."""

from __future__ import annotations

import re

from osmig.api.names import Reason
from osmig.net.cleaning import clean_text, cut_raw

_NO_VALID_HOST = "The scheduler found no host that can take the server"
_PATTERNS: tuple[tuple[re.Pattern[str], Reason, str | None], ...] = (
    (re.compile(r"pre-?check error:?\s*(?P<why>.*)", re.IGNORECASE), Reason.PRE_CHECK_FAILED, None),
    (re.compile(r"no valid host was found", re.IGNORECASE), Reason.NO_VALID_HOST, _NO_VALID_HOST),
    (
        re.compile(r"compute host \S+ could not be found", re.IGNORECASE),
        Reason.START_REFUSED,
        "The cloud has no compute host of the name given as destination",
    ),
    (
        re.compile(
            r"unable to migrate instance .{0,300} to current host|cannot migrate to the host where the server exists",
            re.IGNORECASE,
        ),
        Reason.START_REFUSED,
        "The server already is on the destination host",
    ),
    (
        re.compile(r"compute service of \S+ is unavailable|service is unavailable at this time", re.IGNORECASE),
        Reason.START_REFUSED,
        "The compute service of a host that takes part is down",
    ),
    (re.compile(r"instance \S+ is locked", re.IGNORECASE), Reason.START_REFUSED, "The server is locked"),
    (re.compile(r"while it is in vm_state error", re.IGNORECASE), Reason.SERVER_IN_ERROR, "The server is in ERROR"),
    (
        re.compile(r"(?:feature|operation \S+) not supported (?:for|with|until|because)", re.IGNORECASE),
        Reason.START_REFUSED,
        "The cloud cannot move a server with devices, shares or protection such as this one's",
    ),
)
_VM_STATE = re.compile(r"while it is in vm_state (?P<state>[\w-]{1,32})", re.IGNORECASE)
_NOT_RESIZED = re.compile(r"instance has not been resized|while it is in vm_state (?!error)", re.IGNORECASE)
_TASK_STATE = re.compile(r"while it is in task_state (?P<state>[\w-]{1,32})", re.IGNORECASE)
_UNKNOWN_ACTION = re.compile(r"there is no such action", re.IGNORECASE)
_PRE_CHECK_EVENTS = ("compute_check_can_live_migrate_destination", "compute_check_can_live_migrate_source")


def known_refusal(text: str) -> tuple[Reason, str] | None:
    """Turn a text of Nova's that is known into a reason and our own sentence; ``None`` for any other."""
    text = cut_raw(text)
    for pattern, reason, sentence in _PATTERNS:
        found = pattern.search(text)
        if found is not None:
            return reason, sentence or _pre_check(found["why"])
    found = _VM_STATE.search(text)
    if found is not None:
        return Reason.START_REFUSED, f"The server cannot be moved while its state is {found['state'].lower()}"
    return None


def known_state(text: str) -> str | None:
    """Turn what keeps Nova from a confirm or revert into our own words, to follow a colon; ``None`` if not known."""
    text = cut_raw(text)
    if _NOT_RESIZED.search(text):
        return "the server does not wait for a confirmation"
    if (found := _TASK_STATE.search(text)) is not None:
        return f"the server's task state is {found['state'].lower()}"
    known = known_refusal(text)
    return known[1][:1].lower() + known[1][1:] if known is not None else None


def is_unknown_action(text: str) -> bool:
    """Whether the cloud says that it has no such call at all."""
    return _UNKNOWN_ACTION.search(cut_raw(text)) is not None


def is_busy_conflict(text: str) -> bool:
    """Whether a 409 says no more than that something is under way, maybe our own earlier call."""
    return "in task_state" in cut_raw(text).lower()


def is_quota(text: str) -> bool:
    """Whether a 403 says that a quota is used up."""
    return "quota exceeded" in text.lower() or "exceeded for quota" in text.lower()


def is_policy(text: str) -> bool:
    """Whether a 403 says that a policy forbids the call; one without words does not say anything else."""
    return not text or "policy" in text.lower()


def reason_of_event(event: str) -> Reason | None:
    """Name the reason that a failed event of an action stands for, where its details are hidden from us."""
    if event in _PRE_CHECK_EVENTS:
        return Reason.PRE_CHECK_FAILED
    return None


def _pre_check(why: str) -> str:
    detail = clean_text(why).rstrip(". ")
    return clean_text(f"The check before the move failed: {detail}") if detail else "The check before the move failed"
