"""The routes of the marketplace: resources, orders, offerings and plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.waldurlab.answers import FORBIDDEN, Answer, answer_bad_uuid, answer_detail, answer_json, answer_missing
from lab.waldurlab.call import answer_object, answer_page_of, pick_fields
from lab.waldurlab.objects import parse_uuid
from lab.waldurlab.views import show_offering, show_order, show_plan, show_resource

if TYPE_CHECKING:
    from lab.waldurlab.call import Call
    from lab.waldurlab.objects import Offering, Resource
    from lab.waldurlab.replication import Order


def list_resources(call: Call) -> Answer:
    """List the marketplace's resources."""
    rows = [one for one in call.cloud.resources.values() if call.user.sees(one.customer)]
    return answer_page_of(call, rows, show_resource)


def retrieve_resource(call: Call) -> Answer:
    """Show one resource, also of a replication whose row was deleted."""
    resource = _find_resource(call)
    return answer_object(call, show_resource(call, resource)) if resource else answer_missing("Resource")


def terminate_resource(call: Call) -> Answer:
    """Order the end of a resource, if it is OK or Erred and its tenant is so too."""
    resource = _find_resource(call)
    if resource is None:
        return answer_missing("Resource")
    if not (call.user.may_terminate or call.user.is_staff):
        return answer_detail(FORBIDDEN, 403)
    if resource.state not in {"OK", "Erred"}:
        return answer_detail("Valid states for operation: OK, Erred.", 409)
    tenant = call.cloud.tenants.get(resource.tenant)
    if tenant and tenant.state not in {"OK", "ERRED"}:
        # The second check is the one of OpenStack's part of Waldur, with its own words for states.
        return answer_detail("Valid states for operation: OK, ERRED.", 409)
    return answer_json({"order_uuid": call.cloud.terminate(resource).uuid})


def list_orders(call: Call) -> Answer:
    """List orders, of one resource if asked so."""
    given = call.parameter("resource_uuid")
    wanted = parse_uuid(given)
    if given and wanted is None:
        return answer_bad_uuid("resource_uuid")
    rows = [order for order in _visible_orders(call) if not given or order.resource == wanted]
    return answer_page_of(call, rows, show_order)


def retrieve_order(call: Call) -> Answer:
    """Show one order."""
    uuid = parse_uuid(call.ids[0])
    found = next((order for order in _visible_orders(call) if order.uuid == uuid), None)
    return answer_object(call, show_order(call, found)) if found else answer_missing("Order")


def list_offerings(call: Call) -> Answer:
    """List what can be ordered."""
    rows = [offering for offering in call.cloud.offerings.values() if offering.is_visible(call.user)]
    return answer_page_of(call, rows, show_offering)


def retrieve_offering(call: Call) -> Answer:
    """Show one offering with its plans."""
    offering = _find_offering(call)
    return answer_object(call, show_offering(call, offering)) if offering else answer_missing("Offering")


def list_plans(call: Call) -> Answer:
    """List all plans of one offering by name: this list has no pages, whatever is asked for."""
    offering = _find_offering(call)
    if offering is None:
        return answer_missing("Offering")
    plans = sorted(offering.plans, key=lambda plan: plan.name)
    return answer_json([pick_fields(call, show_plan(call, offering, plan)) for plan in plans])


def _find_resource(call: Call) -> Resource | None:
    found = call.cloud.resources.get(parse_uuid(call.ids[0]) or "")
    return found if found and call.user.sees(found.customer) else None


def _visible_orders(call: Call) -> list[Order]:
    resources = call.cloud.resources
    return [order for order in call.cloud.orders if call.user.sees(resources[order.resource].customer)]


def _find_offering(call: Call) -> Offering | None:
    found = call.cloud.offerings.get(parse_uuid(call.ids[0]) or "")
    return found if found and found.is_visible(call.user) else None
