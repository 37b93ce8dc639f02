"""The routes below ``/api/openstack-migrations/``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.waldurlab.answers import (
    REQUIRED,
    Answer,
    answer_bad_uuid,
    answer_detail,
    answer_json,
    answer_missing,
    answer_page,
)
from lab.waldurlab.call import answer_page_of
from lab.waldurlab.creation import check_creation
from lab.waldurlab.mappings import UnusableMappingError, check_mappings
from lab.waldurlab.objects import parse_uuid
from lab.waldurlab.views import show_replication

if TYPE_CHECKING:
    from lab.waldurlab.call import Call
    from lab.waldurlab.replication import Replication

FILTERS = {"src_resource_uuid": "source", "dst_resource_uuid": "destination"}
"""All that filter; any other parameter is ignored."""
_MISSING = answer_missing("Migration")


def list_replications(call: Call) -> Answer:
    """List what the caller may see, oldest first."""
    rows = call.cloud.visible(call.user)
    for name, attribute in FILTERS.items():
        if given := call.parameter(name):
            uuid = parse_uuid(given)
            if uuid is None:
                return answer_bad_uuid(name)
            rows = [row for row in rows if getattr(row, attribute) == uuid]
    return answer_page_of(call, rows, show_replication, has_fields=False)


def create_replication(call: Call) -> Answer:
    """Start one more: nothing makes this call idempotent."""
    body, refusal = _parse(call)
    if refusal:
        return refusal
    wanted = check_creation(call.cloud, call.user, body)
    if isinstance(wanted, Answer):
        return wanted
    row = call.cloud.start(call.user, wanted)
    return answer_json(show_replication(call, row), 201)


def retrieve_replication(call: Call) -> Answer:
    """Show one."""
    row = _find(call)
    return answer_json(show_replication(call, row)) if row else _MISSING


def delete_replication(call: Call) -> Answer:
    """Remove the row in any state; what it tracks goes on."""
    row = _find(call)
    if row is None:
        return _MISSING
    row.is_gone = True
    return Answer(204)


def replace_replication(call: Call) -> Answer:
    """PUT: as PATCH, but without mappings it is refused."""
    return _update(call, is_partial=False)


def patch_replication(call: Call) -> Answer:
    """PATCH: only the stored words change, and mappings that are not sent are emptied."""
    return _update(call, is_partial=True)


def run_replication(call: Call) -> Answer:
    """Start what was created, on old servers; newer ones have no such route."""
    if not call.cloud.is_old:
        return answer_page(404)
    row = _find(call)
    if row is None:
        return _MISSING
    if row.state != "CREATION_SCHEDULED":
        return answer_detail("Valid states for operation: Creation Scheduled.", 409)
    call.cloud.advance(row)
    return Answer(200)


def _update(call: Call, *, is_partial: bool) -> Answer:
    row = _find(call)
    if row is None:
        return _MISSING
    body, refusal = _parse(call)
    if refusal or not isinstance(body, dict):
        return refusal or answer_json({"non_field_errors": ["Invalid data. Expected a dictionary."]}, 400)
    if "mappings" not in body and not is_partial:
        return answer_json({"mappings": [REQUIRED]}, 400)
    try:
        mappings = check_mappings(
            body.get("mappings", {}),
            call.cloud.networks,
            is_old=call.cloud.is_old,
            with_defaults=not is_partial,
        )
    except UnusableMappingError as error:
        return answer_json({"mappings": error.problem}, 400)
    if mappings.get("networks"):
        return answer_page(500)
    row.mappings = mappings
    row.error_message = str(body.get("error_message", row.error_message))
    row.error_traceback = str(body.get("error_traceback", row.error_traceback))
    row.modified = call.cloud.now()
    return answer_json(show_replication(call, row))


def _parse(call: Call) -> tuple[Any, Answer | None]:
    try:
        return call.body(), None
    except json.JSONDecodeError as error:
        return None, answer_detail(f"JSON parse error - {error}", 400)


def _find(call: Call) -> Replication | None:
    uuid = parse_uuid(call.ids[0])
    return next((row for row in call.cloud.visible(call.user) if row.uuid == uuid), None)
