"""Orders to engines that keep no key of ours: each carries a name of ours, by which a lost one is found again.

What these engines share: which of upstream's rows of that name is ours, what the answer to an order means, and what is
done about an order that left no trace. How the names are made and read is the driver's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from osmig.api.names import EventReason, Phase, Reason, Verb
from osmig.domain import gating, intents, next_status, orders, outcome, pauses
from osmig.domain.conditions import Verdict
from osmig.domain.errors import OutcomeUnknown
from osmig.domain.observation import Commit, Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Unpack

    from osmig.api.migration import PendingCall
    from osmig.api.migration_changes import StatusChanges
    from osmig.domain.calls import Answer
    from osmig.domain.observation import Observation

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """What a driver orders, and what it calls that in status.

    Attributes:
        upstream: who takes orders: ``Waldur``.
        thing: what an order makes: ``run``.
        name: what bears our name: ``name``, ``file name``.
        type: of the driver's view of it.
        id_of: upstream's id of one.
        has_succeeded: whether one has reached its goal.
    """

    upstream: str
    thing: str
    name: str
    type: type[T]
    id_of: Callable[[T], str]
    has_succeeded: Callable[[T], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Generic[T]):
    """One to follow.

    Attributes:
        attempt: that it belongs to, by its name.
        others: ids of those of the same name, which are left alone.
    """

    found: T
    attempt: int
    others: tuple[str, ...] = ()


def choose(kind: Kind[T], numbered: Iterable[tuple[int, T]], *, attempt: int) -> Choice[T] | None:
    """Return what this Migration ordered, ``None`` when there is none.

    The first attempt takes over what an earlier life of the same manifest left, whatever its attempt was: a success
    if there is one, else the newest attempt. A later attempt was ordered anew and knows only its own.

    Args:
        kind: of orders.
        numbered: those that bear a name of this manifest, each with its attempt, oldest first.
        attempt: that is to be made.
    """
    ours: dict[int, list[T]] = {}
    for number, one in numbered:
        if attempt in {1, number}:
            ours.setdefault(number, []).append(one)
    if not ours:
        return None
    succeeded = [number for number, found in ours.items() if any(map(kind.has_succeeded, found))]
    number = max(succeeded or ours)
    return pick(kind, ours[number], attempt=number)


def pick(kind: Kind[T], named: Sequence[T], *, attempt: int) -> Choice[T] | None:
    """Take the oldest of one name, ``None`` of none; one that has succeeded goes before those that have not."""
    if not named:
        return None
    chosen = next((one for one in named if kind.has_succeeded(one)), named[0])
    others = (kind.id_of(one) for one in named)
    return Choice(found=chosen, attempt=attempt, others=tuple(other for other in others if other != kind.id_of(chosen)))


def is_ours(observation: Observation, answer: Answer, call: PendingCall) -> bool:
    """Whether an answer is about the intent on record: a failure of another process's call says nothing of ours."""
    return answer.error is None or call.holder == observation.holder


def read_made(kind: Kind[T], answer: Answer) -> T | None:
    """Return what an order began; ``None`` where the answer does not tell."""
    made = answer.receipt.made if answer.receipt is not None else None
    return made if isinstance(made, kind.type) else None


def record_answer(
    kind: Kind[T], observation: Observation, answer: Answer, call: PendingCall, *, begin: Callable[[T], Commit]
) -> Commit:
    """Record what came of the order that was sent in this step; ``begin`` records what it began."""
    error, made = answer.error, read_made(kind, answer)
    match error:
        case None if made is not None:
            return begin(made)
        case None:
            message = f"{kind.upstream} accepted the order without naming the {kind.thing}; looking for it"
            verdict = Verdict(phase=Phase.STARTING, reason=Reason.STARTING, message=message)
            return Commit(status=next_status.build(observation, verdict, pending_call=call), due_s=0.0)
        case OutcomeUnknown():
            after = intents.describe_unknown(observation, call, error, "looking for the order's effect")
            return pauses.remember(observation, Commit(status=after, due_s=0.0), error.retry_after_s)
        case _:
            return gating.answer_refusal(observation, error)


def begin(
    kind: Kind[T], observation: Observation, call: PendingCall, verdict: Verdict, **described: Unpack[StatusChanges]
) -> Commit:
    """Record what an order began, and look at it soon."""
    changes: StatusChanges = {**described, "pending_call": None, "failure": None}
    after = next_status.build(observation, verdict, **changes)
    text = f"{kind.upstream} took the order (attempt {call.attempt})"
    note = Note(reason=EventReason.MIGRATION_STARTED, text=text)
    return Commit(status=after, due_s=min(1.0, observation.timings.run_poll_s), notes=(note,))


def answer_late(kind: Kind[T], observation: Observation, answer: Answer) -> Commit:
    """Decide when somebody else resolved the intent meanwhile (`osmig.domain.intents.answer_late`)."""
    made, upstream = read_made(kind, answer), observation.status.upstream
    return intents.answer_late(
        observation,
        made=kind.id_of(made) if made is not None else None,
        followed=upstream.id if upstream is not None else None,
        taken=f"{kind.upstream} accepted an order",
    )


def resolve_nothing(kind: Kind[T], observation: Observation, call: PendingCall) -> Commit | None:
    """Decide when an order has left no trace: wait for one, or end; ``None`` when it may be sent once more."""
    if (awaiting := intents.await_effect(observation, call)) is not None:
        return awaiting
    if orders.is_active(observation.status, Verb.ABORT):
        return outcome.abort(observation, f"aborted; the order that was sent left no trace in {kind.upstream}")
    return intents.give_up(observation, call, what="order", where=kind.upstream)


def adopt(
    kind: Kind[T], observation: Observation, choice: Choice[T], *, title: str, **described: Unpack[StatusChanges]
) -> Commit:
    """Follow what is there already; from here on nothing is ever ordered again for this attempt.

    Args:
        kind: of orders.
        observation: of this moment.
        choice: what to follow.
        title: of it, as status says it: ``job MG12345678``.
        described: the fields of the status that it tells.
    """
    reason, message = Reason.AWAITING_RECORD, f"{title} was ordered before and is followed"
    if choice.others:
        reason = Reason.AMBIGUOUS_START
        message = f"{message}; others of this {kind.name} are left alone: {', '.join(choice.others)}"
    begun = next_status.describe_begin(observation)
    changes: StatusChanges = {**described, **begun, "attempt": choice.attempt, "pending_call": None}
    verdict = Verdict(phase=Phase.STARTING, reason=reason, message=message)
    after = next_status.build(observation, verdict, **changes)
    note = Note(reason=EventReason.MIGRATION_ADOPTED, text=message, is_warning=bool(choice.others))
    # an ambiguity is to be seen before what was found is told of
    due_s = observation.timings.run_poll_s if choice.others else 0.0
    return Commit(status=after, due_s=due_s, notes=(note,), claims=True)
