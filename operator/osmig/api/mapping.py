"""The MigrationMapping: mappings that several replications share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from osmig.api.mappings import Mappings
from osmig.api.meta import (
    Condition,
    Generation,
    ObjectMeta,
    StatusModel,
    Word,
    parse_metadata,
    parse_spec,
    parse_status,
)
from osmig.api.migration_status import PreflightCheck

if TYPE_CHECKING:
    from collections.abc import Mapping


class MappingStatus(StatusModel):
    """What osmig makes of the mappings alone; whether they fit a tenant is checked before each replication."""

    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description="conditions of the mapping: Ready, True when it could be read, whatever the findings.",
    )
    observed_generation: Generation = Field(
        default=-1, description="observedGeneration is the metadata.generation last acted upon; -1 means none yet."
    )
    hash: Word | None = Field(default=None, description="hash of the spec; replications record which one they used.")
    findings: tuple[PreflightCheck, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
        description="findings about the mappings alone, each with the path of its field.",
    )


class MigrationMapping(BaseModel):
    """A MigrationMapping as read from the API server, whose status is empty where this version cannot read it."""

    model_config = ConfigDict(frozen=True)

    metadata: ObjectMeta
    spec: Mappings
    status: MappingStatus = MappingStatus()


def parse_mapping(body: Mapping[str, Any]) -> MigrationMapping:
    """Read a MigrationMapping as the API server sent it.

    Raises:
        InvalidManifest: the spec or the metadata is not one that this version can follow.
    """
    return MigrationMapping(
        metadata=parse_metadata(body),
        spec=parse_spec(Mappings, body),
        status=parse_status(MappingStatus, body) or MappingStatus(),
    )
