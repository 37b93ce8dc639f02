"""What the server checks of a POST, in its order, and where it crashes instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.waldurlab.answers import NOT_BLANK, NOT_NULL, REQUIRED, Answer, answer_json, answer_page
from lab.waldurlab.catalogue import parse_uuid
from lab.waldurlab.cloud import Wanted
from lab.waldurlab.mappings import UnusableMappingError, check_mappings

if TYPE_CHECKING:
    from lab.waldurlab.catalogue import Resource, User
    from lab.waldurlab.cloud import Cloud

MAX_NAME = 150
_NOT_AVAILABLE = "This plan is not available for selected offering."
_NO_LIMITS = "{'Source resource does not have limits set.'}"
_NO_RIGHT = "User does not have enough permissions to migrate resource."
_NO_RIGHT_OLD = "You do not have permissions to create tenant in this project using selected service."
_PORTS_AND_SUBNETS = "sync_instance_ports cannot be used together with subnets mappings."


def check_creation(cloud: Cloud, user: User, body: object) -> Wanted | Answer:
    """Return what is wanted, or the answer that refuses it: 400, or the 500 of a crash."""
    if not isinstance(body, dict):
        got = f"Invalid data. Expected a dictionary, but got {type(body).__name__}."
        return answer_json({"non_field_errors": [got]}, 400)
    problems: dict[str, Any] = {**_check_objects(cloud, user, body), **_check_name(body)}
    mappings: dict[str, Any] | None = None
    if "mappings" in body or not cloud.is_old:
        try:
            given = body.get("mappings", {})
            mappings = check_mappings(given, cloud.networks, is_old=cloud.is_old, with_defaults=True)
        except UnusableMappingError as error:
            problems["mappings"] = error.problem
    if problems:
        return answer_json(problems, 400)
    source = cloud.resources[parse_uuid(body["src_resource"]) or ""]
    return (
        _refuse(cloud, user, source, body)
        or _refuse_mappings(cloud, source, body, mappings or {})
        or _crash(cloud, body)
        or _accept(source, body, mappings)
    )


def _check_objects(cloud: Cloud, user: User, body: dict[str, Any]) -> dict[str, Any]:
    plans = {plan for offering in cloud.offerings.values() for plan, _ in offering.plans}
    known: dict[str, set[str]] = {
        "src_resource": set() if user.is_stranger else set(cloud.resources),
        "dst_offering": set(cloud.offerings),
        "dst_plan": plans,
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
    offering = cloud.offerings[parse_uuid(body["dst_offering"]) or ""]
    if not source.limits:
        return answer_json({"non_field_errors": [_NO_LIMITS]}, 400)
    if parse_uuid(body["dst_plan"]) not in {plan for plan, _ in offering.plans}:
        return answer_json({"dst_plan": [_NOT_AVAILABLE]}, 400)
    if cloud.is_old and not user.is_staff:
        return answer_json({"non_field_errors": [_NO_RIGHT_OLD]}, 400)
    if not (user.may_replicate or user.is_staff):
        return answer_json({"non_field_errors": [_NO_RIGHT]}, 400)
    return None


def _refuse_mappings(cloud: Cloud, source: Resource, body: dict[str, Any], mappings: dict[str, Any]) -> Answer | None:
    if mappings.get("sync_instance_ports") and mappings.get("subnets"):
        return answer_json({"non_field_errors": [_PORTS_AND_SUBNETS]}, 400)
    settings = cloud.offerings[parse_uuid(body["dst_offering"]) or ""].settings
    for pair in mappings.get("volume_types", ()):
        ours = cloud.volume_types.get(parse_uuid(pair["src_type_uuid"]) or "")
        theirs = cloud.volume_types.get(parse_uuid(pair["dst_type_uuid"]) or "")
        if ours is None or theirs is None:
            return answer_page(500)
        if source.tenant not in ours.tenants:
            # The placeholder is never filled in.
            text = "Invalid src_type_uuid %s as it is not available in tenant."
            return answer_json({"non_field_errors": [text]}, 400)
        if theirs.settings != settings:
            text = f"Invalid dst_type_uuid {pair['dst_type_uuid']} as it is not available in service settings."
            return answer_json({"non_field_errors": [text]}, 400)
    return None


def _crash(cloud: Cloud, body: dict[str, Any]) -> Answer | None:
    is_unknown = "description" in body or (cloud.is_old and "name" in body)
    return answer_page(500) if is_unknown or len(str(body.get("name", "")).strip()) > MAX_NAME else None


def _accept(source: Resource, body: dict[str, Any], mappings: dict[str, Any] | None) -> Wanted:
    kept = None if mappings is None else {name: value for name, value in mappings.items() if name != "networks"}
    return Wanted(
        source=source,
        offering=parse_uuid(body["dst_offering"]) or "",
        plan=parse_uuid(body["dst_plan"]) or "",
        name=str(body.get("name", source.name)).strip(),
        mappings=kept,
        networks=tuple((mappings or {}).get("networks", ())),
        cidrs={pair["src_cidr"]: pair["dst_cidr"] for pair in (mappings or {}).get("subnets", ())},
    )
