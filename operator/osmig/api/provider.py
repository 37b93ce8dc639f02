"""The Provider: one cloud or service, and where its credentials are.

How each type is reached stands in a module of its own and is offered here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from osmig.api.discovery import (
    MIRROR_ONLY_WHAT_CAN_BE_ADOPTED,
    Discovery,
    DiscoveryMode,
    UpstreamCounts,
    UpstreamScope,
)
from osmig.api.members import PROVIDER_MEMBERS
from osmig.api.meta import (
    Condition,
    Generation,
    MicroTime,
    ObjectMeta,
    SpecModel,
    StatusModel,
    Word,
    cut,
    parse_metadata,
    parse_spec,
    parse_status,
)
from osmig.api.names import ProviderType
from osmig.api.provider_hosting import HostingSpec
from osmig.api.provider_openstack import OpenStackSpec
from osmig.api.provider_waldur import WaldurSpec
from osmig.api.union import check_members

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Discovery",
    "HostingSpec",
    "Limits",
    "OpenStackSpec",
    "Provider",
    "ProviderSpec",
    "ProviderStatus",
    "ProviderType",
    "RefusedLogin",
    "UpstreamCounts",
    "UpstreamScope",
    "WaldurSpec",
    "parse_provider",
]


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


class ProviderSpec(SpecModel):
    """What the user wants."""

    type: ProviderType = Field(
        description=(
            "type of the engine. OpenStack: a cloud whose Compute API osmig calls. Waldur: a marketplace that "
            "replicates tenants. Hosting: a hosting provider that copies mailboxes."
        )
    )
    openstack: OpenStackSpec | None = Field(
        default=None, description="openstack says how to reach the cloud. Required when type is OpenStack."
    )
    waldur: WaldurSpec | None = Field(
        default=None, description="waldur says how to reach a Waldur. Required when type is Waldur."
    )
    hosting: HostingSpec | None = Field(
        default=None, description="hosting says how to reach a hosting provider. Required when type is Hosting."
    )

    limits: Limits | None = Field(
        default=None, description="limits of what may be under way at once. Default: all at their defaults."
    )
    discovery: Discovery | None = Field(
        default=None,
        description="discovery of migrations that nobody declared here. Default: all of it at its defaults, so Count.",
    )

    @model_validator(mode="after")
    def _members_match_type(self) -> ProviderSpec:
        check_members(self, PROVIDER_MEMBERS, self.type)
        if self.type is not ProviderType.OPENSTACK and self.effective_discovery.mode is DiscoveryMode.MIRROR:
            message = f"discovery.mode {MIRROR_ONLY_WHAT_CAN_BE_ADOPTED['message']}"
            raise ValueError(message)
        return self

    @property
    def secret_name(self) -> str:
        """The Secret that holds the credentials, whatever the type."""
        chosen = self.openstack or self.waldur or self.hosting
        return chosen.secret_name if chosen is not None else ""

    @property
    def secret_endpoint(self) -> str | None:
        """Where what is in the Secret is sent, as far as the spec alone says so; ``None`` if the Secret itself does."""
        chosen = self.openstack or self.waldur or self.hosting
        return chosen.secret_endpoint if chosen is not None else None

    @property
    def effective_limits(self) -> Limits:
        """The limits, defaults filled in; of a hosting provider the smaller ones count."""
        limits = self.limits or Limits()
        if self.hosting is None:
            return limits
        allowed = min(limits.max_in_flight, self.hosting.max_jobs)
        paced = {"max_in_flight": allowed, "requests_per_second": self.hosting.requests_per_second}
        return limits.model_copy(update=paced)

    @property
    def effective_discovery(self) -> Discovery:
        """What is told of migrations that nobody declared here, defaults filled in."""
        return self.discovery or Discovery()

    @property
    def auto_confirm_s(self) -> int | None:
        """Seconds after which the cloud itself confirms a cold move, ``None`` for never."""
        return self.openstack.auto_confirm_seconds if self.openstack is not None else None


class RefusedLogin(StatusModel):
    """Credentials that were refused: how often, so that a process started anew does not begin to count anew."""

    attempts: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="attempts with these credentials that were refused in a row; the pause before the next one grows."
    )
    time: MicroTime = Field(description="time of the last attempt, in UTC.")
    secret_version: Word = Field(
        default="", description="secretVersion is the resourceVersion of the Secret; another one is tried at once."
    )
    reconcile: Word | None = Field(
        default=None,
        description="reconcile is the Provider's annotation osmig.dev/reconcile then; another value asks for a try.",
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
        description="endpoint in use, of the Compute API or of the service. Example: https://nova.example.org/v2.1.",
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
    refused_login: RefusedLogin | None = Field(
        default=None, description="refusedLogin tells of credentials that are refused; absent when they are not."
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
