"""The routes around the replications: the marketplace, OpenStack's objects, the caller and the version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waldurlab.answers import FORBIDDEN, Answer, answer_detail, answer_json, answer_missing
from lab.waldurlab.call import answer_object, answer_page_of
from lab.waldurlab.catalogue import parse_uuid
from lab.waldurlab.views import (
    show_network,
    show_offering,
    show_order,
    show_plan,
    show_resource,
    show_subnet,
    show_tenant,
    show_user,
    show_volume_type,
)

if TYPE_CHECKING:
    from lab.waldurlab.call import Call
    from lab.waldurlab.catalogue import Network, Resource

NEW_VERSION, OLD_VERSION = "7.8.2", "7.5.9"


def show_version(call: Call) -> Answer:
    """Tell the server's version."""
    return answer_json({"version": OLD_VERSION if call.cloud.is_old else NEW_VERSION})


def retrieve_me(call: Call) -> Answer:
    """Tell whose token it is."""
    return answer_object(call, show_user(call, call.user))


def list_resources(call: Call) -> Answer:
    """List the marketplace's resources."""
    rows = [] if call.user.is_stranger else list(call.cloud.resources.values())
    return answer_page_of(call, rows, show_resource)


def retrieve_resource(call: Call) -> Answer:
    """Show one resource, also of a replication whose row was deleted."""
    resource = _find_resource(call)
    return answer_object(call, show_resource(call, resource)) if resource else answer_missing("Resource")


def terminate_resource(call: Call) -> Answer:
    """Order the end of a resource, if it is OK or Erred."""
    resource = _find_resource(call)
    if resource is None:
        return answer_missing("Resource")
    if not (call.user.may_terminate or call.user.is_staff):
        return answer_detail(FORBIDDEN, 403)
    if resource.state not in {"OK", "Erred"}:
        return answer_detail("Valid states for operation: OK, Erred.", 409)
    return answer_json({"order_uuid": call.cloud.terminate(resource).uuid})


def list_orders(call: Call) -> Answer:
    """List orders, of one resource if asked so."""
    wanted = call.parameter("resource_uuid")
    orders = call.cloud.orders if not call.user.is_stranger else []
    rows = [order for order in orders if wanted is None or order.resource == parse_uuid(wanted)]
    return answer_page_of(call, rows, show_order)


def retrieve_order(call: Call) -> Answer:
    """Show one order."""
    uuid = parse_uuid(call.ids[0])
    found = next((order for order in call.cloud.orders if order.uuid == uuid), None)
    if found is None or call.user.is_stranger:
        return answer_missing("Order")
    return answer_object(call, show_order(call, found))


def list_offerings(call: Call) -> Answer:
    """List what can be ordered."""
    return answer_page_of(call, list(call.cloud.offerings.values()), show_offering)


def retrieve_offering(call: Call) -> Answer:
    """Show one offering with its plans."""
    offering = call.cloud.offerings.get(parse_uuid(call.ids[0]) or "")
    return answer_object(call, show_offering(call, offering)) if offering else answer_missing("Offering")


def list_plans(call: Call) -> Answer:
    """List the plans of one offering."""
    offering = call.cloud.offerings.get(parse_uuid(call.ids[0]) or "")
    if offering is None:
        return answer_missing("Offering")
    return answer_page_of(call, offering.plans, lambda call, plan: show_plan(call, offering, plan))


def list_tenants(call: Call) -> Answer:
    """List the tenants."""
    rows = [] if call.user.is_stranger else list(call.cloud.tenants.values())
    return answer_page_of(call, rows, show_tenant)


def retrieve_tenant(call: Call) -> Answer:
    """Show one tenant: its own state and error."""
    tenant = None if call.user.is_stranger else call.cloud.tenants.get(parse_uuid(call.ids[0]) or "")
    return answer_object(call, show_tenant(call, tenant)) if tenant else answer_missing("Tenant")


def list_networks(call: Call) -> Answer:
    """List networks, of one tenant if asked so."""
    return answer_page_of(call, _networks(call), show_network)


def list_subnets(call: Call) -> Answer:
    """List subnets, of one tenant or network if asked so."""
    network = call.parameter("network_uuid")
    pairs = [
        (found, subnet)
        for found in _networks(call)
        if network is None or found.uuid == parse_uuid(network)
        for subnet in found.subnets
    ]
    return answer_page_of(call, pairs, show_subnet)


def list_volume_types(call: Call) -> Answer:
    """List volume types, of one tenant, offering or service if asked so."""
    rows = [] if call.user.is_stranger else list(call.cloud.volume_types.values())
    if tenant := call.parameter("tenant_uuid"):
        rows = [kind for kind in rows if parse_uuid(tenant) in kind.tenants]
    if given := call.parameter("offering_uuid"):
        offering = call.cloud.offerings.get(parse_uuid(given) or "")
        rows = [kind for kind in rows if offering and kind.settings == offering.settings]
    if settings := call.parameter("settings_uuid"):
        rows = [kind for kind in rows if kind.settings == parse_uuid(settings)]
    return answer_page_of(call, rows, show_volume_type)


def _find_resource(call: Call) -> Resource | None:
    return None if call.user.is_stranger else call.cloud.resources.get(parse_uuid(call.ids[0]) or "")


def _networks(call: Call) -> list[Network]:
    tenant = call.parameter("tenant_uuid")
    rows = [] if call.user.is_stranger else list(call.cloud.networks.values())
    return [network for network in rows if tenant is None or network.tenant == parse_uuid(tenant)]
