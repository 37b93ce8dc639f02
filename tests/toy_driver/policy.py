"""What is decided about a box: copied once, its source emptied once, both found again by what upstream shows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.migration import Mode, UpstreamFacts
from osmig.api.migration_intent import Baseline
from osmig.api.names import Phase, Reason, Verb
from osmig.domain import finalizer, gating, intents, next_status, outcome, pauses
from osmig.domain.calls import Operation
from osmig.domain.conditions import Verdict
from osmig.domain.errors import Absent, OutcomeUnknown, Transient
from osmig.domain.observation import Commit, Decision
from toy_driver.calls import CopyCall, EmptyCall
from toy_driver.facts import read
from toy_driver.views import CopyView

if TYPE_CHECKING:
    from osmig.api.migration import PendingCall
    from osmig.domain.calls import Answer
    from toy_driver.facts import BoxObservation

_STARTING = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message="the copy of the box is being ordered")
_RUNNING = Verdict(phase=Phase.RUNNING, reason=Reason.RUNNING, message="the box is being copied")
_EMPTYING = Verdict(phase=Phase.RUNNING, reason=Reason.RUNNING, message="the source is being emptied")


def admit(observation: BoxObservation) -> Decision:
    """Decide for a Migration that has ordered nothing."""
    if (blocked := gating.check_gates(observation)) is not None:
        return blocked
    if observation.migration.spec.mode is Mode.VALIDATE:
        return outcome.succeed(observation, Reason.VALIDATED, "a box can always be copied; nothing was sent")
    if observation.limit_hit.limit_of:
        return gating.wait_for_slot(observation)
    return _begin_copy(observation, sends=1)


def resolve(observation: BoxObservation, call: PendingCall) -> Decision:
    """Look for the effect of a call whose answer is not on record; send again what has left no trace."""
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    if observation.facts.copies is None:
        return read("copies")
    name = call.baseline.name if call.baseline is not None else None
    found = next((copy for copy in observation.facts.copies if copy.name == name), None)
    return (
        _find_effect(observation, call, found)
        or intents.await_effect(observation, call)
        or intents.give_up(observation, call, what="call", where="the upstream of boxes")
        or _send_again(observation, call, found)
    )


def _find_effect(observation: BoxObservation, call: PendingCall, found: CopyView | None) -> Commit | None:
    if found is None:
        return None
    if call.operation == Operation.REPLICATE:
        return _note_copy(observation, found)
    return _succeed(observation) if found.is_source_empty else None


def _send_again(observation: BoxObservation, call: PendingCall, found: CopyView | None) -> Decision:
    if call.operation == Operation.REPLICATE:
        return _begin_copy(observation, sends=call.sends + 1)
    if found is None:
        return outcome.fail(observation, Reason.RECORD_GONE, "the copy is gone")
    return _empty_source(observation, found, sends=call.sends + 1)


def follow(observation: BoxObservation, upstream: UpstreamFacts) -> Decision:
    """Follow the copy; when it is done, empty the source."""
    if upstream.id is None or (isinstance(observation.read_error, Absent) and observation.provider.is_ready):
        return outcome.fail(observation, Reason.RECORD_GONE, "the copy is gone")
    if (blocked := pauses.wait_for_provider_or_read(observation)) is not None:
        return blocked
    copy = observation.facts.copy
    if copy is None:
        return read("copy")
    if copy.is_done:
        return _empty_source(observation, copy, sends=1)
    return Commit(status=next_status.build(observation, _RUNNING), due_s=observation.timings.run_poll_s)


def answer(observation: BoxObservation, answer: Answer) -> Commit:
    """Record what came of the call of this very step, unless somebody else has resolved its intent meanwhile."""
    call, error = observation.status.pending_call, answer.error
    made = answer.receipt.made if answer.receipt is not None else None
    copy = made if isinstance(made, CopyView) else None
    if call is None or call.holder != observation.holder:
        followed = observation.status.upstream.id if observation.status.upstream is not None else None
        made_id = copy.id if copy is not None else None
        return intents.answer_late(observation, made=made_id, followed=followed, taken="upstream took a call")
    is_copy = isinstance(answer.call, CopyCall)
    match error:
        case None if copy is not None:
            return _note_copy(observation, copy) if is_copy else _succeed(observation)
        case None | OutcomeUnknown():
            known = call.model_copy(update={"answer": error.reason if error is not None else None})
            verdict = _STARTING if is_copy else _EMPTYING
            return Commit(status=next_status.build(observation, verdict, pending_call=known), due_s=0.0)
        case _ if is_copy:
            return gating.answer_refusal(observation, error)
        case Transient():
            after = next_status.build(observation, _EMPTYING, pending_call=None)
            return pauses.begin(observation, after, error.retry_after_s or observation.timings.retry_s)
        case _:
            return outcome.fail(observation, error.reason, error.message)


def refuse(verb: Verb, observation: BoxObservation) -> str:
    """Say that boxes have no calls but their two."""
    del observation
    return "" if verb in {Verb.RETRY, Verb.RECONCILE} else f"there is no call to {verb} the copy of a box"


def _begin_copy(observation: BoxObservation, *, sends: int) -> Decision:
    if (change := finalizer.ensure_finalizer(observation)) is not None:
        return change
    name = f"copy-{observation.migration.metadata.uid}-{observation.status.attempt or 1}"
    intent = intents.write(observation, Operation.REPLICATE, baseline=Baseline(name=name), sends=sends)
    after = next_status.build(observation, _STARTING, **next_status.describe_begin(observation), pending_call=intent)
    return Commit(status=after, call=CopyCall(name=name), claims=True)


def _empty_source(observation: BoxObservation, copy: CopyView, *, sends: int) -> Commit:
    intent = intents.write(observation, Operation.TERMINATE, baseline=Baseline(name=copy.name), sends=sends)
    return Commit(
        status=next_status.build(observation, _EMPTYING, pending_call=intent), call=EmptyCall(copy_id=copy.id)
    )


def _note_copy(observation: BoxObservation, copy: CopyView) -> Commit:
    upstream = UpstreamFacts(id=copy.id, type="box")
    return Commit(status=next_status.build(observation, _RUNNING, pending_call=None, upstream=upstream), due_s=0.0)


def _succeed(observation: BoxObservation) -> Commit:
    return outcome.succeed(observation, Reason.SUCCEEDED, "the box is copied and its source is empty")
