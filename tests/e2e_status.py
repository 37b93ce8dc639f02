"""What a status says in end-to-end tests: conditions, orders, phase and reason, and what kstatus makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


def control(status: Json, verb: str) -> Json:
    """Return the last order of a verb; empty when there was none."""
    return next((dict(entry) for entry in status.get("controls", ()) if entry["verb"] == verb), {})


def condition(status: Json, kind: str) -> Json:
    """Return a condition by its type; empty when there is none."""
    return next((dict(entry) for entry in status.get("conditions", ()) if entry["type"] == kind), {})


def verdicts(status: Json) -> dict[str, str]:
    """Return all conditions as type to status."""
    return {entry["type"]: entry["status"] for entry in status.get("conditions", ())}


def outcome(status: Json) -> tuple[str, str]:
    """Return phase and reason."""
    return status["phase"], condition(status, "Succeeded")["reason"]


def is_paused(status: Json) -> bool:
    """Whether the Migration says that its Provider cannot be used."""
    return condition(status, "ProviderReady").get("status") == "False"


def is_queued_behind_somebody(status: Json) -> bool:
    """Whether the Migration waits for its server to be free."""
    return status.get("phase") == "Queued" and outcome(status) == ("Queued", "ServerBusy")


def is_ready(status: Json) -> bool:
    """Whether a Provider is ready."""
    return condition(status, "Ready").get("status") == "True"


def has_trouble(reason: str) -> Callable[[Json], bool]:
    """Make a test of a Provider's status: not ready for this reason."""

    def is_told(status: Json) -> bool:
        ready = condition(status, "Ready")
        return (ready.get("status"), ready.get("reason")) == ("False", reason)

    return is_told


def brief(status: Json) -> str:
    """Sum a status up in one line, for messages of tests that fail."""
    succeeded = condition(status, "Succeeded")
    upstream, orders = status.get("upstream", {}), status.get("controls", ())
    said = {entry["verb"]: (entry["token"], entry["result"], entry.get("message")) for entry in orders}
    return (
        f"phase {status.get('phase')}, {succeeded.get('status')}/{succeeded.get('reason')} "
        f"{succeeded.get('message')!r}, upstream {upstream.get('id')} {upstream.get('status')}, "
        f"pending call {status.get('pendingCall')}, controls {said}"
    )


def kstatus(body: Json) -> str:
    """Say what kstatus, and with it Flux and kubectl-based tools, makes of an object without rules of its own.

    The order of the checks is that of the library sigs.k8s.io/cli-utils: deletion, generation, the two abnormal-true
    conditions (the first one met wins), at last Ready.
    """
    metadata, status = body["metadata"], body.get("status", {})
    if "deletionTimestamp" in metadata:
        return "Terminating"
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return "InProgress"
    for entry in status.get("conditions", ()):
        if entry["status"] == "True" and entry["type"] in {"Reconciling", "Stalled"}:
            return "InProgress" if entry["type"] == "Reconciling" else "Failed"
    ready = condition(status, "Ready")
    return "Current" if not ready or ready["status"] == "True" else "InProgress"
