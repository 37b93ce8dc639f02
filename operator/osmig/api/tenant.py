"""The options of a TenantReplication: which tenant, where to, and what becomes of a replica that nobody wants."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field, model_validator

from osmig.api.mappings import Mappings, UpstreamID
from osmig.api.meta import ObjectName, SpecModel
from osmig.api.tenant_rules import AT_MOST_ONE_SOURCE_OF_MAPPINGS


class Cleanup(StrEnum):
    """What becomes of the replica of a replication that was aborted."""

    NONE = "None"
    DESTINATION_ON_ABORT = "DestinationOnAbort"


class MappingRef(SpecModel):
    """Names a MigrationMapping of the same namespace."""

    name: ObjectName = Field(
        description="name of a MigrationMapping in the namespace of the Migration. Example: dc1-to-dc2.",
    )


class TenantOptions(SpecModel):
    """A tenant to replicate. Servers, volumes, their data and floating IPs are not replicated."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [AT_MOST_ONE_SOURCE_OF_MAPPINGS]})

    source_resource: UpstreamID = Field(
        description="sourceResource is the UUID of the marketplace resource to replicate: a tenant. It is not changed."
    )
    destination_offering: UpstreamID = Field(
        description="destinationOffering is the UUID of the offering that the replica is ordered from."
    )
    destination_plan: UpstreamID = Field(description="destinationPlan is the UUID of a plan of that offering.")
    name_prefix: str | None = Field(
        default=None,
        min_length=1,
        max_length=40,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description=(
            "namePrefix begins the replica's name; a mark by which osmig finds it again follows. Default: the "
            "Migration's name."
        ),
    )
    mappings: Mappings | None = Field(
        default=None, description="mappings of this replication alone; not together with mappingRef. Default: none."
    )
    mapping_ref: MappingRef | None = Field(
        default=None,
        description=(
            "mappingRef names a MigrationMapping; one that changes before the order is sent makes the Migration fail. "
            "Default: none."
        ),
    )
    cleanup: Cleanup = Field(
        default=Cleanup.NONE,
        description=(
            "cleanup says what becomes of the replica when the replication was aborted after it was ordered. None: it "
            "stays. DestinationOnAbort: it is terminated once Waldur has finished with it; the source never is. "
            "Default: None."
        ),
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> TenantOptions:
        if self.mappings is not None and self.mapping_ref is not None:
            raise ValueError(AT_MOST_ONE_SOURCE_OF_MAPPINGS["message"])
        return self
