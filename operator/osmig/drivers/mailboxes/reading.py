"""How each fact about a job is read; the list is read anew for each decision that needs it, and kept nowhere."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from osmig.api.names import Reason
from osmig.domain.errors import Absent
from osmig.drivers.mailboxes.policy import file_name, jobs
from osmig.drivers.mailboxes.policy.csv_list import read_list
from osmig.drivers.mailboxes.views import MailboxList
from osmig.net.threads import run_apart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.drivers.driver import Reader, Sources
    from osmig.drivers.mailboxes.facts import JobFacts, JobObservation
    from osmig.drivers.mailboxes.ports import MailboxBackend

    _Sources: TypeAlias = Sources[MailboxBackend]

HASH_ROUNDS = 100_000
"""Of the list's hash, which is shown: whoever guesses at a password in it pays for so many rounds per guess."""


async def read_csv(observation: JobObservation, sources: _Sources) -> JobFacts:
    """Read the list from its Secret."""
    ref = jobs.options_of(observation).csv_secret_ref
    secret = await sources.read_secret(ref.secret_name)
    if ref.key not in secret:
        message = f"the Secret {ref.secret_name} has no key {ref.key}"
        raise Absent(Reason.SECRET_NOT_FOUND, message, operation="read-secret")
    salt = file_name.make_salt(observation.migration)
    # in a thread: the hash is slow on purpose, and the Lease must be renewed meanwhile
    return replace(observation.facts, csv=await run_apart(partial(_read_list, secret[ref.key], salt)))


async def read_jobs(observation: JobObservation, sources: _Sources) -> JobFacts:
    """Read every job."""
    customer = jobs.options_of(observation).customer_code
    return replace(observation.facts, jobs=await sources.backend.jobs(customer))


async def read_job(observation: JobObservation, sources: _Sources) -> JobFacts:
    """Read the job that is followed."""
    return replace(observation.facts, job=await sources.backend.job(_code_of(observation)))


async def read_mailboxes(observation: JobObservation, sources: _Sources) -> JobFacts:
    """Read how far the mailboxes are."""
    return replace(observation.facts, mailboxes=await sources.backend.mailboxes(_code_of(observation)))


def _code_of(observation: JobObservation) -> str:
    upstream = observation.status.upstream
    assert upstream is not None  # noqa: S101 - nobody follows what has no code
    assert upstream.id is not None  # noqa: S101
    return upstream.id


def _read_list(raw: bytes, salt: bytes) -> MailboxList:
    reading = read_list(raw)
    digest = hashlib.pbkdf2_hmac("sha256", raw, salt, HASH_ROUNDS).hex()[:32]
    return MailboxList(
        content=reading.content,
        digest=digest,
        rows=reading.rows,
        problems=tuple(reading.problems),
        row_of=reading.row_of,
    )


READERS: Mapping[str, Reader[JobFacts, MailboxBackend]] = MappingProxyType(
    {"csv": read_csv, "jobs": read_jobs, "job": read_job, "mailboxes": read_mailboxes}
)
"""By the name of the fact, in the order in which they are read."""
