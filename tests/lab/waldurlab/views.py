"""How the double's objects look in an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waldurlab.objects import SERVERS
from lab.waldurlab.replication import OLD_LABELS

if TYPE_CHECKING:
    from datetime import datetime

    from lab.waldurlab.call import Call
    from lab.waldurlab.objects import Network, Offering, Plan, Resource, Subnet, Tenant, User, VolumeType
    from lab.waldurlab.replication import Order, Replication

Shown = dict[str, object]
NEW_FIELDS = ("dst_resource_state", "error_message", "error_traceback")
"""What rows of old servers do not have."""


def show_time(moment: datetime) -> str:
    """Write a time as the server does."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def show_replication(call: Call, row: Replication) -> Shown:
    """Return a row of ``/api/openstack-migrations/``, with what a test has done to it."""
    cloud = call.cloud
    source, destination = cloud.resources[row.source], cloud.resources[row.destination]
    shown: Shown = {
        "uuid": row.uuid,
        "created": show_time(row.created),
        "modified": show_time(row.modified),
        "mappings": row.mappings,
        "created_by_uuid": row.created_by,
        "created_by_full_name": cloud.name_of_user(row.created_by),
        "src_offering_uuid": source.offering,
        "src_offering_name": cloud.offerings[source.offering].name,
        "dst_offering_uuid": row.offering,
        "dst_offering_name": cloud.offerings[row.offering].name,
        "src_resource_uuid": source.uuid,
        "src_resource_name": source.name,
        "dst_resource_uuid": destination.uuid,
        "dst_resource_name": destination.name,
        "dst_resource_state": destination.state,
        "state": OLD_LABELS[row.state] if cloud.is_old else row.state,
        "error_message": row.error_message,
        "error_traceback": row.error_traceback,
    }
    missing = {*row.dropped, *(NEW_FIELDS if cloud.is_old else ())}
    return {name: value for name, value in (shown | row.overrides).items() if name not in missing}


def show_resource(call: Call, resource: Resource) -> Shown:
    """Return a row of ``/api/marketplace-resources/``."""
    cloud = call.cloud
    offering = cloud.offerings[resource.offering]
    is_server = offering.kind == SERVERS
    is_there = is_server or resource.tenant in cloud.tenants
    scope = f"openstack-{'instances' if is_server else 'tenants'}/{resource.tenant}"
    return {
        "offering": call.link(f"marketplace-public-offerings/{offering.uuid}"),
        "offering_name": offering.name,
        "offering_uuid": offering.uuid,
        "offering_type": offering.kind,
        "plan_uuid": resource.plan,
        "plan_name": next(plan.name for plan in offering.plans if plan.uuid == resource.plan),
        "attributes": {"name": resource.name},
        "limits": resource.limits,
        "uuid": resource.uuid,
        "url": call.link(f"marketplace-resources/{resource.uuid}"),
        "scope": call.link(scope) if is_there else None,
        "state": resource.state,
        "resource_uuid": resource.tenant if is_there else None,
        "resource_type": offering.kind if is_there else None,
        "backend_id": resource.tenant if resource.state in {"OK", "Erred"} else "",
        "name": resource.name,
        "error_message": "",
        "order_in_progress": None,
        "creation_order": None,
    }


def show_order(call: Call, order: Order) -> Shown:
    """Return a row of ``/api/marketplace-orders/``."""
    resource = call.cloud.resources[order.resource]
    return {
        "uuid": order.uuid,
        "created": show_time(order.created),
        "resource_name": resource.name,
        "resource_uuid": resource.tenant,
        "marketplace_resource_uuid": resource.uuid,
        "type": order.kind,
        "state": order.state,
        "error_message": order.error_message,
    }


def show_plan(call: Call, offering: Offering, plan: Plan) -> Shown:
    """Return a row of ``/api/marketplace-public-offerings/ID/plans/``; a full plan is not active."""
    return {
        "url": call.link(f"marketplace-public-offerings/{offering.uuid}/plans/{plan.uuid}"),
        "uuid": plan.uuid,
        "name": plan.name,
        "description": "",
        "archived": plan.archived,
        "is_active": not call.cloud.is_full(plan),
        "max_amount": plan.most,
        "resources_count": call.cloud.count_resources(plan),
    }


def show_offering(call: Call, offering: Offering) -> Shown:
    """Return a row of ``/api/marketplace-public-offerings/``."""
    return {
        "url": call.link(f"marketplace-public-offerings/{offering.uuid}"),
        "uuid": offering.uuid,
        "name": offering.name,
        "state": offering.state,
        "plans": [show_plan(call, offering, plan) for plan in offering.plans],
        "type": offering.kind,
        "shared": offering.is_shared,
        "billable": True,
        "scope": call.link(f"service-settings/{offering.settings}"),
        "scope_uuid": offering.settings,
    }


def show_tenant(call: Call, tenant: Tenant) -> Shown:
    """Return a row of ``/api/openstack-tenants/``."""
    return {
        "url": call.link(f"openstack-tenants/{tenant.uuid}"),
        "uuid": tenant.uuid,
        "name": tenant.name,
        "service_settings_uuid": tenant.settings,
        "state": tenant.state,
        "error_message": tenant.error_message,
        "resource_type": "OpenStack.Tenant",
    }


def show_network(call: Call, network: Network) -> Shown:
    """Return a row of ``/api/openstack-networks/``."""
    return {
        "url": call.link(f"openstack-networks/{network.uuid}"),
        "uuid": network.uuid,
        "name": network.name,
        "state": network.state,
        "error_message": "",
        "tenant": call.link(f"openstack-tenants/{network.tenant}"),
        "tenant_name": call.cloud.tenants[network.tenant].name,
        "tenant_uuid": network.tenant,
        "is_external": False,
        "subnets": [
            # They have no ids here.
            {"name": subnet.name, "cidr": subnet.cidr, "ip_version": 4}
            for subnet in network.subnets
        ],
    }


def show_subnet(call: Call, pair: tuple[Network, Subnet]) -> Shown:
    """Return a row of ``/api/openstack-subnets/``; tenant and network are links, not ids."""
    network, subnet = pair
    return {
        "url": call.link(f"openstack-subnets/{subnet.uuid}"),
        "uuid": subnet.uuid,
        "name": subnet.name,
        "state": subnet.state,
        "error_message": "",
        "tenant": call.link(f"openstack-tenants/{network.tenant}"),
        "tenant_name": call.cloud.tenants[network.tenant].name,
        "network": call.link(f"openstack-networks/{network.uuid}"),
        "network_name": network.name,
        "cidr": subnet.cidr,
        "ip_version": 4,
    }


def show_volume_type(call: Call, kind: VolumeType) -> Shown:
    """Return a row of ``/api/openstack-volume-types/``."""
    return {
        "url": call.link(f"openstack-volume-types/{kind.uuid}"),
        "uuid": kind.uuid,
        "name": kind.name,
        "description": "",
        "settings": call.link(f"service-settings/{kind.settings}"),
    }


def show_router(call: Call, tenant: Tenant) -> Shown:
    """Return a row of ``/api/openstack-routers/``: each tenant has one router, with its id."""
    return {
        "url": call.link(f"openstack-routers/{tenant.uuid}"),
        "uuid": tenant.uuid,
        "name": f"{tenant.name}-router",
        "state": tenant.state,
        "tenant_uuid": tenant.uuid,
        "routes": [{"destination": destination, "nexthop": nexthop} for destination, nexthop in tenant.routes],
    }


def show_security_group(call: Call, tenant: Tenant) -> Shown:
    """Return a row of ``/api/openstack-security-groups/``: each tenant has one group, with its id."""
    return {
        "url": call.link(f"openstack-security-groups/{tenant.uuid}"),
        "uuid": tenant.uuid,
        "name": "default",
        "state": tenant.state,
        "tenant_uuid": tenant.uuid,
        "rules": [{"direction": "ingress", "ethertype": "IPv4", "cidr": cidr} for cidr in tenant.rules],
    }


def show_user(call: Call, user: User) -> Shown:
    """Return ``/api/users/me/``; only staff and support are told of what they are."""
    roles = {"is_staff": user.is_staff, "is_support": user.is_support} if user.sees_all else {}
    return roles | {
        "url": call.link(f"users/{user.uuid}"),
        "uuid": user.uuid,
        "username": user.name,
        "full_name": user.full_name,
        "is_active": user.is_active,
        "token_lifetime": user.token_lifetime,
        "permissions": [],
    }
