"""Before a job was ordered: may it start, was it ordered before, is its list good and the one that was checked?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from osmig.api.migration import Mode
from osmig.api.migration_changes import change_status
from osmig.api.migration_intent import Baseline
from osmig.api.names import CheckResult, Phase, Reason
from osmig.domain import finalizer, gating, intents, named_orders, next_status, outcome, preflight
from osmig.domain.calls import Operation
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent
from osmig.domain.observation import Commit, Decision
from osmig.drivers.mailboxes.calls import CopyCall
from osmig.drivers.mailboxes.facts import read as read_facts
from osmig.drivers.mailboxes.policy import checks, choosing, describing, file_name, jobs
from osmig.drivers.mailboxes.policy.choosing import JOB

if TYPE_CHECKING:
    from osmig.drivers.mailboxes.facts import JobObservation
    from osmig.drivers.mailboxes.policy.choosing import Choice
    from osmig.drivers.mailboxes.views import JobList, MailboxList

_LOOK_AGAIN_S = 60.0
"""Nobody tells of a Secret that appears, nor of a place that gets free at the service: each is looked for so often."""


def admit(observation: JobObservation) -> Decision:
    """Decide for a Migration that has ordered nothing: end it, let it wait, adopt, or write the intent and order."""
    return _admit(_unpin(observation))


def _unpin(observation: JobObservation) -> JobObservation:
    """Forget which list was checked for another generation: it may refer to another, as the user wants it."""
    migration, status = observation.migration, observation.status
    if status.mailboxes is None or status.observed_generation == migration.metadata.generation:
        return observation
    unpinned = change_status(status, mailboxes=None)
    return replace(observation, migration=migration.model_copy(update={"status": unpinned}))


def _admit(observation: JobObservation) -> Decision:
    if (blocked := gating.check_gates(observation)) is not None:
        return blocked
    if observation.read_error is not None:
        return _answer_read_error(observation)
    csv = observation.facts.csv
    if csv is None:
        # nothing is read while all slots are taken
        is_checked = observation.status.mailboxes is not None and bool(observation.limit_hit.limit_of)
        return gating.wait_for_slot(observation) if is_checked else read_facts("csv")
    if has_changed(observation, csv):
        message = f"the list changed after it was checked; {gating.describe_unsent(observation)}"
        return outcome.fail(observation, Reason.CSV_CHANGED, message)
    return _judge_checks(observation, csv, None) if csv.problems else _find_job(observation, csv)


def _find_job(observation: JobObservation, csv: MailboxList) -> Decision:
    """Adopt what was ordered before, by this object or by an earlier one of the same manifest; else check and order."""
    is_meant = observation.migration.spec.mode is Mode.EXECUTE
    known = observation.facts.jobs
    if known is None and is_meant and observation.limit_hit.limit_of:
        return gating.wait_for_slot(observation, mailboxes=describing.describe_list(observation, csv))
    if known is None:
        return read_facts("jobs")
    base = file_name.make_base(observation.migration, csv.digest)
    choice = choosing.choose(known.jobs, base=base, attempt=observation.status.attempt or 1) if is_meant else None
    if choice is None:
        return _judge_checks(observation, csv, known)
    # not the service's name of it, which may have anything in it
    name = file_name.make_name(base, choice.attempt)
    pinned = change_status(observation.status, mailboxes=describing.describe_list(observation, csv, file_name=name))
    found = replace(observation, migration=observation.migration.model_copy(update={"status": pinned}))
    return adopt(found, choice)


def _answer_read_error(observation: JobObservation) -> Commit:
    error = observation.read_error
    assert error is not None  # noqa: S101 - the caller saw one
    if observation.failed_fact == "csv" and isinstance(error, Absent):
        verdict = Verdict(phase=Phase.PENDING, reason=Reason.SECRET_NOT_FOUND, message=error.message)
        return Commit(status=next_status.build(observation, verdict), due_s=_LOOK_AGAIN_S)
    return gating.answer_read_error(observation, error)


def has_changed(observation: JobObservation, csv: MailboxList) -> bool:
    """Whether the list is another one than that which was checked."""
    known = observation.status.mailboxes
    return known is not None and known.csv_hash not in {None, csv.digest}


def _judge_checks(observation: JobObservation, csv: MailboxList, known: JobList | None) -> Decision:
    found = checks.check(observation, csv, known)
    pinned = describing.describe_list(observation, csv)
    if failed := [check for check in found if check.result is CheckResult.FAIL]:
        told = preflight.sum_up_failed(failed, gating.describe_unsent(observation))
        return outcome.fail(observation, Reason.PREFLIGHT_FAILED, told, preflight=found, mailboxes=pinned)
    if observation.migration.spec.mode is Mode.VALIDATE:
        told = preflight.sum_up(found)
        return outcome.succeed(observation, Reason.VALIDATED, told, preflight=found, mailboxes=pinned)
    if observation.limit_hit.limit_of:
        return gating.wait_for_slot(observation, mailboxes=pinned)
    if known is not None and checks.is_full(known):
        message = checks.describe_places(known)
        verdict = Verdict(phase=Phase.QUEUED, reason=Reason.SLOTS_TAKEN, message=message)
        since = gating.since_when(observation)
        after = next_status.build(observation, verdict, queued_time=since, mailboxes=pinned, preflight=found)
        return Commit(status=after, due_s=_LOOK_AGAIN_S)
    base = file_name.make_base(observation.migration, csv.digest)
    return order(observation, csv, file_name.make_name(base, observation.status.attempt or 1), sends=1)


def order(observation: JobObservation, csv: MailboxList, name: str, *, sends: int) -> Decision:
    """Write the intent and order one job under it: the only place where an order comes from."""
    if (change := finalizer.ensure_finalizer(observation)) is not None:
        return change
    verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=f"ordering the job of {name}")
    after = next_status.build(
        observation,
        verdict,
        **next_status.describe_begin(observation),
        pending_call=intents.write(observation, Operation.COPY_MAILBOXES, baseline=Baseline(name=name), sends=sends),
        preflight=checks.check(observation, csv, observation.facts.jobs),
        mailboxes=describing.describe_list(observation, csv, file_name=name),
    )
    return Commit(status=after, call=CopyCall(job=jobs.make_job(observation, csv, file_name=name)), claims=True)


def adopt(observation: JobObservation, choice: Choice) -> Commit:
    """Follow a job that is there already; from here on nothing is ever ordered again for this attempt."""
    described = describing.describe_job(observation, choice.found)
    return named_orders.adopt(JOB, observation, choice, title=f"job {choice.found.code}", **described)
