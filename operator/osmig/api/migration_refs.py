"""What a Migration is about: its Provider, its server, and the hosts."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from osmig.api.meta import ObjectName, SpecModel
from osmig.api.rules import EXACTLY_ONE_OF_ID_AND_NAME

Host = Annotated[str, Field(min_length=1, max_length=255)]


class ProviderRef(SpecModel):
    """Names a Provider of the same namespace."""

    name: ObjectName = Field(
        description="name of a Provider in the namespace of the Migration. Example: region-one.",
    )


class ServerRef(SpecModel):
    """Names one server by exactly one of id and name."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [EXACTLY_ONE_OF_ID_AND_NAME]})

    id: str | None = Field(
        default=None,
        min_length=36,
        max_length=36,
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description=(
            "id of the server, a UUID in lower case. Exactly one of id and name must be set. "
            "Example: 1b2c3d4e-0000-4000-8000-0123456789ab."
        ),
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description=(
            "name of the server, matched exactly; it must be unambiguous among the servers the credentials see, and "
            "is resolved once. Exactly one of id and name must be set. Example: db-07."
        ),
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> ServerRef:
        if (self.id is None) == (self.name is None):
            message = "exactly one of id and name must be set"
            raise ValueError(message)
        return self


class Placement(SpecModel):
    """Where the server is expected and where it shall go."""

    source_host: Host | None = Field(
        default=None,
        description=(
            "sourceHost is the compute host the server must be on; elsewhere nothing is sent. Name it to make applying "
            "the same manifest again harmless. Default: wherever the server is. Example: cmp1."
        ),
    )
    destination_host: Host | None = Field(
        default=None,
        description=(
            "destinationHost is the compute host to move to; a server that is already there counts as moved. "
            "Default: the cloud's scheduler chooses. Example: cmp2."
        ),
    )
