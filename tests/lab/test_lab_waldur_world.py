"""The second world of the lab's Waldur: what it says to orders of every odd kind, and what the replicas then have."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from lab.nova_client import HttpError
from lab.waiting import eventually
from lab.waldur import WaldurLab
from lab.waldurlab import recorded_catalogue as world

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "00000000-0000-4000-8000-000000000000"
Order = tuple[str, str, str, dict[str, Any]]


@pytest.fixture
def odd() -> Iterator[WaldurLab]:
    """A double of the recorded world."""
    with WaldurLab(world="recorded") as lab:
        yield lab


def types(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Map volume types."""
    return {"volume_types": [{"src_type_uuid": source, "dst_type_uuid": destination} for source, destination in pairs]}


def subnets(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Map subnets."""
    return {"subnets": [{"src_cidr": source, "dst_cidr": destination} for source, destination in pairs]}


def order(
    mappings: dict[str, Any] | None = None,
    source: str = world.SRC_RESOURCE,
    offering: str = world.DST_OFFERING,
    plan: str = world.DST_PLAN,
) -> Order:
    """Order the ordinary source from the ordinary offering, but for what is said."""
    return source, offering, plan, {} if mappings is None else {"mappings": mappings}


A, B = "192.168.1.0/24", "10.0.0.0/24"
ONE, TWO = (world.VT_SRC, world.VT_DST), (world.VT_SRC2, world.VT_DST2)
ANSWERS: dict[str, tuple[Order, int]] = {
    "source unknown": (order(source=UNKNOWN), 400),
    "source foreign": (order(source=world.SRC_FOREIGN), 400),
    "source without limits": (order(source=world.SRC_RESOURCE_NOLIMITS), 400),
    "source of both kinds of limits, a type mapped": (order(types(ONE), source=world.SRC_BOTH), 400),
    "source a server": (order(source=world.SRC_VM), 500),
    "source without its tenant": (order(source=world.SRC_WITHOUT_SCOPE), 500),
    "source terminated": (order(source=world.SRC_TERMINATED), 500),
    "source erred": (order(source=world.SRC_ERRED), 201),
    "offering unknown": (order(offering=UNKNOWN), 400),
    "offering draft": (order(offering=world.DRAFT_OFFERING, plan=world.DRAFT_PLAN), 400),
    "offering private": (order(offering=world.PRIVATE_OFFERING, plan=world.PRIVATE_PLAN), 400),
    "offering of servers": (order(offering=world.VM_OFFERING, plan=world.VM_PLAN), 500),
    "offering paused": (order(offering=world.PAUSED_OFFERING, plan=world.PAUSED_PLAN), 201),
    "offering of the source": (order(offering=world.SRC_OFFERING, plan=world.SRC_PLAN), 201),
    "plan unknown": (order(plan=UNKNOWN), 400),
    "plan of another offering": (order(plan=world.SRC_PLAN), 400),
    "plan full": (order(plan=world.PLAN_FULL), 400),
    "plan archived": (order(plan=world.PLAN_ARCHIVED), 201),
    "source type unknown": (order(types((UNKNOWN, world.VT_DST))), 500),
    "source type not in the tenant": (order(types((world.VT_SRC_UNATTACHED, world.VT_DST))), 400),
    "source type disabled": (order(types((world.VT_SRC_DISABLED, world.VT_DST))), 201),
    "destination type unknown": (order(types((world.VT_SRC, UNKNOWN))), 500),
    "destination type of another service": (order(types((world.VT_SRC, world.VT_SRC))), 400),
    "destination type disabled": (order(types((world.VT_SRC, world.VT_DST_DISABLED))), 201),
    "one of two types": (order(types(ONE)), 201),
    "two types": (order(types(ONE, TWO)), 201),
    "network unknown": (order({"networks": [UNKNOWN]}), 400),
    "one CIDR in two networks": (order(subnets(("192.168.8.0/24", "10.8.8.0/24")), source=world.SRC_ODD), 201),
    "CIDR within a /23": (order(subnets(("192.168.8.0/24", "192.168.20.0/24")), source=world.SRC_ODD), 201),
    "ports": (order({"sync_instance_ports": True}), 201),
    "ports and subnets": (order({"sync_instance_ports": True, **subnets((A, "10.9.1.0/24"))}), 400),
}
COPIED: dict[str, tuple[Order, list[str]]] = {
    "network of another tenant": (order({"networks": [world.NET_FOREIGN]}), []),
    "network of another customer": (order({"networks": [world.NET_OTHER_CUSTOMER]}), []),
    "one of two foreign": (order({"networks": [world.NET_A, world.NET_FOREIGN]}), [A]),
    "CIDR without a match": (order(subnets(("172.16.9.0/24", "10.9.9.0/24"))), [A, B]),
    "CIDR in a network that is left out": (order({"networks": [world.NET_A], **subnets((B, "10.9.9.0/24"))}), [A]),
    "destination CIDR kept by another": (order(subnets((A, B))), [B, B]),
    "swap": (order(subnets((A, B), (B, A))), [B, A]),
    "one CIDR in two networks": (
        order(subnets(("192.168.8.0/24", "10.8.8.0/24")), source=world.SRC_ODD),
        ["10.8.8.0/24", "10.8.8.0/24", "192.168.24.0/28", "203.0.113.0/24", "192.168.20.0/23"],
    ),
    "the last of 130": (
        order(
            {"networks": [world.BIG_NETS[99]], **subnets(("10.50.99.0/24", "10.7.7.0/24"))},
            source=world.SRC_BIG,
        ),
        ["10.7.7.0/24"],
    ),
}


def send(lab: WaldurLab, asked: Order) -> dict[str, Any]:
    """Order as the owner."""
    source, offering, plan, fields = asked
    return lab.api.create(source, offering, plan, name="db-0a1b2c3d-1", **fields)


def read_of(lab: WaldurLab, kind: str, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the replica's tenant has."""
    tenant = lab.api.get(f"/api/marketplace-resources/{row['dst_resource_uuid']}/")["resource_uuid"]
    return list(lab.api.get(f"/api/openstack-{kind}/?tenant_uuid={tenant}&page_size=200"))


@pytest.mark.parametrize("case", ANSWERS)
def test_an_order_is_answered_by_what_it_asks_for(odd: WaldurLab, case: str) -> None:
    asked, status = ANSWERS[case]
    if status == 201:
        assert send(odd, asked)["state"] == "CREATION_SCHEDULED"
        return

    with pytest.raises(HttpError) as raised:
        send(odd, asked)

    assert raised.value.status == status
    assert odd.control.rows() == []


@pytest.mark.parametrize("case", COPIED)
def test_the_replica_has_the_subnets_that_the_mappings_make(odd: WaldurLab, case: str) -> None:
    asked, cidrs = COPIED[case]

    row = send(odd, asked)

    assert [subnet["cidr"] for subnet in read_of(odd, "subnets", row)] == cidrs


@pytest.mark.parametrize(
    ("mappings", "kept"),
    [
        ({}, [("10.0.0.0/24", "10.0.0.1"), ("192.168.1.128/25", "172.16.0.9")]),
        (subnets((A, "10.9.1.0/24")), [(B, "10.0.0.1")]),
    ],
    ids=["none mapped", "one mapped"],
)
def test_only_routes_into_subnets_of_the_replica_are_copied(
    odd: WaldurLab, mappings: dict[str, Any], kept: list[tuple[str, str]]
) -> None:
    given = [("0.0.0.0/0", "10.0.0.1"), (B, "10.0.0.1"), ("192.168.1.128/25", "172.16.0.9")]
    odd.control.routes(world.SRC_TENANT, *given)

    row = send(odd, order(mappings))

    routes = read_of(odd, "routers", row)[0]["routes"]
    assert [(route["destination"], route["nexthop"]) for route in routes] == kept


def test_a_rule_with_a_mapped_cidr_gets_the_destinations(odd: WaldurLab) -> None:
    odd.control.rules(world.SRC_TENANT, A, "0.0.0.0/0", B)

    row = send(odd, order(subnets((A, "10.9.1.0/24"))))

    rules = read_of(odd, "security-groups", row)[0]["rules"]
    assert [rule["cidr"] for rule in rules] == ["10.9.1.0/24", "0.0.0.0/0", B]


def test_a_plan_with_a_limit_is_full_once_it_is_reached(odd: WaldurLab) -> None:
    plans = odd.api.get(f"/api/marketplace-public-offerings/{world.DST_OFFERING}/plans/")
    assert [(plan["name"], plan["is_active"]) for plan in plans] == [
        ("plan-archived", True),
        ("plan-dst", True),
        ("plan-full", False),
    ]


def test_an_erred_replica_can_be_terminated_once_the_server_has_swept_its_tenant(odd: WaldurLab) -> None:
    odd.control.choose("fails-late")
    row = send(odd, order())
    odd.control.advance(row["uuid"], 3)
    path = f"/api/marketplace-resources/{row['dst_resource_uuid']}/terminate/"
    with pytest.raises(HttpError, match=r"Valid states for operation: OK, ERRED\."):
        odd.api.request("POST", path, {})

    assert odd.control.sweep() == 1

    assert odd.api.request("POST", path, {})[0]["order_uuid"]


def test_nothing_of_an_order_that_takes_time_is_there_before_its_end(odd: WaldurLab) -> None:
    odd.control.order_takes(3600)
    made: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: made.append(send(odd, order())))
    thread.start()
    eventually(odd.control.requests, what="the order")
    assert odd.api.get("/api/openstack-migrations/") == []

    eventually(odd.control.release, what="released")

    thread.join(10)
    assert [row["uuid"] for row in odd.api.get("/api/openstack-migrations/")] == [made[0]["uuid"]]


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"token": "f" * 40}, "Invalid token."), ({"is_expired": True}, "expired"), ({"is_active": False}, "inactive")],
)
def test_a_token_that_is_no_good_is_refused_with_its_own_words(
    odd: WaldurLab, fields: dict[str, object], words: str
) -> None:
    odd.control.user("owner", **fields)

    with pytest.raises(HttpError, match=words) as raised:
        odd.api.get("/api/users/me/")

    assert raised.value.status == 401


def test_from_8_1_on_the_version_is_told_to_everybody(odd: WaldurLab) -> None:
    with pytest.raises(HttpError, match="permission"):
        odd.api.get("/api/version/")

    odd.control.version("8.1.3")

    assert odd.api.get("/api/version/") == {"version": "8.1.3"}


def test_before_7_7_the_types_of_an_offering_are_those_of_all_services() -> None:
    path = f"/api/openstack-volume-types/?page_size=100&offering_uuid={world.DST_OFFERING}"
    with WaldurLab(world="recorded", age="before-7.7") as old:
        every = [kind["name"] for kind in old.api.get(path)]
        old.control.version("7.7.0")

        assert [kind["name"] for kind in old.api.get(path)] == ["fast", "slow"]
    assert {"fast", "gold"} < set(every)


def test_the_recorded_world_is_there_in_a_child_too() -> None:
    with WaldurLab(world="recorded", in_child=True) as lab:
        assert lab.api.get(f"/api/marketplace-resources/{world.SRC_BIG}/")["name"] == "big"
