"""A decision with all that it may say side by side, so that a test names only the part that it is about."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from osmig.domain import machine
from osmig.domain.errors import Absent
from osmig.domain.observation import ChangeObject, Commit, Observation, ReadFacts
from osmig.drivers import DRIVERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.migration import Migration, MigrationStatus
    from osmig.domain.calls import Answer, Call
    from osmig.domain.observation import Note, ObjectChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed(Observation[Any]):
    """An observation, and what came of the call that was made in its step, if one was."""

    answer: Answer | None = None


def look_at(migration: Migration, facts: type[Any], **known: Any) -> Observed:  # noqa: ANN401 - fields of both
    """Make a moment; what is a field of ``facts`` goes there."""
    names = {field.name for field in fields(facts)}
    read = {name: known.pop(name) for name in names & set(known)}
    return Observed(migration=migration, facts=facts(**read), **known)


async def find_no_secret(name: str, /) -> Mapping[str, bytes]:
    """Find none, where no reader asks for one."""
    raise Absent("SecretNotFound", f"there is no Secret {name}", operation="read-secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one step does; what its kind of decision does not have is empty.

    Attributes:
        status: to be written; as it was, where nothing is.
        wants: facts to read before it is decided again.
        change: of the object.
    """

    status: MigrationStatus
    call: Call | None = None
    due_s: float | None = None
    wait_key: str = ""
    notes: tuple[Note, ...] = ()
    wants: frozenset[str] = frozenset()
    goes_on: bool = False
    claims: bool = False
    change: ObjectChange | None = None


def decide(observation: Observed) -> Decided:
    """Decide what one step does."""
    policy = DRIVERS.of_migration(observation.migration.spec.type).policy
    if observation.answer is not None:
        return _tell(machine.decide_answer(observation, policy, observation.answer))
    match machine.decide(observation, policy):
        case ReadFacts(names):
            return Decided(status=observation.status, wants=names)
        case ChangeObject(change, notes):
            return Decided(status=observation.status, change=change, notes=notes)
        case Commit() as commit:
            return _tell(commit)


def _tell(commit: Commit) -> Decided:
    return Decided(
        status=commit.status,
        call=commit.call,
        due_s=commit.due_s,
        wait_key=commit.wait_key,
        notes=commit.notes,
        goes_on=commit.goes_on,
        claims=commit.claims,
    )
