"""Which addresses a tenant's Provider may make this process connect to.

Credentials are a tenant's words, and so is the catalogue of a Keystone that the tenant named. The check therefore
stands where the socket is opened: a name is resolved once, each address is judged, and the very address that passed is
connected to, so that a second DNS answer cannot change it. How a URL spells an address (decimal, octal, mapped) does
not matter there either.
"""

from __future__ import annotations

import copy
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from osmig.net.failures import NotSentError
from osmig.net.lookups import Lookups

if TYPE_CHECKING:
    from concurrent.futures import Future

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]

MAX_ADDRESSES = 8
"""Addresses of one name that are tried: a tenant's DNS may answer with hundreds that time out one by one."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")

_METADATA: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure, outside of its link-local 169.254.169.254
        "192.0.0.192/32",  # Oracle Cloud, classic
        "fd00:42::42/128",  # Scaleway
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
        "fd00:ec2::/32",  # Amazon: instances, time, names and pods' identities
        "fd20:ce::254/128",  # Google Cloud
    )
)
"""Where clouds hand out credentials of the machine, beside link-local addresses; from the clouds' own documentation."""

_UNJUDGEABLE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b:1::/48",  # NAT64 of the local network: where in it the IPv4 address stands is not told (RFC 8215)
        "::ffff:0:0:0/96",  # IPv4-translated (SIIT, RFC 2765), replaced by RFC 6145
        "fec0::/10",  # site-local, deprecated by RFC 3879
    )
)
"""Where it cannot be told whom they lead to, and nobody has an endpoint there."""

_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFCFFFFFF
"""The first half of an interface id of RFC 5214, whatever its bits for universal and for group."""


class EndpointRefusedError(NotSentError):
    """The address may not be connected to; the text is a sentence, safe to show, that says how it could be."""


class InvalidEndpointError(ValueError):
    """Not a URL that could be an OpenStack endpoint; the text does not repeat the URL, which may hold a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPolicy:
    """What the operator's settings say about endpoints.

    Attributes:
        allowed: hosts, ``host:port`` pairs or CIDRs. With at least one, nothing else is allowed.
        refused_networks: refused unless allowed, such as the cluster's service range.
    """

    allowed: tuple[str, ...] = ()
    refused_networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """One allowed thing: either a network or a host name, on any port or on one."""

    host: str | None
    network: Network | None
    port: int | None

    def covers(self, host: str, port: int, addresses: tuple[Address, ...]) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is None:
            return self.host == host
        return any(address in self.network for address in addresses)


class EndpointGuard:
    """Judges hosts and addresses by an ``EndpointPolicy``. Safe to share between threads.

    Args:
        policy: what is allowed and refused.
        resolve: host and port to addresses; raises ``OSError`` for a name without. Default: the system's resolver.

    Raises:
        ValueError: an entry of ``policy.allowed`` is no host, host:port or CIDR.
    """

    def __init__(self, policy: EndpointPolicy, resolve: Resolver | None = None) -> None:
        self._entries = tuple(_parse_entry(text) for text in policy.allowed)
        self._refused = policy.refused_networks
        self._resolve = resolve or resolve_by_system
        self._lookups = Lookups(self.resolve)
        self._apart: WeakValueDictionary[str, EndpointGuard] = WeakValueDictionary()

    def apart(self, owner: str) -> EndpointGuard:
        """Return the guard of one Provider, whose look-ups are its own, however often its connection is replaced."""
        guard = self._apart.get(owner)
        if guard is None:
            guard = copy.copy(self)
            guard._lookups = Lookups(guard.resolve)  # noqa: SLF001 - of its own kind
            self._apart[owner] = guard
        return guard

    def look_up(self, host: str, port: int) -> Future[tuple[str, ...]]:
        """Begin to resolve a host, as `resolve` does, in a thread that nobody else waits for.

        Raises:
            OSError: too many names of this Provider are being looked up.
        """
        return self._lookups.begin(host, port)

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve a host once and keep the addresses that may be connected to, in the resolver's order. Blocks.

        Raises:
            EndpointRefusedError: none of its addresses may be connected to.
            OSError: the name has no address.
        """
        name = _canonical(host)
        objection = "it has no address"
        passed = []
        for text in dict.fromkeys(self._resolve(host, port)):
            found = self._object_to(name, port, text)
            if found is None:
                passed.append(text)
            objection = found or objection
        if not passed:
            raise EndpointRefusedError(_refusal(name, port, objection))
        return tuple(passed[:MAX_ADDRESSES])

    def _object_to(self, name: str, port: int, text: str) -> str | None:
        try:
            forms = forms_of(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return "its address cannot be read"
        if (never := _object_always(forms)) is not None:
            return never
        if any(entry.covers(name, port, forms) for entry in self._entries):
            return None
        kinds = [kind for form in forms if (kind := self._kind(form))]
        if kinds:
            return f"it leads to {kinds[0]}"
        return "only endpoints named in the operator's settings are open" if self._entries else None

    def _kind(self, address: Address) -> str | None:
        if address.is_loopback:
            return "a loopback address"
        if address.is_unspecified or address in _THIS_NETWORK:
            return "an unspecified address"
        if address.is_multicast or (isinstance(address, IPv4Address) and address.is_reserved):
            return "a multicast or reserved address"
        return "a network of the cluster" if any(address in network for network in self._refused) else None


def check_url(url: str) -> tuple[str, int]:
    """Take host and port from a URL that may become an endpoint.

    Raises:
        InvalidEndpointError: another scheme than http and https, no host, a user name in it, or not a URL at all.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        message = "is not a URL"
        raise InvalidEndpointError(message) from None
    if parts.scheme not in ("http", "https"):
        message = "must start with http:// or https://"
        raise InvalidEndpointError(message)
    if parts.username is not None or parts.password is not None:
        message = "must not hold a user name or a password"
        raise InvalidEndpointError(message)
    if not parts.hostname or any(not sign.isprintable() or sign.isspace() for sign in url):
        message = "must name a host"
        raise InvalidEndpointError(message)
    return parts.hostname, port if port is not None else (443 if parts.scheme == "https" else 80)


def forms_of(address: Address) -> tuple[Address, ...]:
    """List an address and every IPv4 address that it stands for: mapped, compatible, 6to4, Teredo, NAT64, ISATAP."""
    if isinstance(address, IPv4Address):
        return (address,)
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    low, above = IPv4Address(int(address) & 0xFFFFFFFF), int(address) >> 32
    is_compatible = above == 0 and int(address) > 1
    if address in _NAT64 or is_compatible or above & _ISATAP_MASK == _ISATAP:
        inner.append(low)
    return (address, *(form for form in inner if form is not None))


def resolve_by_system(host: str, port: int) -> tuple[str, ...]:
    """Ask the system's resolver for the TCP addresses of a host.

    Raises:
        OSError: the name has no address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        message = "the host's name cannot be encoded"
        raise OSError(message) from None
    return tuple(str(sockaddr[0]) for *_, sockaddr in found)


def _object_always(forms: tuple[Address, ...]) -> str | None:
    """Say why an address may not be connected to, whatever the settings say."""
    if any(form.is_link_local for form in forms):
        return "link-local addresses are never allowed"
    if any(form in network for form in forms for network in _METADATA):
        return "addresses of cloud metadata are never allowed"
    if any(form in network for form in forms for network in _UNJUDGEABLE):
        return "addresses of its kind, which hide whom they lead to, are never allowed"
    return None


def _parse_entry(text: str) -> _Entry:
    network = _network(text.strip("[]"))
    if network is not None:
        return _Entry(None, network, None)
    host, colon, digits = text.rpartition(":")
    if not colon:
        host, digits = text, ""
    elif not digits.isdigit() or not host or (":" in host and not host.startswith("[")):
        message = f"{text!r} is neither a host, nor host:port, nor a CIDR"
        raise ValueError(message)
    network = _network(host.strip("[]"))
    return _Entry(_canonical(host) if network is None else None, network, int(digits) if digits else None)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _canonical(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _refusal(host: str, port: int, objection: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    advice = "" if "never" in objection else f"; an administrator can allow it with --allow-endpoint {shown}:{port}"
    return f"Connections to {shown}:{port} are refused: {objection}{advice}"
