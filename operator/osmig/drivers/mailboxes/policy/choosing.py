"""Which of the service's jobs is the one that a Migration ordered, in this life or in an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.drivers.mailboxes.policy import file_name
from osmig.drivers.mailboxes.views import JobStage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from osmig.drivers.mailboxes.views import JobView


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A job to follow.

    Attributes:
        attempt: that it belongs to, by its file's name.
        others: codes of jobs of the same name, which are left alone.
    """

    job: JobView
    attempt: int
    others: tuple[str, ...] = ()


def choose(jobs: Iterable[JobView], *, base: str, attempt: int) -> Choice | None:
    """Return the job of this Migration, ``None`` when there is none.

    The first attempt takes over what an earlier life of the same manifest and list left, whatever its attempt was: one
    that completed if there is one, else the newest. A later attempt was ordered anew and knows only its own.

    Args:
        jobs: oldest first.
        base: what the file names of all attempts begin with.
        attempt: that is to be made.
    """
    ours: dict[int, list[JobView]] = {}
    for job in jobs:
        number = file_name.read_attempt(job.file_names, base)
        if number is not None and attempt in {1, number}:
            ours.setdefault(number, []).append(job)
    if not ours:
        return None
    completed = [number for number, found in ours.items() if any(map(_has_completed, found))]
    number = max(completed or ours)
    return _pick(ours[number], number)


def find_named(jobs: Iterable[JobView], name: str, *, attempt: int) -> Choice | None:
    """Return the job whose file has the very name that was ordered, ``None`` when there is none."""
    named = [job for job in jobs if file_name.has_name(job.file_names, name)]
    return _pick(named, attempt) if named else None


def _pick(jobs: Sequence[JobView], attempt: int) -> Choice:
    """Take the oldest; one that has completed goes before those that have not."""
    chosen = next((job for job in jobs if _has_completed(job)), jobs[0])
    return Choice(job=chosen, attempt=attempt, others=tuple(job.code for job in jobs if job.code != chosen.code))


def _has_completed(job: JobView) -> bool:
    return job.stage is JobStage.COMPLETED
