"""Which of the service's jobs is the one that a Migration ordered, in this life or in an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from osmig.domain import named_orders
from osmig.drivers.mailboxes.policy import file_name
from osmig.drivers.mailboxes.views import JobStage, JobView

if TYPE_CHECKING:
    from collections.abc import Iterable

Choice: TypeAlias = named_orders.Choice[JobView]

JOB = named_orders.Kind(
    upstream="the service",
    thing="job",
    name="file name",
    type=JobView,
    id_of=lambda job: job.code,
    has_succeeded=lambda job: job.stage is JobStage.COMPLETED,
)
"""What is ordered of the service."""


def choose(jobs: Iterable[JobView], *, base: str, attempt: int) -> Choice | None:
    """Return the job of this Migration, ``None`` when there is none.

    Args:
        jobs: oldest first.
        base: what the file names of all attempts begin with.
        attempt: that is to be made.
    """
    numbered = ((file_name.read_attempt(job.file_names, base), job) for job in jobs)
    ours = ((number, job) for number, job in numbered if number is not None)
    return named_orders.choose(JOB, ours, attempt=attempt)


def find_named(jobs: Iterable[JobView], name: str, *, attempt: int) -> Choice | None:
    """Return the job whose file has the very name that was ordered, ``None`` when there is none."""
    named = [job for job in jobs if file_name.has_name(job.file_names, name)]
    return named_orders.pick(JOB, named, attempt=attempt)
