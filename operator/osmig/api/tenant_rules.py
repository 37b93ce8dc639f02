"""The CEL rules about what a replication maps; `osmig.api.rules` has those of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osmig.api.rules import Rule


def _each_once(items: str, key: str, message: str) -> Rule:
    """Refuse two items of an optional list that have the same key; ``key`` follows the item's name."""
    return {
        "rule": f"!has(self.{items}) || self.{items}.all(a, self.{items}.exists_one(b, b{key} == a{key}))",
        "message": message,
        "reason": "FieldValueInvalid",
        "fieldPath": f".{items}",
    }


AT_MOST_ONE_SOURCE_OF_MAPPINGS: Rule = {
    "rule": "!(has(self.mappings) && has(self.mappingRef))",
    "message": "at most one of mappings and mappingRef may be set",
    "reason": "FieldValueForbidden",
    "fieldPath": ".mappingRef",
}

EACH_VOLUME_TYPE_ONCE: Rule = _each_once(
    "volumeTypes",
    ".sourceType.replace('-', '')",
    "each sourceType may be mapped only once, with dashes or without",
)
"""The list's key would take the two spellings of one UUID for two; Waldur follows the last one."""

EACH_DESTINATION_ONCE: Rule = _each_once("subnets", ".destinationCIDR", "each destinationCIDR may be given only once")
"""Waldur makes two subnets with the same addresses, and the second may not get onto the router."""

EACH_NETWORK_ONCE: Rule = _each_once(
    "networks", ".replace('-', '')", "each network may be named only once, with dashes or without"
)

PORTS_NOT_WITH_SUBNETS: Rule = {
    "rule": "!self.syncInstancePorts || !has(self.subnets) || self.subnets.size() == 0",
    "message": "syncInstancePorts may not be set together with subnets",
    "reason": "FieldValueForbidden",
    "fieldPath": ".syncInstancePorts",
}
"""Waldur refuses both together: ports cannot be created on addresses that change."""

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

PRIVATE_CIDR_PATTERN = rf"^(10\.{_OCTET}|172\.(1[6-9]|2[0-9]|3[01])|192\.168)\.{_OCTET}\.0/24$"

PRIVATE_CIDR: Rule = {
    "rule": f"self.matches(r'{PRIVATE_CIDR_PATTERN}')",
    "message": "must be a private IPv4 network of length 24 without host bits, such as 10.9.1.0/24",
    "reason": "FieldValueInvalid",
}
"""A rule and not a pattern, as nobody could read what the API server says of that one."""

MAPPING_RULES: list[Rule] = [EACH_VOLUME_TYPE_ONCE, EACH_DESTINATION_ONCE, EACH_NETWORK_ONCE, PORTS_NOT_WITH_SUBNETS]
