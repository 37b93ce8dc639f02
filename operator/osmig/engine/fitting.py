"""Which type of Provider serves which type of Migration, and what its backend is for: wrong ones are never called."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, cast

from osmig.api.migration import MigrationType
from osmig.api.names import Reason
from osmig.api.provider import ProviderType
from osmig.domain.observation import ProviderView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.backends.ports import Backend, ServerBackend, TenantBackend

SERVED_BY: Mapping[MigrationType, ProviderType] = MappingProxyType(
    {
        MigrationType.LIVE_MIGRATION: ProviderType.OPENSTACK,
        MigrationType.COLD_MIGRATION: ProviderType.OPENSTACK,
        MigrationType.TENANT_REPLICATION: ProviderType.WALDUR,
    }
)

LISTING = frozenset({ProviderType.OPENSTACK})
"""Types whose sweeps list operations, so that they can be counted."""

PRIVATE = frozenset({ProviderType.WALDUR})
"""Types that show each user only what it ordered itself: before new credentials are used, it must be known whose."""


@dataclass(frozen=True, slots=True)
class MovesServers:
    """The backend of a Provider whose type moves servers."""

    backend: ServerBackend


@dataclass(frozen=True, slots=True)
class ReplicatesTenants:
    """The backend of a Provider whose type replicates tenants."""

    backend: TenantBackend


Fitted: TypeAlias = MovesServers | ReplicatesTenants


def fit(backend: Backend, engine: ProviderType) -> Fitted:
    """Tell what the backend of a Provider of that type is for."""
    match engine:
        # the backend came from the factory of this very type, and mypy holds each factory to the Protocol named here
        case ProviderType.OPENSTACK:
            return MovesServers(cast("ServerBackend", backend))
        case ProviderType.WALDUR:
            return ReplicatesTenants(cast("TenantBackend", backend))


def narrow(view: ProviderView, *, provider: str, engine: ProviderType | None, wanted: MigrationType) -> ProviderView:
    """Return what a Migration of the ``wanted`` type may know of a Provider: one of another type is not ready for it.

    Args:
        view: what is known of the Provider.
        provider: its name.
        engine: its type; ``None`` while there is no such Provider or it was not looked at yet.
        wanted: the Migration's type.
    """
    needed = SERVED_BY[wanted]
    if engine in {None, needed}:
        return view
    return ProviderView(
        is_ready=False,
        reason=Reason.WRONG_PROVIDER_TYPE,
        message=f"Provider {provider} is of type {engine}; a {wanted} needs one of type {needed}",
    )
