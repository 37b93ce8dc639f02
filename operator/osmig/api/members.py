"""What each type brings into a spec: the one table behind the CRDs, the parser and the reasons; a line per module."""

from __future__ import annotations

from osmig.api import mailboxes, provider_hosting, provider_openstack, provider_waldur, server, tenant

MIGRATION_MEMBERS = (
    *server.MEMBERS,
    *tenant.MEMBERS,
    *mailboxes.MEMBERS,
)
PROVIDER_MEMBERS = (
    *provider_openstack.MEMBERS,
    *provider_waldur.MEMBERS,
    *provider_hosting.MEMBERS,
)
MEMBERS = (*MIGRATION_MEMBERS, *PROVIDER_MEMBERS)
