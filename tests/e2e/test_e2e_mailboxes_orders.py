"""Orders to jobs of mailboxes, what is checked before one is made, and that nothing of a list is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e_mail import IN_TIME, TWICE, open_customer, open_service
from e2e_status import control, has_trouble, outcome
from e2e_waldur import message
from hosting_support import ADDRESS, LIST, PASSWORD
from lab.hosting import Fault, HostingWorld, Reply
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_mail import Service
    from e2e_move import HostPair
    from e2e_tenant import Tenant
    from lab.cluster import Cluster
    from lab.osmig_run import OsmigRun

SCHEDULED = ("called-off", "kept", "begun", "lost-after", "lost-before", "whatever", "left")
GONE = "2020-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def customer(crds: Cluster, operator: OsmigRun) -> Iterator[Tenant]:
    """A namespace for the scenes of this file, each with a service of its own."""
    assert operator.returncode is None
    with open_customer(crds) as tenant:
        yield tenant


@pytest.fixture(scope="module")
def verbs(customer: Tenant) -> Iterator[Service]:
    """A service with a job of each Migration in ``SCHEDULED``, and the Migrations."""
    world = HostingWorld()
    world.faults = {"PUT lost-after": [Fault.LOST_AFTER], "PUT lost-before": [Fault.LOST_BEFORE]}
    with open_service(customer, world, name="verbs") as service:
        service.copy_each(dict.fromkeys(SCHEDULED, TWICE), deletionPolicy="Abort")
        for name in SCHEDULED:
            service.job(name)["status"] = "scheduled"
        yield service


def scheduled(service: Service, name: str) -> HostPair:
    """Return a Migration of ``SCHEDULED`` whose job waits for its time."""
    move = service.migration(name)
    move.until(lambda status: outcome(status) == ("Starting", "ScheduledUpstream"), what="scheduled")
    return move


def test_an_abort_deletes_the_job(verbs: Service) -> None:
    move = scheduled(verbs, "called-off")
    code = verbs.job("called-off")["code"]
    move.order("abort")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert control(move.status, "abort")["result"] == "Done"
    assert (code in verbs.world.jobs, verbs.world.requests.count(f"DELETE /api/migrations/{code}")) == (False, 1)


def test_an_abort_is_rejected_with_why_while_the_job_cannot_be_deleted(verbs: Service) -> None:
    move = scheduled(verbs, "kept")
    verbs.job("kept")["can_delete"] = False
    move.order("abort")
    told = move.until_control("abort", "Rejected")["message"]
    assert told == "the service does not let the job be deleted while it is scheduled"
    assert (outcome(move.status)[0], verbs.count("DELETE", "kept")) == ("Starting", 0)


def test_what_the_service_has_no_call_for_is_unsupported_with_a_reason(verbs: Service) -> None:
    move = scheduled(verbs, "whatever")
    for verb in ("force-complete", "confirm", "revert"):
        move.order(verb)
        assert move.until_control(verb, "Unsupported")["message"] == f"the service has no call to {verb} a job"


def test_run_now_begins_either_execution_and_the_end_of_the_first_is_not_the_end(verbs: Service) -> None:
    move = scheduled(verbs, "begun")
    move.order("run-now", "first")
    move.until_control("run-now", "Done")
    move.until_phase("Running")
    move.order("run-now", "too-soon")
    assert move.until_control("run-now", "Rejected")["message"] == "an execution is running"
    verbs.end("begun")
    move.until(lambda status: outcome(status) == ("Running", "ScheduledUpstream"), what="the second is to come")
    move.order("run-now", "second")
    move.until_control("run-now", "Done")
    verbs.end("begun", detail="second execution")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert verbs.count("PUT", "begun") == 2
    for verb in ("abort", "run-now", "force-complete", "retry"):
        move.order(verb, "afterwards")
        move.until_control(verb, "Rejected")


@pytest.mark.parametrize(("name", "result"), [("lost-after", "Done"), ("lost-before", "Rejected")])
def test_run_now_is_sent_once_when_its_answer_is_lost(verbs: Service, name: str, result: str) -> None:
    move = scheduled(verbs, name)
    move.order("run-now")
    move.until_control("run-now", result)
    assert verbs.count("PUT", name) == 1


def test_deleting_the_migration_deletes_the_job_first_where_it_says_so(verbs: Service) -> None:
    move = scheduled(verbs, "left")
    code = verbs.job("left")["code"]
    move.delete()
    assert code not in verbs.world.jobs


def test_retry_makes_another_job_of_another_name(customer: Tenant) -> None:
    with open_service(customer, name="retries") as service:
        move = service.copy("again")
        service.end("again", "failed")
        assert outcome(move.until_finished()) == ("Failed", "MailboxesFailed")
        move.order("retry")
        eventually(lambda: len(service.world.lists) == 2, what="another job")
        first, second = service.world.sent
        assert second == first.replace("-1.csv", "-2.csv")
        service.world.finish(service.world.find(second))
        move.until(lambda status: outcome(status) == ("Succeeded", "Succeeded"), what="Succeeded")


def test_run_now_is_for_administrators_and_nothing_is_sent_for_what_is_aborted_before(customer: Tenant) -> None:
    with open_service(customer, HostingWorld(is_admin=False), name="plain") as service:
        waiting = service.copy("waiting", suspend=True)
        move = service.copy("eager", options=IN_TIME)
        service.job("eager")["status"] = "scheduled"
        move.order("run-now")
        assert "administrators" in move.until_control("run-now", "Rejected")["message"]
        waiting.until_phase("Suspended")
        waiting.order("abort")
        assert outcome(waiting.until_finished()) == ("Aborted", "Aborted")
        assert service.count_sent("waiting") == 0


# --- checks


def test_a_validation_has_a_table_and_sends_nothing_and_what_cannot_be_ordered_is_told(customer: Tenant) -> None:
    with open_service(customer, name="checks") as service:
        good = service.copy("good", options=IN_TIME | {"preset": "Other"}, mode="Validate")
        customer.put_secret(f"{PASSWORD};{ADDRESS}", name="odd", key="mailboxes.csv", endpoint=service.url)
        wrong = service.copy_each(
            {
                "odd-list": {"csvSecretRef": {"secretName": "odd"}},
                "too-late": IN_TIME | {"firstExecutionTime": GONE},
                "no-list": {"csvSecretRef": {"secretName": "absent"}},
            }
        )
        status = good.until_finished()
        assert outcome(status) == ("Succeeded", "Validated")
        found = {entry["check"]: entry["result"] for entry in status["preflight"]}
        assert found == {
            "List": "Pass",
            "Preset": "Warn",
            "Times": "Pass",
            "Deadline": "Warn",
            "Jobs": "Pass",
            "Destination": "Skipped",
        }
        for name, told in (
            ("odd-list", "row 1: 2 fields in place of 4"),
            ("too-late", "firstExecutionTime: has passed"),
        ):
            status = wrong[name].until_finished()
            assert (outcome(status), told in message(status)) == (("Failed", "PreflightFailed"), True)
        no_list = wrong["no-list"]
        no_list.until(lambda status: outcome(status) == ("Pending", "SecretNotFound"), what="SecretNotFound")
        assert service.world.sent == []
        customer.put_secret(LIST, name="absent", key="mailboxes.csv", endpoint=service.url)
        no_list.order("reconcile")
        service.job("no-list")


def test_the_sixth_job_waits_and_a_list_that_changes_meanwhile_is_not_sent(customer: Tenant) -> None:
    with open_service(customer, name="full") as service:
        service.put_provider(maxJobs=5)
        codes = [service.world.make_job(name=f"other-{number}.csv", status="running") for number in range(5)]
        moves = service.copy_each({"sixth": {}, "changed": {"csvSecretRef": {"secretName": "changing"}}}, suspend=True)
        customer.put_secret(LIST, name="changing", key="mailboxes.csv", endpoint=service.url)
        for move in moves.values():
            move.edit(suspend=False)
            status = move.until(lambda status: outcome(status) == ("Queued", "SlotsTaken"), what="SlotsTaken")
            assert message(status) == "5/5 jobs of the customer are under way at the service"
        customer.put_secret(LIST.replace("bob", "eve"), name="changing", key="mailboxes.csv", endpoint=service.url)
        moves["changed"].order("reconcile")
        assert outcome(moves["changed"].until_finished()) == ("Failed", "CSVChanged")
        assert service.world.sent == []
        service.world.jobs[codes[0]]["status"] = "completed"
        moves["sixth"].order("reconcile")
        service.job("sixth")
        assert [name.partition("-")[0] for name in service.world.sent] == ["sixth"]


# --- secrecy


def test_neither_a_password_nor_an_address_is_anywhere_but_in_the_order(customer: Tenant, operator: OsmigRun) -> None:
    said = f"{ADDRESS}@example.org may not log in with {PASSWORD}"
    error = json.dumps({"message": said, "errors": [{"field": said, "description": said}]}).encode()
    world = HostingWorld(faults={"POST refused": [Fault.INVALID], "POST lost": [Fault.LOST_AFTER]})
    with open_service(customer, world, name="telling") as service:
        moves = service.copy_each({name: {} for name in ("refused", "lost", "told")})
        for name in ("lost", "told"):
            code = service.end(name, "running", failed=2, detail=f"copying {ADDRESS}@example.org")
            sent = world.jobs[code]["original_csv_file_name"]
            world.jobs[code] |= {"csv_file_name": said, "original_csv_file_name": f"{sent} {said}"}
            moves[name].until_phase("Running")
            moves[name].until(lambda status: status.get("mailboxes", {}).get("failed"), what="failures")
            service.end(name, "completed_with_errors", failed=2)
        for move in moves.values():
            assert outcome(move.until_finished())[0] == "Failed"
    with open_service(customer, HostingWorld(every_read=Reply(403, error)), name="forbidding"):
        customer.until_provider(has_trouble("NotPermitted"), what="forbidden", name="forbidding")
    seen = customer.cluster.kubectl(
        "get", "migrations,providers,events", "-A", "-o", "yaml", "--show-managed-fields"
    ).stdout
    everything = {
        "objects and Events": seen,
        "log": operator.log.read_text("utf-8"),
        "metrics": operator.http("/metrics")[1],
    }
    canaries = (PASSWORD, ADDRESS, "bob@", "imap.example.net")
    assert [(canary, where) for where, text in everything.items() for canary in canaries if canary in text] == []
    assert all(PASSWORD in content and ADDRESS in content for content in world.lists.values()), "nothing could be found"
    assert "login refused" in seen
