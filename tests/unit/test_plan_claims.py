"""One host, one plan: whoever began first, through whatever Provider of the same cloud."""

from __future__ import annotations

from typing import Any

import pytest

from instructions import count_instructions
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.plan_claims import HostClaims
from osmig.domain.errors import ObjectChanged

MINE, OTHER, FAR = (Key(Kind.PLAN, *name) for name in (("a", "mine"), ("a", "other"), ("b", "far")))
PROVIDER = Key(Kind.PROVIDER, "a", "cloud")
HOSTS = ("cmp1", "cmp2")
FAR_PROVIDER = Key(Kind.PROVIDER, "b", "cloud")


def body(*hosts: str, start: str | None = "2030-01-01T00:00:00Z", end: str | None = None) -> dict[str, Any]:
    """A plan as far as its claim goes."""
    status: dict[str, Any] = {"hosts": [{"name": name} for name in hosts]}
    if start:
        status["startTime"] = start
    if end:
        status["completionTime"] = end
    return {"spec": {"providerRef": {"name": "cloud"}}, "status": status}


def claims(service: str | None = None) -> HostClaims:
    """Nobody claims anything; all Providers speak to ``service``."""
    return HostClaims(lambda _: service)


def test_a_plan_that_has_started_has_its_hosts_until_it_ends_or_goes() -> None:
    made = claims()
    made.note(OTHER, body("cmp1", start=None))
    assert made.find(MINE, PROVIDER, HOSTS) == {}
    made.note(OTHER, body("cmp1", "cmp2"))
    assert made.find(MINE, PROVIDER, HOSTS) == {"cmp1": "other", "cmp2": "other"}
    assert made.find(OTHER, PROVIDER, HOSTS) == {}
    made.note(OTHER, body("cmp1", "cmp2", end="2030-01-02T00:00:00Z"))
    assert made.find(MINE, PROVIDER, HOSTS) == {}
    made.note(OTHER, body("cmp1"))
    made.note(OTHER, None)
    made.note(OTHER, None)
    assert made.find(MINE, PROVIDER, HOSTS) == {}


def test_hosts_of_the_same_name_in_two_clouds_are_two_hosts() -> None:
    apart, same = claims(), claims("https://nova.example.org/v2.1 system")
    for made in (apart, same):
        made.note(FAR, body("cmp1"))
    assert apart.find(MINE, PROVIDER, HOSTS) == {}
    assert same.find(MINE, PROVIDER, HOSTS) == {"cmp1": "a plan of another namespace"}


def test_who_began_first_keeps_a_host_that_two_have_claimed() -> None:
    made = claims()
    made.note(MINE, body("cmp1", start="2030-01-01T00:00:00Z"))
    made.note(OTHER, body("cmp1", start="2030-01-01T00:00:01Z"))
    assert made.find(MINE, PROVIDER, HOSTS) == {}
    assert made.find(OTHER, PROVIDER, HOSTS) == {"cmp1": "mine"}
    made.note(OTHER, body("cmp1", start="2030-01-01T00:00:00Z"))
    assert made.find(MINE, PROVIDER, HOSTS) == {}, "of two that began in the same second, one keeps it"
    assert made.find(OTHER, PROVIDER, HOSTS) == {"cmp1": "mine"}


def test_a_host_is_held_while_the_claim_is_being_written() -> None:
    made = claims()
    with made.reserve(MINE, PROVIDER, ["cmp1"]):
        assert made.find(OTHER, PROVIDER, HOSTS) == {"cmp1": "mine"}
        with pytest.raises(ObjectChanged, match="cmp1"), made.reserve(OTHER, PROVIDER, ["cmp2", "cmp1"]):
            pytest.fail("two have the host")
        with made.reserve(OTHER, PROVIDER, ["cmp2"]):
            pass
    assert made.find(OTHER, PROVIDER, HOSTS) == {}


def test_a_plan_looks_at_the_claims_on_its_own_hosts_only() -> None:
    def find_among(strangers: int) -> int:
        made = claims("https://nova.example.org/v2.1 system")
        for number in range(strangers):
            made.note(Key(Kind.PLAN, "b", f"plan-{number}"), body(*(f"b{number}-{host}" for host in range(50))))
        return count_instructions(lambda: made.find(MINE, PROVIDER, HOSTS))

    assert find_among(500) == find_among(5)
