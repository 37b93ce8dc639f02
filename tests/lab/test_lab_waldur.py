"""The lab's Waldur goes the ways that the real one was seen to, step by step on command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from lab.nova_client import HttpError
from lab.waiting import eventually
from lab.waldur import WaldurLab
from lab.waldur_client import MIGRATIONS
from lab.waldurlab import catalogue
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE
from waldur_rows import create, names

if TYPE_CHECKING:
    from lab.waldurlab.replication import Outcome


@pytest.mark.parametrize(
    ("outcome", "way"),
    [
        ("success", ["CREATION_SCHEDULED/Creating", "CREATING/Creating", "CREATING/OK", "OK/OK"]),
        ("fails-early", ["CREATION_SCHEDULED/Creating", "CREATING/Creating", "ERRED/Terminated"]),
        ("fails-late", ["CREATION_SCHEDULED/Creating", "CREATING/Creating", "ERRED/Erred"]),
        ("worker-lost", ["CREATION_SCHEDULED/Creating", "CREATING/Creating", "CREATING/Erred"]),
        ("broker-lost", ["CREATION_SCHEDULED/Creating", "CREATION_SCHEDULED/Erred"]),
        ("stuck", ["CREATION_SCHEDULED/Creating", "CREATING/Creating"]),
        ("fails-at-port", ["CREATION_SCHEDULED/Creating", "CREATING/Creating", "CREATING/OK", "ERRED/OK"]),
        ("never-done", ["CREATION_SCHEDULED/Creating", "CREATING/Creating", "CREATING/OK"]),
    ],
)
def test_a_replication_goes_the_chosen_way_step_by_step_and_stays_at_its_end(
    waldur: WaldurLab, outcome: Outcome, way: list[str]
) -> None:
    waldur.control.choose(outcome)
    row = create(waldur)
    seen = []
    for _ in range(6):
        row = waldur.api.retrieve(row["uuid"])
        seen.append(f"{row['state']}/{row['dst_resource_state']}")
        waldur.control.advance(row["uuid"])

    assert list(dict.fromkeys(seen)) == way
    assert row["error_traceback"].startswith("Traceback") == (row["state"] == "ERRED")


def test_a_destination_can_be_lost_after_the_success(waldur: WaldurLab) -> None:
    row = create(waldur)
    waldur.control.advance(row["uuid"], 3)

    waldur.control.choose("destination-lost", row["uuid"])

    assert waldur.control.advance(row["uuid"])["dst_resource_state"] == "Terminating"
    assert waldur.control.advance(row["uuid"])["dst_resource_state"] == "Terminated"
    assert waldur.api.retrieve(row["uuid"])["state"] == "OK"


def test_a_way_cannot_be_chosen_that_the_row_has_left_already(waldur: WaldurLab) -> None:
    row = create(waldur)
    waldur.control.advance(row["uuid"], 3)

    with pytest.raises(HttpError, match="no step on the way fails-early"):
        waldur.control.choose("fails-early", row["uuid"])


def test_three_equal_posts_make_three_rows(waldur: WaldurLab) -> None:
    rows = [create(waldur)["uuid"] for _ in range(3)]

    assert len(set(rows)) == 3
    assert names(waldur) == ["db-0a1b2c3d-1"] * 3


def test_another_account_of_the_same_rights_sees_none_of_the_owners_rows(waldur: WaldurLab) -> None:
    create(waldur, "mine")
    waldur.as_user("rival").create(SOURCE, OFFERING, PLAN, name="theirs")

    assert (names(waldur), names(waldur, "rival")) == (["mine"], ["theirs"])
    assert names(waldur, "staff") == ["mine", "theirs"]


def test_a_token_that_is_rotated_is_refused_and_the_new_one_is_the_same_user(waldur: WaldurLab) -> None:
    row = create(waldur)

    waldur.control.user("owner", token="f" * 40)

    with pytest.raises(HttpError, match=r"Invalid token\."):
        waldur.api.retrieve(row["uuid"])
    waldur.api.token = "f" * 40
    assert waldur.api.retrieve(row["uuid"])["created_by_uuid"] == row["created_by_uuid"]


def test_networks_are_copied_with_mapped_subnets_and_get_ready_one_by_one(waldur: WaldurLab) -> None:
    pairs = [{"src_cidr": "192.168.1.0/24", "dst_cidr": "10.9.1.0/24"}]
    row = create(waldur, mappings={"subnets": pairs})
    tenant = waldur.api.get(f"/api/marketplace-resources/{row['dst_resource_uuid']}/")["resource_uuid"]
    waldur.control.advance(row["uuid"])

    waldur.control.progress(row["uuid"], 2)

    networks = waldur.api.get(f"/api/openstack-networks/?tenant_uuid={tenant}")
    subnets = waldur.api.get(f"/api/openstack-subnets/?tenant_uuid={tenant}")
    assert [network["state"] for network in networks] == ["OK", "CREATING"]
    assert [(subnet["cidr"], subnet["state"]) for subnet in subnets] == [
        ("10.9.1.0/24", "OK"),
        ("10.0.0.0/24", "CREATION_SCHEDULED"),
    ]


@pytest.mark.parametrize(
    ("chosen", "copied"),
    [([], 2), ([catalogue.NETWORK], 1), ([catalogue.FOREIGN_NETWORK], 0)],
    ids=["none chosen", "one chosen", "only a foreign one chosen"],
)
def test_the_chosen_networks_are_copied_and_a_foreign_one_is_dropped_in_silence(
    waldur: WaldurLab, chosen: list[str], copied: int
) -> None:
    row = create(waldur, mappings={"networks": chosen})

    tenant = waldur.api.get(f"/api/marketplace-resources/{row['dst_resource_uuid']}/")["resource_uuid"]
    assert len(waldur.api.get(f"/api/openstack-networks/?tenant_uuid={tenant}")) == copied


def test_the_source_tells_all_that_a_check_before_the_post_needs(waldur: WaldurLab) -> None:
    source = waldur.api.get(f"/api/marketplace-resources/{SOURCE}/")
    tenant = source["resource_uuid"]

    assert "gigabytes_fast" in source["limits"]
    assert [plan["uuid"] for plan in waldur.api.get(f"/api/marketplace-public-offerings/{OFFERING}/plans/")] == [PLAN]
    assert [s["cidr"] for s in waldur.api.get(f"/api/openstack-subnets/?tenant_uuid={tenant}")] == [
        "192.168.1.0/24",
        "10.0.0.0/24",
    ]
    ours = waldur.api.get(f"/api/openstack-volume-types/?tenant_uuid={tenant}")
    theirs = waldur.api.get(f"/api/openstack-volume-types/?offering_uuid={OFFERING}")
    assert [kind["name"] for kind in (*ours, *theirs)] == ["fast", "ssd"]
    assert waldur.api.get(f"/api/openstack-tenants/{tenant}/")["state"] == "OK"


@pytest.mark.parametrize(("state", "left"), [("done", "Terminated"), ("erred", "OK")])
def test_a_termination_is_an_order_that_is_done_or_leaves_the_destination_as_it_was(
    waldur: WaldurLab, state: Literal["done", "erred"], left: str
) -> None:
    row = create(waldur)
    waldur.control.advance(row["uuid"], 3)
    resource = f"/api/marketplace-resources/{row['dst_resource_uuid']}/"
    order = waldur.api.request("POST", f"{resource}terminate/", {})[0]["order_uuid"]
    assert waldur.api.get(resource)["state"] == "Terminating"

    waldur.control.end_termination(row["dst_resource_uuid"], state)

    assert waldur.api.get(f"/api/marketplace-orders/{order}/")["state"] == state
    assert waldur.api.get(resource)["state"] == left


def test_who_may_not_terminate_is_told_so(waldur: WaldurLab) -> None:
    row = create(waldur)
    waldur.control.advance(row["uuid"], 3)
    waldur.control.user("owner", may_terminate=False)

    with pytest.raises(HttpError, match="You do not have permission") as raised:
        waldur.api.request("POST", f"/api/marketplace-resources/{row['dst_resource_uuid']}/terminate/", {})

    assert raised.value.status == 403


def test_with_a_pace_a_replication_comes_to_its_end_by_itself(waldur: WaldurLab) -> None:
    waldur.control.pace(0.02)
    row = create(waldur)

    eventually(lambda: waldur.api.retrieve(row["uuid"])["state"] == "OK", what="done")


def test_an_old_server_starts_nothing_before_it_is_run_and_has_other_labels() -> None:
    with WaldurLab(age="before-7.6.4") as waldur:
        staff = waldur.as_user("staff")
        row = staff.create(SOURCE, OFFERING, PLAN)
        assert row["state"] == "Creation Scheduled"
        assert "dst_resource_state" not in row

        staff.request("POST", f"{MIGRATIONS}{row['uuid']}/run/")

        assert staff.retrieve(row["uuid"])["state"] == "Creating"


def test_the_double_in_a_child_is_the_same_and_can_be_killed() -> None:
    with WaldurLab(in_child=True) as waldur:
        row = create(waldur)
        assert waldur.control.advance(row["uuid"])["state"] == "CREATING"
        assert waldur.control.requests()[0]["user"] == "owner"

        waldur.child.kill()

        with pytest.raises(OSError, match="refused"):
            waldur.api.retrieve(row["uuid"])
