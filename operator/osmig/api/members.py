"""What each type brings into a spec: the one table behind the CRDs, the parser and the reasons; a line per module."""

from __future__ import annotations

from osmig.api import provider_openstack, provider_waldur, server, tenant

MIGRATION_MEMBERS = (
    *server.MEMBERS,
    *tenant.MEMBERS,
)
PROVIDER_MEMBERS = (
    *provider_openstack.MEMBERS,
    *provider_waldur.MEMBERS,
)
MEMBERS = (*MIGRATION_MEMBERS, *PROVIDER_MEMBERS)
