"""The replica's name, by which a lookup finds it: the same manifest gives the same name on any cluster.

Waldur keeps neither a key nor a text of ours, only the name that the replica gets (docs/waldur.md).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.api.meta import ObjectMeta
    from osmig.api.migration import MigrationSpec

LONGEST = 60
"""Characters of a name: Keystone keeps 64, of which four are for the suffix that it adds to a name that is taken."""

_DIGITS = 8
_LONGEST_PREFIX = LONGEST - len("-") - _DIGITS - len("-999")


def digest(mappings: Mappings) -> str:
    """Return a hash of what mappings mean: order, dashes and defaults that are spelled out make no difference."""
    return hashlib.sha256(_canonical(mappings).encode()).hexdigest()[:16]


def make_base(metadata: ObjectMeta, spec: MigrationSpec, mappings: Mappings) -> str:
    """Return what the names of all attempts begin with: a readable part, and a hash of all that is ordered."""
    tenant = spec.tenant
    assert tenant is not None  # noqa: S101 - the schema demands it for this type
    ordered = [
        metadata.namespace,
        metadata.name,
        spec.provider_ref.name,
        *map(canonical_id, (tenant.source_resource, tenant.destination_offering, tenant.destination_plan)),
        tenant.name_prefix,
        _canonical(mappings),
    ]
    prefix = (tenant.name_prefix or metadata.name).replace(".", "-")[:_LONGEST_PREFIX].strip("-")
    return f"{prefix}-{hashlib.sha256(json.dumps(ordered).encode()).hexdigest()[:_DIGITS]}"


def make_name(base: str, attempt: int) -> str:
    """Return the name of one attempt's replica."""
    return f"{base}-{attempt}"


def read_attempt(name: str | None, base: str) -> int | None:
    """Return which attempt of ``base`` a replica's name belongs to, whatever Keystone appended; ``None`` for others."""
    found = re.fullmatch(rf"{re.escape(base)}-([1-9][0-9]{{0,2}})(_.*)?", name or "")
    return int(found[1]) if found else None


def has_name(name: str | None, wanted: str) -> bool:
    """Whether a replica has the name that was ordered, or the one that Keystone made of it."""
    return name is not None and (name == wanted or name.startswith(f"{wanted}_"))


def _canonical(mappings: Mappings) -> str:
    return json.dumps(
        [
            sorted(
                (canonical_id(pair.source_type), canonical_id(pair.destination_type)) for pair in mappings.volume_types
            ),
            sorted((pair.source_cidr, pair.destination_cidr) for pair in mappings.subnets),
            sorted(map(canonical_id, mappings.networks)),
            mappings.skip_connection_extnet,
            mappings.sync_instance_ports,
        ]
    )
