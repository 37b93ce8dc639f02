"""What the server checks of a POST, in its order, and where it crashes instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.waldurlab.answers import NOT_BLANK, NOT_NULL, REQUIRED, Answer, answer_json, answer_page
from lab.waldurlab.copying import Wanted, has_both_kinds, map_limits
from lab.waldurlab.mappings import UnusableMappingError, check_mappings
from lab.waldurlab.objects import TENANTS, parse_uuid

if TYPE_CHECKING:
    from lab.waldurlab.cloud import Cloud
    from lab.waldurlab.objects import Offering, Resource, User

MAX_NAME = 150
_NOT_AVAILABLE = "This plan is not available for selected offering."
_PLAN_FULL = "Plan is not available because limit has been reached."
_BOTH_KINDS = "You should either specify general-purpose storage quota or volume-type specific storage quota."
_NO_LIMITS = "{'Source resource does not have limits set.'}"
_NO_RIGHT = "User does not have enough permissions to migrate resource."
_NO_RIGHT_IN_PROJECT = "You do not have permissions to create tenant in this project."
_NO_RIGHT_OLD = "You do not have permissions to create tenant in this project using selected service."
_PORTS_AND_SUBNETS = "sync_instance_ports cannot be used together with subnets mappings."


def check_creation(cloud: Cloud, user: User, body: object) -> Wanted | Answer:
    """Return what is wanted, or the answer that refuses it: 400, or the 500 of a crash."""
    if not isinstance(body, dict):
        got = f"Invalid data. Expected a dictionary, but got {type(body).__name__}."
        return answer_json({"non_field_errors": [got]}, 400)
    problems: dict[str, Any] = {**_check_objects(cloud, user, body), **_check_name(body)}
    mappings: dict[str, Any] | None = None
    if "mappings" in body:
        try:
            mappings = check_mappings(body["mappings"], cloud.networks, is_old=cloud.is_old, with_defaults=True)
        except UnusableMappingError as error:
            problems["mappings"] = error.problem
    if problems:
        return answer_json(problems, 400)
    source = cloud.resources[parse_uuid(body["src_resource"]) or ""]
    return (
        _refuse(cloud, user, source, body)
        or _refuse_mappings(cloud, source, body, mappings or {})
        or _crash(cloud, source, body)
        or _accept(cloud, source, body, mappings)
    )


def _check_objects(cloud: Cloud, user: User, body: dict[str, Any]) -> dict[str, Any]:
    offerings = [offering for offering in cloud.offerings.values() if offering.is_visible(user)]
    known: dict[str, set[str]] = {
        "src_resource": {one.uuid for one in cloud.resources.values() if user.sees(one.customer)},
        "dst_offering": {offering.uuid for offering in offerings},
        "dst_plan": {plan.uuid for offering in cloud.offerings.values() for plan in offering.plans},
    }
    problems = {}
    for name, uuids in known.items():
        if name not in body:
            problems[name] = [REQUIRED]
        elif body[name] is None:
            problems[name] = [NOT_NULL]
        elif parse_uuid(body[name]) not in uuids:
            problems[name] = [f"Object with uuid={body[name]} does not exist."]
    return problems


def _check_name(body: dict[str, Any]) -> dict[str, Any]:
    match body.get("name", "none given"):
        case None:
            return {"name": [NOT_NULL]}
        case str() | int() | float() as name if not isinstance(name, bool):
            return {} if str(name).strip() else {"name": [NOT_BLANK]}
        case _:
            return {"name": ["Not a valid string."]}


def _refuse(cloud: Cloud, user: User, source: Resource, body: dict[str, Any]) -> Answer | None:
    if not source.limits:
        return _object([_NO_LIMITS])
    wanted = parse_uuid(body["dst_plan"])
    plan = next((plan for plan in _offering(cloud, body).plans if plan.uuid == wanted), None)
    if plan is None:
        return _object([_NOT_AVAILABLE], "dst_plan")
    if cloud.is_full(plan):
        return _object([_PLAN_FULL], "plan")
    if cloud.is_old and not user.is_staff:
        return _object([_NO_RIGHT_OLD])
    if not user.may_create:
        return _object([_NO_RIGHT_IN_PROJECT])
    return None if user.may_replicate else _object([_NO_RIGHT])


def _offering(cloud: Cloud, body: dict[str, Any]) -> Offering:
    return cloud.offerings[parse_uuid(body["dst_offering"]) or ""]


def _object(texts: list[str], field: str = "non_field_errors") -> Answer:
    return answer_json({field: texts}, 400)


def _refuse_mappings(cloud: Cloud, source: Resource, body: dict[str, Any], mappings: dict[str, Any]) -> Answer | None:
    if mappings.get("sync_instance_ports") and mappings.get("subnets"):
        return _object([_PORTS_AND_SUBNETS])
    settings = _offering(cloud, body).settings
    for pair in mappings.get("volume_types", ()):
        ours = cloud.volume_types.get(parse_uuid(pair["src_type_uuid"]) or "")
        theirs = cloud.volume_types.get(parse_uuid(pair["dst_type_uuid"]) or "")
        if ours is None or theirs is None:
            return answer_page(500)
        if source.tenant not in ours.tenants:
            # The placeholder is never filled in.
            return _object(["Invalid src_type_uuid %s as it is not available in tenant."])
        if theirs.settings != settings:
            text = f"Invalid dst_type_uuid {pair['dst_type_uuid']} as it is not available in service settings."
            return _object([text])
    return None


def _crash(cloud: Cloud, source: Resource, body: dict[str, Any]) -> Answer | None:
    is_unknown = "description" in body or (cloud.is_old and "name" in body)
    is_too_long = len(str(body.get("name", "")).strip()) > MAX_NAME
    is_of_servers = _offering(cloud, body).kind != TENANTS
    # A source whose tenant is gone crashes as a server does: neither stands for a tenant.
    is_without_tenant = source.tenant not in cloud.tenants
    return answer_page(500) if is_unknown or is_too_long or is_of_servers or is_without_tenant else None


def _accept(cloud: Cloud, source: Resource, body: dict[str, Any], mappings: dict[str, Any] | None) -> Wanted | Answer:
    kept = None if mappings is None else {name: value for name, value in mappings.items() if name != "networks"}
    wanted = Wanted(
        source=source,
        offering=parse_uuid(body["dst_offering"]) or "",
        plan=parse_uuid(body["dst_plan"]) or "",
        name=str(body.get("name", source.name)).strip(),
        mappings=kept,
        networks=tuple((mappings or {}).get("networks", ())),
        cidrs={pair["src_cidr"]: pair["dst_cidr"] for pair in (mappings or {}).get("subnets", ())},
    )
    if has_both_kinds(map_limits(wanted, cloud.volume_types)):
        # The tenant's own check: of no field, and outside of the serializer, thus a bare list.
        return answer_json([_BOTH_KINDS], 400)
    return wanted
