"""The endpoint guard: whatever a name or a spelling leads to, only permitted addresses are connected to."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

import pytest

from osmig.net.endpoints import (
    EndpointGuard,
    EndpointPolicy,
    EndpointRefusedError,
    InvalidEndpointError,
    check_url,
    resolve_by_system,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLIC = "203.0.113.7"
SERVICE_RANGE = ipaddress.ip_network("10.96.0.0/12")


def guard_for(*allowed: str, answers: Sequence[str] = (PUBLIC,)) -> EndpointGuard:
    policy = EndpointPolicy(allowed=allowed, refused_networks=(SERVICE_RANGE,))
    return EndpointGuard(policy, lambda _host, _port: answers)


def refusal(guard: EndpointGuard, host: str = "nova.example.org", port: int = 443) -> str:
    with pytest.raises(EndpointRefusedError) as caught:
        guard.resolve(host, port)
    return str(caught.value)


REFUSED = [
    "0.0.0.0",  # noqa: S104 - refused, not bound to
    "127.0.0.1", "127.8.9.1", "::1", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255",
    "10.96.0.1", "10.111.255.255",
    # the same, spelt as IPv6
    "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:10.96.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
    "64:ff9b::10.96.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_inner_addresses_are_refused_unless_allowed(address: str) -> None:
    message = refusal(guard_for(answers=(address,)))

    assert "nova.example.org:443" in message
    assert "--allow-endpoint nova.example.org:443" in message
    assert address not in message
    assert guard_for("nova.example.org", answers=(address,)).resolve("nova.example.org", 443) == (address,)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"])
def test_link_local_addresses_are_refused_even_if_allowed(address: str) -> None:
    guard = guard_for("nova.example.org", "169.254.0.0/16", "fe80::/10", answers=(address,))

    message = refusal(guard)

    assert "never allowed" in message
    assert "--allow-endpoint" not in message


METADATA = [
    "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42",
    "100.100.100.200", "192.0.0.192", "168.63.129.16",
    # the same, and link-local ones, spelt otherwise
    "::ffff:100.100.100.200", "::168.63.129.16", "64:ff9b::192.0.0.192", "2002:6464:64c8::", "64:ff9b::a9fe:a9fe",
    "2001:0:a9fe:a9fe::", "2001:0:102:304:0:0:5601:5601",
    "2001:db8::5efe:169.254.169.254", "2001:db8::200:5efe:168.63.129.16", "2001:db8::100:5efe:100.100.100.200",
    # where it cannot be told whom they lead to
    "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "::ffff:0:169.254.169.254", "::ffff:0:203.0.113.7", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", METADATA)
def test_metadata_of_clouds_is_refused_even_if_allowed(address: str) -> None:
    guard = guard_for("nova.example.org", "0.0.0.0/0", "::/0", answers=(address,))

    message = refusal(guard)

    assert "never allowed" in message
    assert "--allow-endpoint" not in message


@pytest.mark.parametrize("address", ["2001:db8::5efe:127.0.0.1", "2001:db8::200:5efe:10.96.0.1"])
def test_an_inner_address_within_an_interface_id_is_refused(address: str) -> None:
    assert "it leads to" in refusal(guard_for(answers=(address,)))


@pytest.mark.parametrize(
    "address", ["100.100.100.201", "168.63.129.17", "fd00:ec3::254", "2001:db8::5efe:203.0.113.7", "64:ff9b::cb00:7107"]
)
def test_the_neighbours_of_metadata_are_open(address: str) -> None:
    assert guard_for(answers=(address,)).resolve("nova.example.org", 443) == (address,)


@pytest.mark.parametrize("address", [PUBLIC, "10.1.2.3", "192.168.1.1", "2001:db8::1", "fd00::1", "::ffff:8.8.8.8"])
def test_everything_else_is_open_while_nothing_is_listed(address: str) -> None:
    assert guard_for(answers=(address,)).resolve("nova.example.org", 443) == (address,)


def test_with_a_list_only_the_list_is_open() -> None:
    assert "only endpoints named" in refusal(guard_for("other.example.org"))


@pytest.mark.parametrize(
    "entry",
    ["nova.example.org", "NOVA.example.org.", "nova.example.org:443", "203.0.113.0/24", PUBLIC, f"{PUBLIC}:443"],
)
def test_an_entry_opens_by_host_or_port_or_network(entry: str) -> None:
    assert guard_for(entry).resolve("Nova.Example.Org.", 443) == (PUBLIC,)


@pytest.mark.parametrize("entry", ["nova.example.org:8774", f"{PUBLIC}:80", "example.org", "198.51.100.0/24"])
def test_an_entry_opens_nothing_else(entry: str) -> None:
    refusal(guard_for(entry))


@pytest.mark.parametrize("entry", ["[2001:db8::1]:8774", "2001:db8::1", "[2001:db8::1]", "2001:db8::/32"])
def test_ipv6_entries_are_understood(entry: str) -> None:
    assert guard_for(entry, answers=("2001:db8::1",)).resolve("2001:db8::1", 8774) == ("2001:db8::1",)


@pytest.mark.parametrize("entry", ["host:", ":80", "host:https", "a:b:c"])
def test_an_entry_that_is_none_of_these_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host"):
        guard_for(entry)


def test_of_several_addresses_only_the_permitted_are_kept() -> None:
    assert guard_for(answers=("127.0.0.1", PUBLIC, PUBLIC, "169.254.1.1")).resolve("h", 80) == (PUBLIC,)


def test_a_name_is_asked_for_once() -> None:
    answers = iter([(PUBLIC,), ("127.0.0.1",)])
    guard = EndpointGuard(EndpointPolicy(), lambda _host, _port: next(answers))

    assert guard.resolve("rebinding.example.org", 80) == (PUBLIC,)
    assert "loopback" in refusal(guard, "rebinding.example.org", 80)


def test_a_flood_of_addresses_is_cut() -> None:
    assert len(guard_for(answers=[f"203.0.113.{n}" for n in range(200)]).resolve("h", 80)) == 8


def test_an_answer_that_is_no_address_is_refused() -> None:
    assert "cannot be read" in refusal(guard_for(answers=("localhost",)))


def test_a_name_without_an_address_is_refused() -> None:
    assert "it has no address" in refusal(guard_for(answers=()))


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "localhost"])
def test_no_spelling_of_loopback_passes_the_system_resolver(host: str) -> None:
    guard = EndpointGuard(EndpointPolicy())

    try:
        message = refusal(guard, host, 80)
    except socket.gaierror:
        return  # this system's resolver does not know the spelling at all
    assert "loopback" in message


def test_a_name_that_cannot_be_encoded_has_no_address() -> None:
    with pytest.raises(OSError, match="cannot be encoded"):
        resolve_by_system("a" * 300 + ".example.org", 80)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://nova.example.org/v2.1", "nova.example.org", 443),
        ("http://nova.example.org", "nova.example.org", 80),
        ("http://[2001:db8::1]:8774/v2.1", "2001:db8::1", 8774),
    ],
)
def test_host_and_port_are_taken_from_a_url(url: str, host: str, port: int) -> None:
    assert check_url(url) == (host, port)


@pytest.mark.parametrize(
    "url",
    ["", "nova.example.org", "gopher://h", "http://u@h", "http://:p@h", "http://h:99999", "http://", "http://h\n/x"],
)
def test_what_cannot_be_an_endpoint_is_refused(url: str) -> None:
    with pytest.raises(InvalidEndpointError):
        check_url(url)
