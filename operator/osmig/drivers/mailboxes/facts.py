"""What is known of one job that copies mailboxes at one moment: read from the service, or from the list's Secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from osmig.domain.observation import Observation, ReadFacts, UnsweptFacts

if TYPE_CHECKING:
    from osmig.drivers.mailboxes.views import JobList, JobView, MailboxCounts, MailboxList

FactName: TypeAlias = Literal["csv", "jobs", "job", "mailboxes"]
"""A fact that is read; several are read in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts(UnsweptFacts):
    """What is known of a job (`osmig.domain.observation.Facts`).

    Attributes:
        csv: the list, as its Secret has it now.
        jobs: every job that the token sees.
        job: the one that is followed.
        mailboxes: how far its mailboxes are.
    """

    csv: MailboxList | None = None
    jobs: JobList | None = None
    job: JobView | None = None
    mailboxes: MailboxCounts | None = None


JobObservation: TypeAlias = Observation[JobFacts]
"""One moment of a job."""


def read(*names: FactName) -> ReadFacts:
    """Ask for facts that a decision lacks."""
    return ReadFacts(frozenset(names))
