"""How a setting is declared, and the kinds of values that settings have."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

MAX_PORT = 65535
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(r"^(?=.{1,253}$)[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?$")


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting appears to the person who starts osmig.

    Attributes:
        flag: the long option; the environment variable follows from it.
        text: one or two sentences of help.
        metavar: what stands for the value in the help; ``SECONDS`` is also the unit, of durations.
        default_text: says in words a default that depends on where osmig runs, or an empty one.
        repeatable: the flag may be given several times; the variable takes a comma separated list.
        old_flag: what the flag was called before; who still uses it is told the new name.
    """

    flag: str
    text: str
    metavar: str = "SECONDS"
    default_text: str = ""
    repeatable: bool = False
    old_flag: str = ""

    @property
    def envvar(self) -> str:
        """The environment variable: plural where a list is taken."""
        return _name_variable(self.flag) + ("S" if self.repeatable else "")

    @property
    def old_envvar(self) -> str:
        """The environment variable that followed from ``old_flag``."""
        return _name_variable(self.old_flag)


def _name_variable(flag: str) -> str:
    return f"OSMIG_{flag.removeprefix('--').replace('-', '_').upper()}"


def _split(value: object) -> object:
    items = [value] if isinstance(value, str) else value
    return [part for item in items for part in _parts(item)] if isinstance(items, list | tuple) else items


def _parts(item: object) -> list[str]:
    # An empty item stays, to be refused: `--namespace "$UNSET"` must not come to mean all namespaces.
    text = str(item)
    return [part.strip() for part in text.split(",") if part.strip()] or [text]


def _check_namespace(name: str) -> str:
    if not re.fullmatch(_LABEL, name):
        msg = f"{name!r} is not a namespace name (lower-case letters, digits and '-', at most 63)"
        raise ValueError(msg)
    return name


def _check_lease_name(name: str) -> str:
    if len(name) > 253 or not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name):  # noqa: PLR2004 - RFC 1123 subdomain
        msg = f"{name!r} is not an object name (lower-case letters, digits, '-' and '.', at most 253)"
        raise ValueError(msg)
    return name


def _parse_range(cidr: object) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(str(cidr))
    except ValueError as error:
        msg = f"{str(cidr)!r} is not a CIDR such as 10.96.0.0/12 ({error})"
        raise ValueError(msg) from None


def _check_endpoint(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    for parse in (ipaddress.ip_address, ipaddress.ip_network):
        try:
            return str(parse(bare))
        except ValueError:
            continue
    host, colon, port = text.lower().rpartition(":") if ":" in text else (text.lower(), "", "")
    if not _is_host(host) or (colon and not _is_port(port)):
        msg = f"{text!r} is none of host, host:port, [address]:port and CIDR; leave out scheme and path"
        raise ValueError(msg)
    return f"{host}{colon}{port}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PORT


def _is_host(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text[1:-1]) if text.startswith("[") else ipaddress.IPv4Address(text)
    except ValueError:
        # Like a browser: what ends in a number is a mistyped address.
        return _HOST.fullmatch(text) is not None and not text.rpartition(".")[2].isdigit()
    return text.startswith("[") == text.endswith("]")


Seconds = Annotated[float, Field(gt=0, le=7 * 86400, allow_inf_nan=False)]
NamespaceName = Annotated[str, AfterValidator(_check_namespace)]
LeaseName = Annotated[str, AfterValidator(_check_lease_name)]
Cidr = Annotated[IPv4Network | IPv6Network, BeforeValidator(_parse_range)]
Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
Port = Annotated[int, Field(ge=0, le=MAX_PORT)]
CommaSeparated = BeforeValidator(_split)
