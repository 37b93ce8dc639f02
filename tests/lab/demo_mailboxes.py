"""The part of the demo that copies mailboxes: one list, one order to begin before its time, and how it must end."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lab.demo_story import FINISHED, MAILBOXES, Part, judge_phase
from lab.hosting import TOKEN, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from lab.demo_stage import Stage
    from lab.hosting import HostingWorld

PROVIDER, SECRET = "hosting", "hosting"
PASSWORD = "correct-horse"  # noqa: S105 - of the double's mailboxes, looked for at the end
PART = Part(
    name="wave-1",
    plan="",
    host="",
    kind=MAILBOXES,
    verb="run-now",
    why="wave-1 is planned for tomorrow night; the shop moves today.",
)
NAME = PART.name
LOCALS = ("ann", "bob", "carla", "dan")
FAILING = 2
"""Index of the mailbox whose password is wrong."""

STEP_S = 4.0
"""How long the double takes for each of its steps."""

_API = "osmig.dev/v1alpha1"


class Copying:
    """The service's own part: it takes its time, and cannot log in to one mailbox."""

    def __init__(self, world: HostingWorld, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Let ``world`` make the job and cut the answer off: who orders again has two."""
        world.faults["POST"] = [Fault.LOST_AFTER]
        self.world = world
        self._clock = clock
        self._stepped_at = clock()

    def go_on(self) -> None:
        """Take the next step if it is time; without an order to begin nothing is copied."""
        if not self.world.jobs or self._clock() - self._stepped_at < STEP_S:
            return
        self._stepped_at = self._clock()
        ((code, job),) = self.world.jobs.items()
        rows = self.world.mailboxes[code]
        left = [row for row in rows if row["status"] == "running"]
        if job["status"] == "validating":
            job["status"] = "scheduled"
        elif job["status"] == "running" and left:
            is_bad = left[0] is rows[FAILING]
            left[0] |= {"status": "error", "error_details": ["LOGIN failed"]} if is_bad else {"status": "success"}
        elif job["status"] == "running":
            job |= {"status": "completed_with_errors", "resources_has_errors": True}


def apply(stage: Stage, url: str, *, today: date) -> None:
    """Bring the list of mailboxes; the service makes its job and cuts the answer off."""
    stage.board.say("\nMailboxes, too: their passwords go into one request, whose answer is lost, and nowhere else.")
    stage.create_secret(SECRET, url, token=TOKEN)
    stage.create_secret(NAME, url, mailboxes_csv=write_list())
    stage.kubectl("apply", "-f", stage.write(PROVIDER, describe_hosting(url)))
    stage.show_and_apply(NAME, describe_copy(today))


def write_list() -> str:
    """Return the list of mailboxes, a row each."""
    return "".join(f"{name}@shop.example;{name};{PASSWORD};imap.old.example\n" for name in LOCALS)


def describe_hosting(url: str) -> dict[str, Any]:
    """Return the manifest of the Provider; its Secret has the keys ``token`` and ``endpoint``."""
    hosting = {"endpoint": url, "tokenRef": {"secretName": SECRET}, "requestsPerSecond": 5}
    return {
        "apiVersion": _API,
        "kind": "Provider",
        "metadata": {"name": PROVIDER},
        "spec": {"type": "Hosting", "hosting": hosting},
    }


def describe_copy(today: date) -> dict[str, Any]:
    """Return the manifest of the Migration, which is to begin tomorrow night; its list is in a Secret of its name."""
    return {
        "apiVersion": _API,
        "kind": "Migration",
        "metadata": {"name": NAME},
        "spec": {
            "providerRef": {"name": PROVIDER},
            "type": MAILBOXES,
            "mailboxes": {
                "csvSecretRef": {"secretName": NAME},
                "preset": "Standard-SSL",
                "firstExecutionTime": f"{today + timedelta(days=1)}T22:00:00Z",
                "onErrors": "Tolerate",
            },
            "deadlineSeconds": 259_200,
        },
    }


def is_over(body: Mapping[str, Any]) -> bool:
    """Whether the Migration has ended, however."""
    return (body.get("status") or {}).get("phase") in FINISHED


def judge(body: Mapping[str, Any], world: HostingWorld, told: Sequence[str]) -> list[str]:
    """Compare what happened with what was promised.

    Args:
        body: the Migration at the end.
        world: the service.
        told: all that osmig wrote.

    Returns:
        One sentence for each promise that was broken; empty when all were kept.
    """
    status = body.get("status") or {}
    complaints = judge_phase(NAME, status, "Succeeded")
    counts = {method: world.count(method) for method in ("POST", "PUT")}
    if (counts, len(world.jobs)) != ({"POST": 1, "PUT": 1}, 1):
        complaints.append(f"{NAME}: the service was sent {counts} and has {len(world.jobs)} jobs, not one of each")
    failed = (status.get("mailboxes") or {}).get("failed")
    if failed != [{"row": FAILING + 1, "error": "login refused"}]:
        complaints.append(f"{NAME}: row {FAILING + 1} alone could not be copied, the status tells of {failed}")
    shown = [secret for secret in (PASSWORD, *(f"{name}@" for name in LOCALS)) if secret in "".join(told)]
    return [*complaints, *(f"{NAME}: {len(shown)} words of its list were shown" for _ in shown[:1])]
