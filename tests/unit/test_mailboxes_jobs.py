"""A job under way and at its end: the service's words, both executions, the mailboxes, the verbs."""

from __future__ import annotations

from typing import Any

import pytest

from hosting_support import HOSTING, LIST, WAVE, MailLab, mail_lab, wave_body
from lab.hosting import Fault, HostingWorld
from osmig.api.names import Kind

SOON = "2030-01-01T01:00:00Z"
LATER = "2030-01-01T10:00:00Z"
IN_TIME: dict[str, Any] = {"executeNow": None, "firstExecutionTime": SOON}


async def ordered(world: HostingWorld | None = None, **given: Any) -> MailLab:  # noqa: ANN401
    """A job that was ordered, and is scheduled."""
    lab = await mail_lab(world)
    lab.offer(Kind.MIGRATION, wave_body(**given))
    await lab.play(seconds=5)
    job_of(lab)["status"] = "scheduled"
    await lab.play(seconds=10)
    return lab


def code_of(lab: MailLab) -> str:
    return str(lab.told["upstream"]["id"])


def job_of(lab: MailLab) -> dict[str, Any]:
    return lab.world.jobs[code_of(lab)]


def control_of(lab: MailLab, verb: str) -> tuple[str, str]:
    control = next(one for one in lab.told["controls"] if one["verb"] == verb)
    return control["result"], control["message"]


def events(lab: MailLab) -> str:
    return " ".join(f"{reason}: {note}" for reason, note in lab.events.notes)


# --- words


@pytest.mark.parametrize(
    ("word", "phase", "reason"),
    [
        ("validating", "Starting", "Preparing"),
        ("to_schedule", "Starting", "ScheduledUpstream"),
        ("Scheduled", "Starting", "ScheduledUpstream"),
        ("RUNNING", "Running", "Running"),
        ("paused by staff", "Starting", "Unknown"),
        ("", "Starting", "Unknown"),
        (None, "Starting", "Unknown"),
    ],
)
async def test_the_services_word_decides(word: str | None, phase: str, reason: str) -> None:
    lab = await ordered()
    job_of(lab)["status"] = word
    await lab.play(seconds=30)
    assert (lab.told["phase"], lab.reason) == (phase, reason)


async def test_an_unknown_word_is_shown_as_it_is_and_told_once() -> None:
    lab = await ordered()
    job_of(lab)["status"] = "awaiting moon"
    await lab.play(seconds=300)
    assert lab.told["upstream"]["status"] == "awaiting moon"
    assert lab.events.reasons.count("UnknownState") == 1


async def test_a_late_job_says_so() -> None:
    lab = await ordered()
    job_of(lab)["is_late"] = True
    await lab.play(seconds=60)
    assert (lab.reason, lab.told["mailboxes"]["late"]) == ("Late", True)


async def test_another_number_of_mailboxes_than_rows_is_warned_of() -> None:
    lab = await ordered()
    job_of(lab)["resources"] = 3
    await lab.play(seconds=60)
    assert lab.told["preflight"][-1]["message"].startswith("the service counts 3 mailboxes, the list has 2")
    job_of(lab)["resources"] = 2
    await lab.play(seconds=60)
    assert [check for check in lab.told["preflight"] if check["check"] == "Resources"] == []


# --- ends


@pytest.mark.parametrize(
    ("word", "failed", "options", "phase", "reason"),
    [
        ("completed", 0, {}, "Succeeded", "Succeeded"),
        ("completed", 1, {}, "Failed", "MailboxesFailed"),
        ("completed_with_errors", 1, {}, "Failed", "MailboxesFailed"),
        ("completed_with_errors", 1, {"onErrors": "Tolerate"}, "Succeeded", "PartiallySucceeded"),
        (
            "completed_with_errors",
            1,
            {"onErrors": "Tolerate", "maxFailedMailboxes": 1},
            "Succeeded",
            "PartiallySucceeded",
        ),
        ("completed_with_errors", 2, {"onErrors": "Tolerate", "maxFailedMailboxes": 1}, "Failed", "MailboxesFailed"),
        ("failed", 2, {"onErrors": "Tolerate"}, "Failed", "MailboxesFailed"),
    ],
)
async def test_the_end_is_judged_by_the_word_the_mailboxes_and_the_spec(
    word: str, failed: int, options: dict[str, Any], phase: str, reason: str
) -> None:
    lab = await ordered(mailboxes=options)
    lab.world.finish(code_of(lab), word, failed=failed)
    await lab.play(seconds=60)
    assert (lab.told["phase"], lab.reason) == (phase, reason)
    assert lab.told["progress"]["items"] == {
        "of": "mailboxes of the job",
        "total": 2,
        "done": 2 - failed,
        "failed": failed,
    }


async def test_failed_mailboxes_are_told_by_rows_and_words_of_ours() -> None:
    lab = await ordered()
    lab.world.finish(code_of(lab), "completed_with_errors", failed=2)
    rows = lab.world.mailboxes[code_of(lab)]
    rows[1]["error_details"] = ["weird: bob", None]
    await lab.play(seconds=60)
    assert lab.told["mailboxes"]["failed"] == [
        {"row": 1, "error": "login refused"},
        {"row": 2, "error": "not told in words known here"},
    ]


async def test_failures_show_while_the_job_runs_and_go_when_they_are_mended() -> None:
    lab = await ordered()
    lab.world.finish(code_of(lab), "running", failed=1)
    await lab.play(seconds=30)
    assert [one["row"] for one in lab.told["mailboxes"]["failed"]] == [1]
    lab.world.finish(code_of(lab), "running", failed=0)
    lab.annotate(WAVE, reconcile="1")
    await lab.play(seconds=30)
    assert lab.told["mailboxes"]["failed"] == []


@pytest.mark.parametrize("change", ["changed", "gone"])
async def test_rows_of_another_list_are_not_told(change: str) -> None:
    lab = await ordered()
    if change == "gone":
        del lab.api.secrets["team-a", "list"]
    else:
        lab.put_list(f"{LIST}eve@example.org;e;p;s".encode())
    lab.world.finish(code_of(lab), "completed_with_errors", failed=1)
    await lab.play(seconds=60)
    assert (lab.reason, lab.told["mailboxes"]["failed"]) == ("MailboxesFailed", [])
    assert lab.told["progress"]["items"]["failed"] == 1


async def test_mailboxes_that_cannot_be_read_keep_no_job_from_its_end() -> None:
    lab = await ordered(mailboxes={"onErrors": "Tolerate", "maxFailedMailboxes": 1})
    lab.world.finish(code_of(lab), "completed_with_errors", failed=1)
    lab.world.mailboxes[code_of(lab)] = "none"  # type: ignore[assignment] # odd on purpose
    await lab.play(seconds=400)
    message = lab.told["failure"]["message"]
    assert (lab.reason, message) == ("MailboxesFailed", "some mailboxes failed, and the service does not show which")


async def test_mailboxes_that_cannot_be_read_for_a_while_are_read_later() -> None:
    lab = await ordered()
    good = lab.world.mailboxes[code_of(lab)]
    lab.world.finish(code_of(lab))
    lab.world.mailboxes[code_of(lab)] = "none"  # type: ignore[assignment] # odd on purpose
    await lab.play(seconds=60)
    assert lab.told["phase"] == "Starting"
    lab.world.mailboxes[code_of(lab)] = good
    await lab.play(seconds=60)
    assert (lab.told["phase"], lab.told["progress"]["items"]["done"]) == ("Succeeded", 2)


async def test_a_running_job_whose_mailboxes_cannot_be_read_is_followed() -> None:
    lab = await ordered()
    job_of(lab)["status"] = "running"
    lab.world.mailboxes[code_of(lab)] = "none"  # type: ignore[assignment] # odd on purpose
    await lab.play(seconds=60)
    assert lab.told["phase"] == "Running"


async def test_mailboxes_are_counted_at_some_polls_only() -> None:
    lab = await ordered()
    job_of(lab)["status"] = "running"
    await lab.play(seconds=1200)
    read = [request for request in lab.world.requests if request.startswith("GET /api/migrations/MG")]
    counted = [request for request in read if request.endswith("/resources")]
    assert 1 < len(counted) <= len(read) / 3


# --- two executions


async def test_the_end_of_the_first_execution_is_not_the_end() -> None:
    lab = await ordered(mailboxes=IN_TIME | {"secondExecutionTime": LATER}, deadlineSeconds=86_400)
    job_of(lab)["status"] = "running"
    await lab.play(seconds=3600)
    lab.world.finish(code_of(lab))
    await lab.play(seconds=3600)
    assert (lab.told["phase"], lab.reason) == ("Running", "ScheduledUpstream")
    job_of(lab)["status"] = "scheduled"
    await lab.play(seconds=600)
    assert (lab.told["phase"], lab.reason) == ("Running", "ScheduledUpstream")
    lab.world.finish(code_of(lab), detail="second execution")
    await lab.play(seconds=600)
    assert (lab.told["phase"], lab.reason) == ("Succeeded", "Succeeded")


async def test_a_second_execution_that_never_came_ends_an_hour_after_its_time() -> None:
    lab = await ordered(mailboxes=IN_TIME | {"secondExecutionTime": LATER}, deadlineSeconds=86_400)
    lab.world.finish(code_of(lab), detail="")
    await lab.play(seconds=10 * 3600)
    assert lab.told["phase"] == "Running"
    await lab.play(seconds=3700)
    assert lab.told["phase"] == "Succeeded"


# --- gone


async def test_a_job_that_somebody_deleted_ends_it() -> None:
    lab = await ordered()
    del lab.world.jobs[code_of(lab)]
    await lab.play(seconds=60)
    assert (lab.told["phase"], lab.reason, lab.world.count("POST")) == ("Failed", "RecordGone", 1)


async def test_a_job_without_a_row_is_gone_and_one_with_two_is_not_understood() -> None:
    lab = await ordered()
    code = code_of(lab)
    lab.world.jobs[code] = {"code": code, "status": 7}
    await lab.play(seconds=60)
    assert lab.told["phase"] == "Starting"


@pytest.mark.parametrize("code", [None, "../../x"])
async def test_a_code_that_was_changed_in_status_leads_nowhere(code: str | None) -> None:
    lab = await ordered()
    upstream = lab.api.objects[WAVE]["status"]["upstream"]
    upstream.pop("id")
    if code is not None:
        upstream["id"] = code
    lab.api.change(WAVE)
    lab.show(WAVE)
    await lab.play(seconds=60)
    assert (lab.told["phase"], lab.reason) == ("Failed", "RecordGone")
    assert not [request for request in lab.world.requests if ".." in request]


async def test_while_the_provider_is_not_ready_the_phase_stays() -> None:
    lab = await ordered()
    lab.api.secrets.pop(("team-a", "hosting"))
    lab.controllers.sessions.ensure(HOSTING).wants_refresh = True
    await lab.step(HOSTING)
    await lab.play(seconds=60)
    ready = next(one for one in lab.told["conditions"] if one["type"] == "ProviderReady")
    assert (lab.told["phase"], ready["status"]) == ("Starting", "False")


# --- abort


async def test_an_abort_deletes_the_job() -> None:
    lab = await ordered()
    lab.annotate(WAVE, abort="1")
    await lab.play(seconds=30)
    assert (lab.told["phase"], lab.world.jobs, lab.world.count("DELETE")) == ("Aborted", {}, 1)
    assert control_of(lab, "abort")[0] == "Done"


async def test_an_abort_is_rejected_while_the_job_cannot_be_deleted_and_the_job_goes_on() -> None:
    lab = await ordered()
    job_of(lab)["can_delete"] = False
    lab.annotate(WAVE, abort="1")
    await lab.play(seconds=30)
    told = "the service does not let the job be deleted while it is scheduled"
    assert control_of(lab, "abort") == ("Rejected", told)
    assert (lab.told["phase"], lab.world.count("DELETE")) == ("Starting", 0)


@pytest.mark.parametrize(
    ("fault", "deletes"), [(Fault.LOST_AFTER, 1), (Fault.LOST_BEFORE, 2), (Fault.ERROR_BEFORE, 2), (Fault.TOO_MANY, 2)]
)
async def test_an_abort_is_carried_out_whatever_becomes_of_the_answer(fault: Fault, deletes: int) -> None:
    lab = await ordered()
    lab.world.faults["DELETE"] = [fault]
    lab.annotate(WAVE, abort="1")
    await lab.play(seconds=120)
    assert (lab.told["phase"], lab.world.count("DELETE")) == ("Aborted", deletes)


@pytest.mark.parametrize(("fault", "result"), [(Fault.INVALID, "Rejected"), (Fault.FORBIDDEN, "Rejected")])
async def test_an_abort_that_the_service_refuses_is_rejected(fault: Fault, result: str) -> None:
    lab = await ordered()
    lab.world.faults["DELETE"] = [fault]
    lab.annotate(WAVE, abort="1")
    await lab.play(seconds=30)
    assert (control_of(lab, "abort")[0], lab.told["phase"]) == (result, "Starting")


async def test_a_job_that_fails_while_it_is_deleted_is_aborted() -> None:
    lab = await ordered()
    lab.annotate(WAVE, abort="1")
    kept = job_of(lab)
    lab.way.after = lambda request: (
        lab.world.jobs.update({kept["code"]: kept | {"status": "failed"}}) if (request.method == "DELETE") else None
    )
    await lab.play(seconds=60)
    assert (lab.told["phase"], lab.world.count("DELETE")) == ("Aborted", 1)


async def test_a_job_that_stays_after_its_deletion_is_deleted_again_but_rarely() -> None:
    lab = await ordered()
    lab.annotate(WAVE, abort="1")
    kept = dict(job_of(lab))
    lab.way.after = lambda request: lab.world.jobs.update({kept["code"]: kept}) if request.method == "DELETE" else None
    await lab.play(seconds=130)
    assert (lab.told["phase"], lab.world.count("DELETE")) == ("Aborting", 3)


async def test_deletion_policy_abort_deletes_the_job_first_and_lets_go_where_it_cannot_be() -> None:
    for can_delete, left in ((True, 0), (False, 1)):
        lab = await ordered(deletionPolicy="Abort")
        job_of(lab)["can_delete"] = can_delete
        code = code_of(lab)
        lab.api.change(WAVE, deletionTimestamp="2030-01-01T00:01:00Z")
        lab.show(WAVE)
        for _ in range(12):
            if WAVE in lab.api.objects:
                await lab.step(WAVE)
                lab.clock.advance(5)
        assert (WAVE in lab.api.objects, list(lab.world.jobs)) == (False, [code] * left)
        assert ("deletionPolicy: abort the service does not let" in events(lab)) == bool(left)


async def test_a_deadline_is_told_of_or_deletes_the_job() -> None:
    for on_deadline, phase in (("Alert", "Starting"), ("Abort", "Failed")):
        lab = await ordered(deadlineSeconds=60, onDeadline=on_deadline)
        await lab.play(seconds=200)
        assert (lab.told["phase"], "PolicyActed" in lab.events.reasons) == (phase, True)


# --- run-now


async def test_run_now_begins_the_first_execution_and_then_the_second() -> None:
    lab = await ordered(mailboxes=IN_TIME | {"secondExecutionTime": LATER}, deadlineSeconds=86_400)
    lab.annotate(WAVE, run_now="1")
    await lab.play(seconds=30)
    assert control_of(lab, "run-now")[0] == "Done"
    assert (job_of(lab)["admin_first_execution_override"], lab.told["phase"]) == (True, "Running")
    lab.world.finish(code_of(lab))
    await lab.play(seconds=60)
    lab.annotate(WAVE, run_now="again")
    await lab.play(seconds=60)
    assert (job_of(lab)["admin_second_execution_override"], lab.world.count("PUT")) == (True, 2)


@pytest.mark.parametrize(
    ("fault", "result", "puts"),
    [
        (Fault.LOST_AFTER, "Done", 1),
        (Fault.ERROR_AFTER, "Done", 1),
        (Fault.LOST_BEFORE, "Rejected", 1),
        (Fault.TOO_MANY, "Done", 2),
        (Fault.INVALID, "Rejected", 1),
        (Fault.FORBIDDEN, "Rejected", 1),
    ],
)
async def test_run_now_is_sent_once_whatever_becomes_of_the_answer(fault: Fault, result: str, puts: int) -> None:
    lab = await ordered(mailboxes=IN_TIME)
    lab.world.faults["PUT"] = [fault]
    lab.annotate(WAVE, run_now="1")
    await lab.play(seconds=300)
    assert (control_of(lab, "run-now")[0], lab.world.count("PUT")) == (result, puts)
    assert "pendingCall" not in lab.told


async def test_run_now_before_the_order_waits_for_the_job() -> None:
    lab = await mail_lab()
    body = wave_body(mailboxes=IN_TIME)
    body["metadata"]["annotations"] = {"osmig.dev/run-now": "1"}
    lab.offer(Kind.MIGRATION, body)
    await lab.play(seconds=10)
    assert (control_of(lab, "run-now")[0], lab.world.count("PUT")) == ("Accepted", 0)
    job_of(lab)["status"] = "scheduled"
    await lab.play(seconds=30)
    assert (control_of(lab, "run-now")[0], lab.world.count("PUT")) == ("Done", 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "running"}, "an execution is running"),
        ({"status": "scheduled", "admin_first_execution_override": True}, "no execution is left that could begin"),
        ({"status": "scheduled", "status_detail": "second execution"}, "no execution is left that could begin"),
    ],
)
async def test_run_now_is_rejected_where_nothing_can_begin(change: dict[str, Any], told: str) -> None:
    lab = await ordered(mailboxes=IN_TIME)
    job_of(lab).update(change)
    lab.annotate(WAVE, run_now="1")
    await lab.play(seconds=30)
    assert (control_of(lab, "run-now"), lab.world.count("PUT")) == (("Rejected", told), 0)


async def test_abort_outranks_a_run_now_that_is_awaited() -> None:
    lab = await ordered(mailboxes=IN_TIME)
    lab.world.faults["PUT"] = [Fault.LOST_BEFORE]
    lab.annotate(WAVE, run_now="1")
    await lab.play(seconds=3)
    lab.annotate(WAVE, abort="1")
    await lab.play(seconds=30)
    assert (lab.told["phase"], control_of(lab, "run-now")[0], lab.world.count("PUT")) == ("Aborted", "Superseded", 1)


async def test_a_job_that_is_gone_when_run_now_comes_ends_it() -> None:
    lab = await ordered(mailboxes=IN_TIME)
    code = code_of(lab)
    lab.way.before = lambda request: lab.world.jobs.pop(code, None) if request.method == "PUT" else None
    lab.annotate(WAVE, run_now="1")
    await lab.play(seconds=60)
    assert (lab.told["phase"], lab.reason) == ("Failed", "RecordGone")


async def test_of_a_run_now_whose_answer_is_lost_and_whose_job_is_gone_nothing_is_claimed() -> None:
    lab = await ordered(mailboxes=IN_TIME)
    lab.world.faults["PUT"] = [Fault.LOST_AFTER]
    lab.annotate(WAVE, run_now="1")
    code = code_of(lab)
    lab.way.before = lambda _: lab.world.jobs.pop(code, None) if lab.world.count("PUT") else None
    await lab.play(seconds=300)
    assert (lab.told["phase"], lab.reason, lab.world.count("PUT")) == ("Failed", "RecordGone", 1)
    assert control_of(lab, "run-now") == ("Rejected", "its answer is lost, and the job is gone")


@pytest.mark.parametrize("verb", ["force_complete", "confirm", "revert"])
async def test_what_the_service_has_no_call_for_is_unsupported(verb: str) -> None:
    lab = await ordered()
    lab.annotate(WAVE, **{verb: "1"})
    await lab.play(seconds=10)
    assert control_of(lab, verb.replace("_", "-"))[0] == "Unsupported"
