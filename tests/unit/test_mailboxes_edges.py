"""Moments of a job that come up rarely: answers that come late, intents of others, slots taken meanwhile."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from decided import Decided, Observed, decide, look_at
from domain_samples import HOLDER, NOW, READY
from hosting_support import LIST, WAVE, mail_lab, wave_body
from lab.hosting import HostingWorld
from osmig.api.migration import MigrationStatus, PendingCall, UpstreamFacts, parse_migration
from osmig.api.names import Kind, Phase, Verb
from osmig.domain.calls import Answer, Call, Operation, Receipt
from osmig.domain.errors import BackendError, NotPermitted, OutcomeUnknown, Transient, Unsupported
from osmig.domain.observation import LimitHit, ProviderView
from osmig.drivers.mailboxes import DRIVER
from osmig.drivers.mailboxes.calls import CopyCall, DeleteCall, RunNowCall
from osmig.drivers.mailboxes.facts import JobFacts
from osmig.drivers.mailboxes.policy import choosing, file_name
from osmig.drivers.mailboxes.views import Execution, JobList, JobStage, JobView, MailboxJob, MailboxList

CSV = MailboxList(content=LIST, digest="d" * 32, rows=2, row_of={})
JOB = JobView(code="MG00000001", stage=JobStage.SCHEDULED, status="scheduled")
COPY = CopyCall(job=MailboxJob(file_name="f.csv", content=LIST, preset="Gmail"))
RUN = RunNowCall(code=JOB.code, execution=Execution.FIRST)
DELETE = DeleteCall(code=JOB.code)
LOST = OutcomeUnknown("NoAnswer", "no answer", operation="x")


def observe(status: MigrationStatus | None = None, **known: Any) -> Observed:  # noqa: ANN401 - its fields
    migration = parse_migration(wave_body())
    if status is not None:
        migration = migration.model_copy(update={"status": status})
    return look_at(migration, JobFacts, now=NOW, holder=HOLDER, provider=READY, **known)


def intent(operation: Operation, *, holder: str = HOLDER) -> PendingCall:
    return PendingCall(operation=operation, attempt=1, holder=holder, time=NOW, sends=1)


def followed(**changes: Any) -> MigrationStatus:  # noqa: ANN401 - its fields
    upstream = UpstreamFacts(id=JOB.code)
    return MigrationStatus(phase=Phase.STARTING, attempt=1, start_time=NOW, upstream=upstream, **changes)


def told(
    call: Call, status: MigrationStatus, *, error: BackendError | None = None, made: JobView | None = None
) -> Decided:
    receipt = None if error is not None else Receipt(request_id=None, made=made)
    return decide(observe(status, answer=Answer(call=call, receipt=receipt, error=error)))


@pytest.mark.parametrize("made", [JOB, None])
def test_an_order_that_somebody_else_resolved_is_told_if_it_made_another_job(made: JobView | None) -> None:
    other = followed().model_copy(update={"upstream": UpstreamFacts(id="MG2")})
    decision = told(COPY, other, made=made)
    assert decision.status == other
    assert [note.reason for note in decision.notes] == ["DuplicateStart"] * (made is not None)


def test_an_answer_without_an_intent_of_ours_changes_nothing() -> None:
    for status in (followed(), followed(pending_call=intent(Operation.RUN_NOW, holder="other"))):
        assert told(RUN, status, error=LOST).status == status
    waiting = MigrationStatus(phase=Phase.STARTING, pending_call=intent(Operation.COPY_MAILBOXES, holder="other"))
    assert told(COPY, waiting, error=LOST).status == waiting


@pytest.mark.parametrize(
    "error", [None, NotPermitted("x", "no", operation="x"), Unsupported("x", "no", operation="x"), LOST]
)
def test_a_deletion_that_nobody_wants_any_more_changes_nothing(error: BackendError | None) -> None:
    status = followed()
    assert told(DELETE, status, error=error).status == status


def test_run_now_without_such_a_call_is_unsupported_and_a_refused_token_is_tried_again() -> None:
    status = followed(pending_call=intent(Operation.RUN_NOW))
    assert told(RUN, status, error=Unsupported("x", "no", operation="x")).status.pending_call is None
    after = told(RUN, status, error=Transient("x", "later", operation="x", retry_after_s=30))
    assert (after.status.pending_call, after.due_s) == (None, 30)


def test_an_order_is_looked_for_when_the_provider_is_back() -> None:
    status = MigrationStatus(phase=Phase.STARTING, pending_call=intent(Operation.COPY_MAILBOXES))
    migration = parse_migration(wave_body()).model_copy(update={"status": status})
    away = ProviderView(is_ready=False, reason="Unreachable")
    decision = decide(look_at(migration, JobFacts, now=NOW, holder=HOLDER, provider=away))
    assert (decision.call, decision.wants, decision.status.phase) == (None, frozenset(), Phase.STARTING)


def test_no_start_while_the_last_slot_was_taken_during_the_reads() -> None:
    decision = decide(
        observe(csv=CSV, jobs=JobList(jobs=(), allowed=5), limit_hit=LimitHit(limit_of="moves", used=5, limit=5))
    )
    assert (decision.call, decision.status.phase) == (None, Phase.QUEUED)


def test_with_deletion_policy_abort_the_finalizer_comes_first() -> None:
    migration = parse_migration(wave_body(deletionPolicy="Abort"))
    facts: dict[str, Any] = {"csv": CSV, "jobs": JobList(jobs=(), allowed=5)}
    decision = decide(look_at(migration, JobFacts, now=NOW, holder=HOLDER, provider=READY, **facts))
    assert (decision.change, decision.call) == ("add-finalizer", None)


def test_names_are_told_apart_whatever_is_around_them() -> None:
    base = file_name.make_base(parse_migration(wave_body()), "digest")
    name = file_name.make_name(base, 1)
    for given in (name, name.upper(), f"20300101_{name}", f"{base}-1_1699.csv", f"/uploads/{base}-1"):
        assert (file_name.has_name((given,), name), file_name.read_attempt((given,), base)) == (True, 1)
    for given in (f"{base}-11.csv", f"x{name}", f"{base}-.csv", "", f"{base}-0.csv"):
        assert not file_name.has_name((given,), name)
        assert file_name.read_attempt((given,), base) != 1


def test_the_same_list_shows_as_another_one_in_another_migration() -> None:
    salts = {file_name.make_salt(parse_migration(wave_body(name=name))) for name in ("a", "b")}
    assert len(salts) == 2


async def test_whoever_guesses_at_a_list_pays_a_hundred_thousand_rounds() -> None:
    lab = await mail_lab()
    body = wave_body()
    lab.offer(Kind.MIGRATION, body)
    await lab.play(seconds=5)
    salt = file_name.make_salt(parse_migration(body))
    slow = hashlib.pbkdf2_hmac("sha256", LIST.encode(), salt, 100_000).hex()[:32]
    assert lab.told["mailboxes"]["csvHash"] == slow


def test_what_is_not_sent_makes_no_other_job() -> None:
    def base_of(**mailboxes: Any) -> str:  # noqa: ANN401 - options
        return file_name.make_base(parse_migration(wave_body(mailboxes=mailboxes)), "digest")

    same = {base_of(), base_of(onErrors="Tolerate"), base_of(csvSecretRef={"secretName": "other"})}
    assert (len(same), base_of(preset="Gmail") in same) == (1, False)


def test_a_completed_job_goes_before_a_later_attempt_and_the_oldest_before_others() -> None:
    def job(code: str, attempt: int, stage: JobStage = JobStage.FAILED) -> JobView:
        return JobView(code=code, stage=stage, file_names=(f"base-{attempt}.csv",))

    jobs = (job("a", 1), job("b", 2, JobStage.COMPLETED), job("c", 3))
    chosen = choosing.choose(jobs, base="base", attempt=1)
    assert chosen is not None
    assert (chosen.found.code, chosen.attempt) == ("b", 2)
    later = choosing.choose(jobs, base="base", attempt=3)
    assert later is not None
    assert later.found.code == "c"
    assert choosing.choose(jobs, base="base", attempt=4) is None
    twice = choosing.choose((job("a", 1), job("d", 1)), base="base", attempt=1)
    assert twice is not None
    assert (twice.found.code, twice.others) == ("a", ("d",))


def test_what_was_read_stays_good_while_the_spec_does() -> None:
    before, other = observe(csv=CSV), parse_migration(wave_body(suspend=True))
    same = observe()
    assert DRIVER.carry_over(before, same) is before.facts
    changed = look_at(other, JobFacts, now=NOW, holder=HOLDER, provider=READY)
    assert DRIVER.carry_over(before, changed) is changed.facts


async def test_another_list_is_taken_where_the_spec_changed_with_it() -> None:
    lab = await mail_lab(HostingWorld())
    codes = [lab.world.make_job() for _ in range(5)]
    lab.offer(Kind.MIGRATION, wave_body())
    await lab.play(seconds=5)
    lab.world.jobs[codes[0]]["status"] = "completed"
    lab.put_list(LIST.replace("bob", "eve").encode())
    lab.api.objects[WAVE]["spec"]["deadlineSeconds"] = 7200
    lab.api.change(WAVE, generation=2)
    lab.show(WAVE)
    await lab.play(seconds=61)
    assert (lab.world.count("POST"), lab.told["phase"]) == (1, "Starting")


def test_a_policys_abort_of_a_job_that_cannot_be_deleted_is_given_up_once() -> None:
    status = followed().model_copy(update={"start_time": NOW - timedelta(days=1)})
    migration = parse_migration(wave_body(onDeadline="Abort")).model_copy(update={"status": status})
    facts: dict[str, Any] = {"job": JOB}
    decision = decide(look_at(migration, JobFacts, now=NOW, holder=HOLDER, provider=READY, **facts))
    assert [order.verb for order in decision.status.policy_orders] == [Verb.ABORT]
