"""What the server checks in ``mappings``, field by field, and what it stores of them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lab.waldurlab.answers import NOT_BLANK, NOT_NULL, REQUIRED
from lab.waldurlab.objects import parse_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Container

NEW_FLAGS = ("skip_connection_extnet", "sync_instance_ports")
_PRIVATE = tuple(IPv4Network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_TRUE = (True, 1, "true", "True", "1", "yes", "on")
_FALSE = (False, 0, "false", "False", "0", "no", "off")

Problem = Any
"""What an answer 400 says of one field: texts, or problems by field or by item; empty if there is none."""


class UnusableMappingError(Exception):
    """The mappings are refused.

    Attributes:
        problem: What the answer says of them.
    """

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        super().__init__(str(problem))
        self.problem = problem


def check_mappings(given: object, networks: Container[str], *, is_old: bool, with_defaults: bool) -> dict[str, Any]:
    """Return the known keys in the form in which they are stored, ``networks`` as well.

    Args:
        given: As received.
        networks: The networks that exist, also those that the caller cannot see: the server does not care.
        is_old: Drop the keys that old servers do not know.
        with_defaults: Add the flags that were not given; a PATCH does not.

    Raises:
        UnusableMappingError: A field is wrong.
    """
    if given is None:
        raise UnusableMappingError([NOT_NULL])
    if not isinstance(given, dict):
        raise UnusableMappingError(_refuse_type("a dictionary", given))
    checks: dict[str, Callable[[Any], tuple[Any, Problem]]] = {
        "volume_types": lambda value: _check_items(value, ("src_type_uuid", "dst_type_uuid"), _check_uuid),
        "subnets": lambda value: _check_items(value, ("src_cidr", "dst_cidr"), _check_cidr),
    }
    if not is_old:
        checks |= dict.fromkeys(NEW_FLAGS, _check_flag)
        checks["networks"] = lambda value: _check_networks(value, networks)
    checked = {name: check(given[name]) for name, check in checks.items() if name in given}
    if problems := {name: problem for name, (_, problem) in checked.items() if problem}:
        raise UnusableMappingError(problems)
    stored = {name: value for name, (value, _) in checked.items()}
    if with_defaults and not is_old:
        stored |= {name: stored.get(name, False) for name in NEW_FLAGS}
    return stored


def _refuse_type(wanted: str, got: object) -> Problem:
    name = "str" if isinstance(got, str) else type(got).__name__
    return {"non_field_errors": [f"Invalid data. Expected {wanted}, but got {name}."]}


def _check_items(
    given: object, fields: tuple[str, str], check: Callable[[object], tuple[Any, str]]
) -> tuple[Any, Problem]:
    if given is None:
        return None, [NOT_NULL]
    if not isinstance(given, list):
        return None, {"non_field_errors": [f'Expected a list of items but got type "{type(given).__name__}".']}
    values, problems = [], []
    for item in given:
        if not isinstance(item, dict):
            problems.append(_refuse_type("a dictionary", item))
            continue
        checked = {name: check(item[name]) if name in item else (None, REQUIRED) for name in fields}
        problems.append({name: [problem] for name, (_, problem) in checked.items() if problem})
        values.append({name: value for name, (value, _) in checked.items()})
    return values, problems if any(problems) else None


def _check_uuid(given: object) -> tuple[str, str]:
    parsed = parse_uuid(given)
    if parsed is None:
        return "", NOT_NULL if given is None else "Must be a valid UUID."
    return str(UUID(parsed)), ""


def _check_cidr(given: object) -> tuple[str, str]:
    text = given.strip() if isinstance(given, str) else given
    if text is None or text == "":
        return "", NOT_NULL if text is None else NOT_BLANK
    try:
        network = IPv4Network(text)
    except ValueError:
        return "", "Enter a valid IPv4 address."
    if network.prefixlen != 24:
        return "", "Network mask length should be equal to 24."
    if not any(network.subnet_of(private) for private in _PRIVATE):
        return "", "A private network CIDR is expected."
    return str(text), ""


def _check_flag(given: object) -> tuple[bool, Problem]:
    if isinstance(given, bool | int | str) and given in (*_TRUE, *_FALSE):
        return given in _TRUE, None
    return False, [NOT_NULL if given is None else "Must be a valid boolean."]


def _check_networks(given: object, existing: Container[str]) -> tuple[list[str], Problem]:
    if not isinstance(given, list):
        return [], [f'Expected a list of items but got type "{type(given).__name__}".' if given else NOT_NULL]
    parsed = [parse_uuid(one) for one in given]
    unknown = [one for one, uuid in zip(given, parsed, strict=True) if uuid is None or uuid not in existing]
    known = [uuid for uuid in parsed if uuid is not None]
    return known, [f"Object with uuid={unknown[0]} does not exist."] if unknown else None
