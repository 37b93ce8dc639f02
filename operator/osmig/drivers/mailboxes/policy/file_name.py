"""The name of the list's file, by which a lookup finds the job: the same manifest and list give the same one anywhere.

The service keeps neither a key nor a text of ours, only this name, and may make another one of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osmig.api.migration import Migration

_DIGITS = 12
_LONGEST_PREFIX = 40
_SUFFIX = ".csv"


def make_salt(migration: Migration) -> bytes:
    """Return what a list is hashed with, so that the same list shows as another one in another Migration."""
    metadata = migration.metadata
    return json.dumps([metadata.namespace, metadata.name, migration.spec.provider_ref.name]).encode()


def make_base(migration: Migration, digest: str) -> str:
    """Return what the names of all attempts begin with: a readable part, and a hash of all that is ordered.

    Args:
        migration: that orders.
        digest: of the list.
    """
    spec, metadata = migration.spec, migration.metadata
    assert spec.mailboxes is not None  # noqa: S101 - the schema demands it for this type
    # what is not sent makes no other job
    unsent = {"csv_secret_ref", "on_errors", "max_failed_mailboxes"}
    ordered = spec.mailboxes.model_dump(mode="json", exclude=unsent, exclude_none=True)
    everything = [metadata.namespace, metadata.name, spec.provider_ref.name, digest, ordered]
    prefix = metadata.name.replace(".", "-")[:_LONGEST_PREFIX].strip("-")
    hashed = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    return f"{prefix}-{hashed[:_DIGITS]}"


def make_name(base: str, attempt: int) -> str:
    """Return the name of one attempt's file."""
    return f"{base}-{attempt}{_SUFFIX}"


def read_attempt(names: tuple[str, ...], base: str) -> int | None:
    """Return which attempt of ``base`` a job's file names belong to, whatever was put around; ``None`` for others."""
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(base)}-([1-9][0-9]{{0,2}})(?![0-9])", re.IGNORECASE)
    found = next((match for name in names if (match := pattern.search(name)) is not None), None)
    return int(found[1]) if found is not None else None


def has_name(names: tuple[str, ...], wanted: str) -> bool:
    """Whether one of a job's file names is the one that was ordered, or what the service made of it."""
    stem = re.escape(wanted.removesuffix(_SUFFIX))
    pattern = re.compile(rf"(?<![A-Za-z0-9]){stem}(?![0-9])", re.IGNORECASE)
    return any(pattern.search(name) is not None for name in names)
