"""The routes of OpenStack's objects, of the caller and of the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waldurlab.answers import FORBIDDEN, Answer, answer_bad_uuid, answer_detail, answer_json, answer_missing
from lab.waldurlab.call import answer_object, answer_page_of
from lab.waldurlab.cloud import FILTERS_BY_OFFERING, OPENS_VERSION
from lab.waldurlab.objects import parse_uuid
from lab.waldurlab.views import (
    show_network,
    show_router,
    show_security_group,
    show_subnet,
    show_tenant,
    show_user,
    show_volume_type,
)

if TYPE_CHECKING:
    from lab.waldurlab.call import Call
    from lab.waldurlab.objects import Network, Tenant


def show_root(_: Call) -> Answer:
    """Answer to ``/api/``: the real one lists its routes."""
    return answer_json({})


def show_version(call: Call) -> Answer:
    """Tell the server's version, before 8.1 to staff and support alone."""
    if not (call.user.sees_all or call.cloud.version >= OPENS_VERSION):
        return answer_detail(FORBIDDEN, 403)
    return answer_json({"version": ".".join(map(str, call.cloud.version))})


def retrieve_me(call: Call) -> Answer:
    """Tell whose token it is."""
    return answer_object(call, show_user(call, call.user))


def list_tenants(call: Call) -> Answer:
    """List the tenants."""
    return answer_page_of(call, _visible_tenants(call), show_tenant)


def retrieve_tenant(call: Call) -> Answer:
    """Show one tenant: its own state and error."""
    uuid = parse_uuid(call.ids[0])
    tenant = next((one for one in _visible_tenants(call) if one.uuid == uuid), None)
    return answer_object(call, show_tenant(call, tenant)) if tenant else answer_missing("Tenant")


def list_networks(call: Call) -> Answer:
    """List networks by name, of one tenant if asked so."""
    return _refuse_filters(call, "tenant_uuid") or answer_page_of(call, _networks(call), show_network)


def list_subnets(call: Call) -> Answer:
    """List subnets by name, of one tenant or network if asked so."""
    if refusal := _refuse_filters(call, "tenant_uuid", "network_uuid"):
        return refusal
    network = call.parameter("network_uuid")
    pairs = [
        (found, subnet)
        for found in _networks(call)
        if not network or found.uuid == parse_uuid(network)
        for subnet in found.subnets
    ]
    return answer_page_of(call, sorted(pairs, key=lambda pair: pair[1].name), show_subnet)


def list_volume_types(call: Call) -> Answer:
    """List volume types by name, of one tenant, offering or service if asked so; shared services show them to all."""
    filters = ("tenant_uuid", "settings_uuid", "offering_uuid")[: 3 if _filters_by_offering(call) else 2]
    if refusal := _refuse_filters(call, *filters):
        return refusal
    rows = [kind for kind in call.cloud.volume_types.values() if not kind.is_disabled]
    if tenant := call.parameter("tenant_uuid"):
        rows = [kind for kind in rows if parse_uuid(tenant) in kind.tenants]
    if (given := call.parameter("offering_uuid")) and _filters_by_offering(call):
        offering = call.cloud.offerings.get(parse_uuid(given) or "")
        rows = [kind for kind in rows if offering and kind.settings == offering.settings]
    if settings := call.parameter("settings_uuid"):
        rows = [kind for kind in rows if kind.settings == parse_uuid(settings)]
    return answer_page_of(call, sorted(rows, key=lambda kind: kind.name), show_volume_type)


def list_routers(call: Call) -> Answer:
    """List routers with their routes, of one tenant if asked so."""
    return _refuse_filters(call, "tenant_uuid") or answer_page_of(call, _chosen_tenants(call), show_router)


def list_security_groups(call: Call) -> Answer:
    """List security groups with their rules, of one tenant if asked so."""
    return _refuse_filters(call, "tenant_uuid") or answer_page_of(call, _chosen_tenants(call), show_security_group)


def _filters_by_offering(call: Call) -> bool:
    return call.cloud.version >= FILTERS_BY_OFFERING


def _refuse_filters(call: Call, *names: str) -> Answer | None:
    bad = [name for name in names if (given := call.parameter(name)) and parse_uuid(given) is None]
    return answer_bad_uuid(bad[0]) if bad else None


def _visible_tenants(call: Call) -> list[Tenant]:
    return [tenant for tenant in call.cloud.tenants.values() if call.user.sees(tenant.customer)]


def _chosen_tenants(call: Call) -> list[Tenant]:
    given = call.parameter("tenant_uuid")
    return [tenant for tenant in _visible_tenants(call) if not given or tenant.uuid == parse_uuid(given)]


def _networks(call: Call) -> list[Network]:
    tenants = {tenant.uuid for tenant in _chosen_tenants(call)}
    rows = [network for network in call.cloud.networks.values() if network.tenant in tenants]
    return sorted(rows, key=lambda network: network.name)
