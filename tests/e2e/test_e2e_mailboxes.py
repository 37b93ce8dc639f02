"""How a job of mailboxes goes on the real API server: each state, each fault of the order, each error of the service.

What the API server adds nothing to is told by a clock in ``tests/unit/test_mailboxes_*.py``: how long is waited, what a
list may have wrong, what is asked how often.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from e2e_mail import IN_TIME, SECOND, TWICE, Service, open_customer, open_service
from e2e_status import condition, has_trouble, is_paused, is_ready, outcome
from e2e_waldur import check, message
from lab.hosting import Fault, HostingWorld, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from e2e_move import HostPair
    from e2e_tenant import Tenant
    from lab.cluster import Cluster
    from lab.osmig_run import OsmigRun

SERVICES = 3
"""That the states are spread over: each is asked ten times a second at most, and each job once."""

TOLERATE = {"onErrors": "Tolerate"}


@pytest.fixture(scope="module")
def customer(crds: Cluster, operator: OsmigRun) -> Iterator[Tenant]:
    """A namespace for the scenes of this file, each with a service of its own."""
    assert operator.returncode is None
    with open_customer(crds) as tenant:
        yield tenant


@dataclass(frozen=True, slots=True)
class Shown:
    """What the service shows of a job, and what is to become of the Migration.

    Attributes:
        change: fields of the job.
        failed: of its two mailboxes.
        options: of ``spec.mailboxes``.
    """

    status: str
    phase: str
    reason: str
    detail: str = "first execution"
    failed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)


SHOWN = {
    "validating": Shown("validating", "Starting", "Preparing", detail=""),
    "to-schedule": Shown("to_schedule", "Starting", "ScheduledUpstream", options=IN_TIME, detail=""),
    "scheduled": Shown("Scheduled", "Starting", "ScheduledUpstream", options=IN_TIME, detail=""),
    "late": Shown("scheduled", "Starting", "Late", options=IN_TIME, change={"is_late": True}),
    "running": Shown("RUNNING", "Running", "Running"),
    "running-second": Shown("running", "Running", "Running", detail="second execution", options=TWICE),
    "first-completed": Shown("completed", "Running", "ScheduledUpstream", options=TWICE),
    "unknown": Shown("awaiting moon", "Starting", "Unknown"),
    "completed": Shown("completed", "Succeeded", "Succeeded"),
    "second-completed": Shown("completed", "Succeeded", "Succeeded", detail="second execution", options=TWICE),
    "completed-with-one-failed": Shown("completed", "Failed", "MailboxesFailed", failed=1),
    "with-errors": Shown("completed_with_errors", "Failed", "MailboxesFailed", failed=1),
    "tolerated": Shown("completed_with_errors", "Succeeded", "PartiallySucceeded", failed=1, options=TOLERATE),
    "not-so-many": Shown(
        "completed_with_errors", "Failed", "MailboxesFailed", failed=2, options=TOLERATE | {"maxFailedMailboxes": 1}
    ),
    "failed": Shown("failed", "Failed", "MailboxesFailed", failed=2, options=TOLERATE),
    "another-count": Shown("running", "Running", "Running", change={"resources": 3}),
}


@pytest.fixture(scope="module")
def played(customer: Tenant) -> Iterator[dict[str, HostPair]]:
    """A Migration for each row, and the service showing what the row says."""
    moves: dict[str, HostPair] = {}
    with ExitStack() as stack:
        for number in range(SERVICES):
            rows = dict(list(SHOWN.items())[number::SERVICES])
            service = stack.enter_context(open_service(customer, name=f"states-{number}"))
            moves |= service.copy_each({name: shown.options for name, shown in rows.items()})
            for name, shown in rows.items():
                code = service.end(name, shown.status, failed=shown.failed, detail=shown.detail)
                service.world.jobs[code] |= shown.change
        yield moves


@pytest.mark.parametrize("row", SHOWN)
def test_what_the_service_shows_is_told_as(played: dict[str, HostPair], row: str) -> None:
    shown, move = SHOWN[row], played[row]
    move.until(lambda status: outcome(status) == (shown.phase, shown.reason), what=f"{shown.phase}/{shown.reason}")
    assert move.status["upstream"]["status"] == shown.status


def test_an_unknown_word_is_told_by_one_event(played: dict[str, HostPair], customer: Tenant) -> None:
    played["unknown"].until_upstream("awaiting moon")
    played["unknown"].reconcile()
    assert [event["reason"] for event in customer.events("unknown")].count("UnknownState") == 1


def test_mailboxes_are_counted_and_those_that_failed_told_by_row(played: dict[str, HostPair]) -> None:
    status = played["with-errors"].until_finished()
    assert status["progress"]["items"] == {"of": "mailboxes of the job", "total": 2, "done": 1, "failed": 1}
    assert status["mailboxes"]["failed"] == [{"row": 1, "error": "login refused"}]
    running = played["running"].until(lambda status: status.get("progress"), what="progress")
    assert running["progress"]["items"]["done"] == 2


def test_dates_execution_lateness_and_another_count_are_in_status(played: dict[str, HostPair]) -> None:
    assert played["running-second"].until_phase("Running")["mailboxes"]["secondExecutionTime"] == SECOND
    assert played["running-second"].status["mailboxes"]["execution"] == "second execution"
    late = played["late"].until(lambda status: status.get("mailboxes", {}).get("late"), what="late")
    assert late["mailboxes"]["firstExecutionTime"] == IN_TIME["firstExecutionTime"]
    counted = played["another-count"].until(lambda status: check(status, "Resources"), what="another count")
    assert check(counted, "Resources")["result"] == "Warn"


# --- faults of the order

FAULTS = {
    "error-after": (Fault.ERROR_AFTER, 1),
    "error-before": (Fault.ERROR_BEFORE, 2),
    "lost-after": (Fault.LOST_AFTER, 1),
    "lost-before": (Fault.LOST_BEFORE, 2),
    "late-commit": (Fault.LATE, 1),
    "too-many": (Fault.TOO_MANY, 2),
    "unnamed": (Fault.UNNAMED, 1),
    "by-location": (Fault.BY_LOCATION, 1),
}
"""What becomes of the first POST, and how many there are in the end."""

REFUSALS = {
    "invalid": (Fault.INVALID, "InvalidSpec", "objects to spec.mailboxes.preset, the list of mailboxes"),
    "forbidden": (
        Fault.FORBIDDEN,
        "NotPermitted",
        "the token has no right to it, or the customer has no billing profile",
    ),
}
RETRY_AFTER_S = 2


def move_ours(world: HostingWorld, times: int) -> Callable[[int], None]:
    """Move the newest job from the last page to the first while the second page is read, so many times."""
    left = iter(range(times))

    def move(page: int) -> None:
        if page == 2 and world.lists and next(left, None) is not None:
            code = next(iter(world.lists))
            world.jobs = {code: world.jobs.pop(code)} | world.jobs

    return move


def make_worlds() -> dict[str, HostingWorld]:
    """Make services whose lists are hard to read; each loses the answer to its first order."""
    worlds = {
        "renamed": HostingWorld(renames=True),
        "odd": HostingWorld(odd_rows=[None, 7, {}, {"code": None}, {"code": "MG1", "status": 5, "created_at": "now"}]),
        "moving": HostingWorld(page_rows=4),
        "uncounted": HostingWorld(counts=False, page_rows=4),
    }
    for world in worlds.values():
        world.faults["POST"] = [Fault.LOST_AFTER]
        for number in range(9):
            world.make_job(name=f"other-{number}.csv", status="completed")
    worlds["moving"].on_page = move_ours(worlds["moving"], times=2)
    return worlds


@dataclass(frozen=True, slots=True)
class Ordered:
    """A Migration and the service that was to make its job."""

    service: Service
    move: HostPair


@pytest.fixture(scope="module")
def ordered(customer: Tenant) -> Iterator[dict[str, Ordered]]:
    """A Migration for each fault and refusal, and for each service that is hard to read."""
    faulty = HostingWorld(retry_after_s=RETRY_AFTER_S)
    faulty.faults = {f"POST {name}": [fault] for name, (fault, *_) in (FAULTS | REFUSALS).items()}
    faulty.on_page = lambda _: faulty.settle_late()
    with ExitStack() as stack:
        service = stack.enter_context(open_service(customer, faulty, name="faulty"))
        found = {
            name: Ordered(service, move)
            for name, move in service.copy_each({name: {} for name in (*FAULTS, *REFUSALS)}).items()
        }
        for name, world in make_worlds().items():
            service = stack.enter_context(open_service(customer, world, name=name))
            found[name] = Ordered(service, service.copy(name))
        yield found


@pytest.mark.parametrize("name", FAULTS)
def test_one_job_is_made_whatever_becomes_of_the_answer(ordered: dict[str, Ordered], name: str) -> None:
    service, move = ordered[name].service, ordered[name].move
    upstream = move.until(lambda status: status.get("upstream"), what="a job")["upstream"]
    assert upstream["id"] == service.end(name)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert service.count_sent(name) == FAULTS[name][1]
    assert "pendingCall" not in move.status


@pytest.mark.parametrize("name", make_worlds())
def test_one_job_is_found_however_the_list_is(ordered: dict[str, Ordered], name: str) -> None:
    service, move = ordered[name].service, ordered[name].move
    upstream = move.until(lambda status: status.get("upstream"), what="a job")["upstream"]
    assert upstream["id"] == service.end(name)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert (service.count_sent(name), len(service.world.lists)) == (1, 1)


def test_an_order_is_not_repeated_before_retry_after_is_over(ordered: dict[str, Ordered]) -> None:
    service = ordered["too-many"].service
    ordered["too-many"].move.until(lambda status: status.get("upstream"), what="a job")
    posts = [
        at for at, what in zip(service.world.times, service.world.requests, strict=True) if what.startswith("POST")
    ]
    sent = [at for at, name in zip(posts, service.world.sent, strict=True) if name.startswith("too-many-")]
    assert sent[1] - sent[0] >= RETRY_AFTER_S


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_fields_and_rights_and_never_values(ordered: dict[str, Ordered], name: str) -> None:
    status = ordered[name].move.until_finished()
    _, reason, told = REFUSALS[name]
    assert outcome(status) == ("Failed", reason)
    assert told in message(status)
    assert ordered[name].service.count_sent(name) == 1


# --- the service itself


BROKEN: Mapping[str, tuple[Reply | None, str, str]] = {
    "unauthorized": (None, "Unauthorized", "does not accept the token"),
    "forbidden": (
        Reply(403, b'{"message": "no", "errors": []}'),
        "NotPermitted",
        "no right to it, or the customer has no billing",
    ),
    "elsewhere": (Reply(404, b"<html>nothing here</html>"), "Unsupported", "no such API at the endpoint"),
    "busy": (Reply(429, b"", {"Retry-After": "1"}), "Unreachable", "429"),
}


def test_a_service_that_refuses_is_told_as_a_condition_and_used_when_it_is_well(customer: Tenant) -> None:
    with ExitStack() as stack:
        services = {
            name: stack.enter_context(open_service(customer, HostingWorld(every_read=reply), name=f"broken-{name}"))
            for name, (reply, *_) in BROKEN.items()
        }
        services["unauthorized"].put_token("another")
        for name, (_, reason, told) in BROKEN.items():
            status = customer.until_provider(has_trouble(reason), what=reason, name=f"broken-{name}")
            assert told in condition(status, "Ready")["message"]
        services["unauthorized"].put_token()
        for service in services.values():
            service.world.every_read = None
        for name in BROKEN:
            customer.until_provider(is_ready, what="ready", name=f"broken-{name}")


def test_a_job_goes_on_while_its_token_is_refused_and_ends_when_somebody_deletes_it(customer: Tenant) -> None:
    with open_service(customer, name="rotated") as service:
        moves = service.copy_each({"kept-on": {}, "deleted": {}})
        for name, move in moves.items():
            service.job(name)["status"] = "running"
            move.until_phase("Running")
        service.put_token("another")
        status = moves["kept-on"].until(is_paused, what="paused")
        assert status["phase"] == "Running"
        service.put_token()
        del service.world.jobs[service.world.find("deleted-")]
        assert outcome(moves["deleted"].until_finished()) == ("Failed", "RecordGone")
        service.end("kept-on")
        assert outcome(moves["kept-on"].until_finished()) == ("Succeeded", "Succeeded")
        assert len(service.world.sent) == 2
