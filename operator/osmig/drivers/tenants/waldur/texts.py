"""Waldur's objections to an order, told in the words of our spec."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from osmig.net.cleaning import clean_text, cut_raw

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELDS = {
    "src_resource": "spec.tenant.sourceResource",
    "dst_offering": "spec.tenant.destinationOffering",
    "dst_plan": "spec.tenant.destinationPlan",
    "plan": "spec.tenant.destinationPlan",
    "name": "spec.tenant.namePrefix",
    "mappings": "spec.tenant.mappings",
}
_PARTS = {
    "volume_types": "volumeTypes",
    "src_type_uuid": "sourceType",
    "dst_type_uuid": "destinationType",
    "subnets": "subnets",
    "src_cidr": "sourceCIDR",
    "dst_cidr": "destinationCIDR",
    "networks": "networks",
    "skip_connection_extnet": "skipConnectionExtnet",
    "sync_instance_ports": "syncInstancePorts",
}
_FIELDLESS = frozenset({"non_field_errors", "detail"})
_WORD = re.compile(r"[A-Za-z_]{1,40}")
_MAX_DEPTH = 8
_MAX_DIGITS = 4
_MAX_OBJECTIONS = 20

_KNOWN = (
    (re.compile(r"does not exist"), "", "unknown or not visible to the service account"),
    (
        re.compile(r"does not have limits set"),
        "spec.tenant.sourceResource",
        "the source has no limits in Waldur; set them first",
    ),
    (
        re.compile(r"Invalid src_type_uuid"),
        "spec.tenant.mappings.volumeTypes",
        "a sourceType is not available in the source tenant",
    ),
    (
        re.compile(r"Invalid dst_type_uuid"),
        "spec.tenant.mappings.volumeTypes",
        "a destinationType is not available at the destination offering",
    ),
    (
        re.compile(r"either specify general-purpose storage quota"),
        "spec.tenant.mappings.volumeTypes",
        "the source has a limit storage and limits of volume types, which Waldur takes only while no type is mapped",
    ),
    (
        re.compile(r"Plan is not available because limit has been reached"),
        "spec.tenant.destinationPlan",
        "the plan is full: its limit of resources is reached; name another",
    ),
    (
        re.compile(r"plan is not available for selected offering"),
        "spec.tenant.destinationPlan",
        "it is no plan of the destinationOffering",
    ),
    (
        re.compile(r"sync_instance_ports cannot be used together"),
        "spec.tenant.mappings.syncInstancePorts",
        "may not be set together with subnets",
    ),
)
"""What Waldur's text has in it, the field it is about where Waldur names none, and our words."""

_FORBIDDEN = re.compile(r"enough permissions|have permissions? to|permission to perform", re.IGNORECASE)


def list_objections(body: object) -> tuple[tuple[str, str], ...]:
    """Flatten the body of a 400 into pairs of our field's path, where one is named, and Waldur's text as it is."""
    return tuple(islice(_walk(body, "", 0), _MAX_OBJECTIONS))


def is_forbidden(text: str) -> bool:
    """Whether an objection is about rights: Waldur says so with 400."""
    return _FORBIDDEN.search(text) is not None


def describe(path: str, text: str) -> str:
    """Tell one objection in a few words that are safe to show."""
    for pattern, field, words in _KNOWN:
        if pattern.search(text):
            return _join(path or field, words)
    return _join(path, clean_text(text).strip("{}'\""))


def _join(path: str, words: str) -> str:
    return f"{path}: {words}" if path else words


def _walk(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MAX_DEPTH:
        return
    match value:
        case str():
            yield path, cut_raw(value)
        case dict():
            for name, inner in value.items():
                yield from _walk(inner, _extend(path, str(name)), depth + 1)
        case list():
            for number, inner in enumerate(value):
                # a list of texts is about its field, a list of objects is about its items
                yield from _walk(inner, path if isinstance(inner, str) else f"{path}[{number}]", depth + 1)
        case _:
            return


def _extend(path: str, name: str) -> str:
    if path and name.isdigit() and len(name) <= _MAX_DIGITS:
        return f"{path}[{name}]"
    if name in _FIELDLESS or not _WORD.fullmatch(name):
        return path
    return f"{path}.{_PARTS.get(name, name)}" if path else _FIELDS.get(name, name)
