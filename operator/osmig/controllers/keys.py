"""Keys of the objects that the controllers work on, and their kinds."""

from __future__ import annotations

from typing import NamedTuple

from osmig.api.names import GROUP, VERSION, Kind
from osmig.kube.refs import Resource

RESOURCES = {
    Kind.MIGRATION: Resource(GROUP, VERSION, "migrations", Kind.MIGRATION),
    Kind.PROVIDER: Resource(GROUP, VERSION, "providers", Kind.PROVIDER),
    Kind.MAPPING: Resource(GROUP, VERSION, "migrationmappings", Kind.MAPPING),
    Kind.PLAN: Resource(GROUP, VERSION, "migrationplans", Kind.PLAN),
}


class Key(NamedTuple):
    """One object, whatever its uid; the unit of scheduling and mutual exclusion."""

    kind: Kind
    namespace: str
    name: str

    @property
    def text(self) -> str:
        """``Kind/namespace/name``, for messages."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def log_fields(self) -> dict[str, str]:
        """What a log line about the object says of it, whoever writes it."""
        return {"kind": str(self.kind), "namespace": self.namespace, "name": self.name}
