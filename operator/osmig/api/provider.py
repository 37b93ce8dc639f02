"""The Provider: one cloud or service, and where its credentials are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from osmig.api.meta import (
    MAX_INT,
    Condition,
    Generation,
    ObjectMeta,
    ObjectName,
    SpecModel,
    StatusModel,
    Word,
    cut,
    parse_metadata,
    parse_spec,
    parse_status,
)
from osmig.api.rules import ENDPOINT_WITHOUT_API
from osmig.api.union import Member, check_members

if TYPE_CHECKING:
    from collections.abc import Mapping

Count = Annotated[int, Field(ge=0, le=MAX_INT)]


class ProviderType(StrEnum):
    """Which engine moves; a new one also needs its member in `ProviderSpec` and a line in `PROVIDER_MEMBERS`."""

    OPENSTACK = "OpenStack"
    WALDUR = "Waldur"


class UpstreamScope(StrEnum):
    """How much of a cloud the credentials let osmig see."""

    CLOUD = "Cloud"
    PROJECT = "Project"
    UNKNOWN = "Unknown"


PROVIDER_MEMBERS = (
    Member("openstack", types=(ProviderType.OPENSTACK,), required=True),
    Member("waldur", types=(ProviderType.WALDUR,), required=True),
)
"""Which member of `ProviderSpec` belongs to which type: the one table behind the CRD's rules and the parser's."""


class CloudCredentialsRef(SpecModel):
    """Points at one cloud in a clouds.yaml inside a Secret of the same namespace."""

    secret_name: ObjectName = Field(
        description=(
            "secretName is the name of a Secret in the namespace of the Provider. Its key clouds.yaml holds the "
            "credentials, its optional key cacert the PEM certificates to trust. Example: clouds."
        ),
    )
    cloud_name: str = Field(
        min_length=1,
        max_length=253,
        description="cloudName is the entry under clouds in clouds.yaml to use. Example: region-one.",
    )


class Limits(SpecModel):
    """How much may be under way at once, moves that others started included."""

    max_in_flight: int = Field(
        default=10, ge=1, le=10_000, description="maxInFlight moves through this Provider at once. Default: 10."
    )
    max_in_flight_per_source_host: int = Field(
        default=2, ge=1, le=1_000, description="maxInFlightPerSourceHost moves away from one host at once. Default: 2."
    )
    max_in_flight_per_destination_host: int = Field(
        default=2, ge=1, le=1_000, description="maxInFlightPerDestinationHost moves to one host at once. Default: 2."
    )
    requests_per_second: int = Field(
        default=10,
        ge=1,
        le=1_000,
        description=(
            "requestsPerSecond to the cloud's Compute API at most; orders go before starts, these before sweeps, these "
            "before progress. Default: 10."
        ),
    )


class OpenStackSpec(SpecModel):
    """How to reach an OpenStack cloud."""

    cloud_credentials_ref: CloudCredentialsRef = Field(
        description=(
            "cloudCredentialsRef says where the credentials are. The Secret is read again every 60 seconds and after "
            "a refused login, so that rotating it needs no restart."
        ),
    )
    auto_confirm_seconds: Annotated[int, Field(ge=60, le=31_536_000)] | None = Field(
        default=None,
        description=(
            "autoConfirmSeconds after which the cloud itself confirms a cold move, where it does (Nova's "
            "resize_confirm_window; often 86400 on hosted clouds). osmig's own confirm keeps 10 minutes away from that "
            "moment. Default: never."
        ),
    )


class TokenRef(SpecModel):
    """Points at a token inside a Secret of the same namespace."""

    secret_name: ObjectName = Field(
        description="secretName is the name of a Secret in the namespace of the Provider. Example: waldur.",
    )
    key: str = Field(
        default="token",
        min_length=1,
        max_length=253,
        pattern=r"^[-._a-zA-Z0-9]+$",
        description="key of the Secret that holds the token. Default: token.",
    )


def _check_endpoint(text: str) -> str:
    if text.endswith(("/api", "/api/")):
        raise ValueError(ENDPOINT_WITHOUT_API["message"])
    return text


class WaldurSpec(SpecModel):
    """How to reach a Waldur."""

    endpoint: Annotated[str, AfterValidator(_check_endpoint)] = Field(
        min_length=8,
        max_length=2048,
        pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$",
        json_schema_extra={"x-kubernetes-validations": [ENDPOINT_WITHOUT_API]},
        description="endpoint is the URL of Waldur, without /api. Example: https://waldur.example.org.",
    )
    token_ref: TokenRef = Field(
        description=(
            "tokenRef says where the token is, of a user that may order at the destination; a personal access token "
            "where Waldur has them. The Secret is read again every 60 seconds and after a refused token; its optional "
            "key cacert holds the PEM certificates to trust."
        ),
    )


class ProviderSpec(SpecModel):
    """What the user wants."""

    type: ProviderType = Field(
        description=(
            "type of the engine. OpenStack: a cloud whose Compute API osmig calls. Waldur: a marketplace that "
            "replicates tenants."
        )
    )
    openstack: OpenStackSpec | None = Field(
        default=None, description="openstack says how to reach the cloud. Required when type is OpenStack."
    )
    waldur: WaldurSpec | None = Field(
        default=None, description="waldur says how to reach a Waldur. Required when type is Waldur."
    )

    limits: Limits | None = Field(
        default=None, description="limits of what may be under way at once. Default: all at their defaults."
    )

    @model_validator(mode="after")
    def _members_match_type(self) -> ProviderSpec:
        check_members(self, PROVIDER_MEMBERS, self.type)
        return self

    @property
    def secret_name(self) -> str:
        """The Secret that holds the credentials, whatever the type."""
        if self.waldur is not None:
            return self.waldur.token_ref.secret_name
        return self.openstack.cloud_credentials_ref.secret_name if self.openstack is not None else ""

    @property
    def effective_limits(self) -> Limits:
        """The limits, defaults filled in."""
        return self.limits or Limits()

    @property
    def auto_confirm_s(self) -> int | None:
        """Seconds after which the cloud itself confirms a cold move, ``None`` for never."""
        return self.openstack.auto_confirm_seconds if self.openstack is not None else None


class UpstreamCounts(StatusModel):
    """How many migrations of the cloud are in which state, whoever started them."""

    scope: UpstreamScope | None = Field(
        default=None,
        description=(
            "scope of what the credentials can see: Cloud (all projects), Project (their own) or Unknown. The counts "
            "beside it cover no more than that."
        ),
    )
    running: Count | None = Field(default=None, description="running counts the migrations that are under way.")
    queued: Count | None = Field(default=None, description="queued counts the migrations that wait in the cloud.")
    awaiting_confirmation: Count | None = Field(
        default=None,
        description="awaitingConfirmation counts the resized servers that wait for their owner to confirm or revert.",
    )


class ProviderStatus(StatusModel):
    """What osmig found."""

    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description=(
            "conditions of the Provider: Ready (True once a probe succeeded), AuthenticationSucceeded, and while "
            "True only: Reconciling (it will be tried again), Stalled (a person must mend it), CredentialsExpiring "
            "(within 7 days, where the server tells)."
        ),
    )
    observed_generation: Generation = Field(
        default=-1, description="observedGeneration is the metadata.generation last acted upon; -1 means none yet."
    )
    endpoint: Annotated[str, cut(2048), Field(max_length=2048)] | None = Field(
        default=None,
        description="endpoint in use, of the Compute API or of Waldur. Example: https://nova.example.org/v2.1.",
    )
    api_version: Word | None = Field(
        default=None,
        description="apiVersion is the highest Compute microversion of the cloud, or Waldur's version. Example: 2.104.",
    )
    capabilities: tuple[Word, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description=(
            "capabilities that the cloud's version and these credentials allow, sorted. Examples: Abort, "
            "AbortQueued, ForceComplete, DestinationHost, Hosts, Progress."
        ),
    )
    upstream: UpstreamCounts | None = Field(
        default=None, description="upstream counts the migrations the credentials can see, whoever started them."
    )


class Provider(BaseModel):
    """A Provider as read from the API server, whose status is empty where this version cannot read it."""

    model_config = ConfigDict(frozen=True)

    metadata: ObjectMeta
    spec: ProviderSpec
    status: ProviderStatus = ProviderStatus()


def parse_provider(body: Mapping[str, Any]) -> Provider:
    """Read a Provider as the API server sent it.

    Raises:
        InvalidManifest: the spec or the metadata is not one that this version can follow.
    """
    return Provider(
        metadata=parse_metadata(body),
        spec=parse_spec(ProviderSpec, body),
        status=parse_status(ProviderStatus, body) or ProviderStatus(),
    )
