"""The demo's list of mailboxes: its manifests, the service's own part, and what it must come to."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from lab import demo_mailboxes
from lab.demo_mailboxes import FAILING, LOCALS, NAME, PASSWORD, STEP_S, Copying, describe_copy, describe_hosting, judge
from lab.demo_story import awaits_order
from lab.demo_table import read_row, render_row
from lab.hosting import TOKEN, HostingWorld
from osmig.api.migration import parse_migration
from osmig.api.provider import parse_provider
from osmig.drivers.mailboxes.policy.csv_list import read_list

META = {"namespace": "demo", "uid": "u"}
TODAY = date(2030, 1, 1)


def ordered() -> HostingWorld:
    """A service that was asked to copy the demo's list; its answer is lost."""
    world = HostingWorld()
    Copying(world)
    body = b'{"csv_file_name": "wave-1-x-1.csv", "csv_file_content": "%s", "preset": "p", "execute_now": true}'
    content = demo_mailboxes.write_list().replace("\n", "\\n").encode()
    assert world.answer("POST", "/api/migrations", body % content, token=TOKEN) is None
    return world


def run_now(world: HostingWorld) -> None:
    """Let somebody order that the first execution begins."""
    world.answer("PUT", "/api/migrations/MG00000001", b'{"execution": "first"}', token=TOKEN)


def ended(phase: str = "Succeeded", failed: Any = None) -> dict[str, Any]:  # noqa: ANN401 - rows of a status
    rows = [{"row": FAILING + 1, "error": "login refused"}] if failed is None else failed
    return {"metadata": {"name": NAME}, "status": {"phase": phase, "mailboxes": {"failed": rows}}}


def test_the_manifests_are_ones_that_osmig_follows_and_begin_in_time() -> None:
    provider, migration = (
        body | {"metadata": body["metadata"] | META}
        for body in (describe_hosting("http://127.0.0.1:1"), describe_copy(TODAY))
    )
    assert parse_provider(provider).spec.secret_name == demo_mailboxes.SECRET
    options = parse_migration(migration).spec.mailboxes
    assert options is not None
    assert options.csv_secret_ref.secret_name == NAME
    assert str(options.first_execution_time) == "2030-01-02 22:00:00+00:00"
    assert not demo_mailboxes.is_over(migration)
    assert demo_mailboxes.is_over(ended("Failed"))


def test_the_list_is_one_that_osmig_takes() -> None:
    reading = read_list(demo_mailboxes.write_list().encode())
    assert (reading.rows, reading.problems) == (len(LOCALS), [])


def test_the_service_copies_nothing_before_the_order_and_one_mailbox_fails() -> None:
    world, times = ordered(), iter(range(0, 1000, int(STEP_S)))
    copying = Copying(world, clock=lambda: float(next(times)))
    for _ in range(9):
        copying.go_on()
    assert [job["status"] for job in world.jobs.values()] == ["scheduled"]
    run_now(world)
    for _ in range(12):
        copying.go_on()
    assert [job["status"] for job in world.jobs.values()] == ["completed_with_errors"]
    words = [row["status"] for row in world.mailboxes["MG00000001"]]
    assert words == ["success", "success", "error", "success"]


def test_the_order_is_due_when_the_service_has_the_job() -> None:
    def told(reason: str) -> dict[str, Any]:
        return {"phase": "Starting", "conditions": [{"type": "Succeeded", "reason": reason}]}

    assert awaits_order(demo_mailboxes.PART, told("ScheduledUpstream"), [])
    assert not awaits_order(demo_mailboxes.PART, told("Preparing"), [])
    assert not awaits_order(demo_mailboxes.PART, {}, [])


def test_a_job_shows_how_many_mailboxes_are_done() -> None:
    body = ended()
    body["status"]["progress"] = {"items": {"of": "mailboxes", "total": 4, "done": 3, "failed": 1}}
    assert render_row(read_row(body)).split() == ["wave-1", "Succeeded", "[######..]", "3/4"]


def test_nothing_is_complained_of_when_one_job_was_made_and_begun_and_nothing_shown() -> None:
    world = ordered()
    run_now(world)
    assert judge(ended(), world, ["log", "objects"]) == []


@pytest.mark.parametrize(
    ("body", "is_begun", "told", "complaint"),
    [
        (ended("Failed"), True, "", "wave-1 is Failed instead of Succeeded: no failure is recorded"),
        (ended(), False, "", "wave-1: the service was sent {'POST': 1, 'PUT': 0} and has 1 jobs, not one of each"),
        (ended(failed=[]), True, "", "wave-1: row 3 alone could not be copied, the status tells of []"),
        (ended(), True, f"login of ann@ with {PASSWORD}", "wave-1: 2 words of its list were shown"),
    ],
)
def test_each_broken_promise_is_named(body: dict[str, Any], told: str, complaint: str, *, is_begun: bool) -> None:
    world = ordered()
    if is_begun:
        run_now(world)
    assert judge(body, world, [told]) == [complaint]
