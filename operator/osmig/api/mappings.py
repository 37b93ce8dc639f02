"""What a tenant's replica has otherwise than its source: volume types, subnets, networks; inline or in an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from osmig.api.meta import SpecModel
from osmig.api.tenant_rules import (
    EACH_DESTINATION_ONCE,
    EACH_NETWORK_ONCE,
    EACH_VOLUME_TYPE_ONCE,
    MAPPING_RULES,
    PORTS_NOT_WITH_SUBNETS,
    PRIVATE_CIDR,
    PRIVATE_CIDR_PATTERN,
)

if TYPE_CHECKING:
    from pydantic import JsonValue

UUID_PATTERN = r"^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"
MAX_PAIRS = 64

UpstreamID = Annotated[str, Field(min_length=32, max_length=36, pattern=UUID_PATTERN)]
"""A UUID in lower case, with dashes or without: Waldur prints both."""


def _check_private(text: str) -> str:
    if not re.fullmatch(PRIVATE_CIDR_PATTERN, text):
        raise ValueError(PRIVATE_CIDR["message"])
    return text


PrivateCIDR = Annotated[
    str,
    AfterValidator(_check_private),
    Field(min_length=1, max_length=18, json_schema_extra={"x-kubernetes-validations": [PRIVATE_CIDR]}),
]
"""A private IPv4 network of 256 addresses, without host bits: the only ones that Waldur can map."""


def canonical_id(text: str) -> str:
    """Return a UUID without dashes, in lower case, as Waldur prints it."""
    return text.replace("-", "").lower()


class VolumeTypeMapping(SpecModel):
    """One volume type of the source, and what its quota becomes."""

    source_type: UpstreamID = Field(
        description="sourceType is the UUID of a volume type in the source tenant. Each may be mapped once."
    )
    destination_type: UpstreamID = Field(
        description=(
            "destinationType is the UUID of a volume type at the destination; several may map to one, their quotas add "
            "up."
        )
    )


class SubnetMapping(SpecModel):
    """One subnet of the source, and its addresses in the replica."""

    source_cidr: PrivateCIDR = Field(
        description="sourceCIDR is the exact CIDR of a subnet in the source tenant. Example: 192.168.1.0/24."
    )
    destination_cidr: PrivateCIDR = Field(
        description="destinationCIDR is what the subnet gets in the replica; each only once. Example: 10.9.1.0/24."
    )


class Mappings(SpecModel):
    """What is replicated otherwise than it is; empty, everything is replicated as it is."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": cast("list[JsonValue]", MAPPING_RULES)})

    volume_types: tuple[VolumeTypeMapping, ...] = Field(
        default=(),
        max_length=MAX_PAIRS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["sourceType"]},
        description=(
            "volumeTypes whose limits go over to another type; limits of types that are not named here are dropped by "
            "Waldur. Default: none."
        ),
    )
    subnets: tuple[SubnetMapping, ...] = Field(
        default=(),
        max_length=MAX_PAIRS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["sourceCIDR"]},
        description="subnets that get other addresses. Default: all keep theirs.",
    )
    networks: tuple[UpstreamID, ...] = Field(
        default=(),
        max_length=MAX_PAIRS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="networks of the source tenant to replicate, by UUID. Default: all.",
    )
    skip_connection_extnet: bool = Field(
        default=False,
        strict=True,
        description="skipConnectionExtnet leaves the replica's router without an external network. Default: false.",
    )
    sync_instance_ports: bool = Field(
        default=False,
        strict=True,
        description=(
            "syncInstancePorts also creates the ports of the source's servers, without the servers; not together with "
            "subnets. Default: false."
        ),
    )

    @model_validator(mode="after")
    def _each_once(self) -> Mappings:
        for keys, message in (
            ([canonical_id(pair.source_type) for pair in self.volume_types], EACH_VOLUME_TYPE_ONCE["message"]),
            ([pair.source_cidr for pair in self.subnets], "each sourceCIDR may be mapped only once"),
            ([pair.destination_cidr for pair in self.subnets], EACH_DESTINATION_ONCE["message"]),
            ([canonical_id(network) for network in self.networks], EACH_NETWORK_ONCE["message"]),
        ):
            if len(set(keys)) != len(keys):
                raise ValueError(message)
        if self.sync_instance_ports and self.subnets:
            raise ValueError(PORTS_NOT_WITH_SUBNETS["message"])
        return self
