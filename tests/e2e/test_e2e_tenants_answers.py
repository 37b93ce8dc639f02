"""What Waldur answers to an order, or does not: refusals, lost answers, no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_status import outcome
from e2e_waldur import (
    RUNS,
    connect,
    ordered_row,
    orders,
    replicate,
    requests,
    rows,
)
from lab.waiting import eventually
from lab.waldurlab import catalogue

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.waldur import WaldurLab
    from lab.waldur_client import WaldurFault

REFUSALS = {
    "the plan is exhausted": (400, {"plan": "Plan is not available because limit has been reached."}, "InvalidSpec"),
    "the right is missing": (
        400,
        {"non_field_errors": ["User does not have enough permissions to migrate resource."]},
        "NotPermitted",
    ),
    "a thing is not visible": (
        400,
        {"dst_offering": [f"Object with uuid={catalogue.OFFERING} does not exist."]},
        "InvalidSpec",
    ),
    "a field is wrong": (
        400,
        {"mappings": {"subnets": [{"dst_cidr": ["A private network CIDR is expected."]}]}},
        "InvalidSpec",
    ),
    "the door is closed": (403, {"detail": "You do not have permission to perform this action."}, "NotPermitted"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_order_that_waldur_refuses_fails_and_created_nothing(owner: Tenant, waldur: WaldurLab, refusal: str) -> None:
    code, body, word = REFUSALS[refusal]
    waldur.control.fault(path="/api/openstack-migrations/$", method="POST", status=code, body=body)
    move = replicate(owner)
    status = move.until_finished()
    assert outcome(status) == ("Failed", word)
    assert len(orders(waldur)) == 1
    assert rows(waldur) == []
    move.order("retry", "1")
    eventually(lambda: len(rows(waldur)) == 1, what="another attempt")
    assert orders(waldur)[-1]["name"].endswith("-2")


LOST_ANSWERS: dict[str, WaldurFault] = {
    "500 after the commit": {"when": "after", "status": 500},
    "the connection is cut after the commit": {"when": "after", "action": "cut"},
    "an answer that cannot be read": {"when": "after", "status": 201, "body": {"unexpected": True}},
    "the commit comes late": {"when": "before", "action": "pass", "delay_s": 7.0},
}


@pytest.mark.parametrize("lost", LOST_ANSWERS)
def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(owner: Tenant, waldur: WaldurLab, lost: str) -> None:
    fault: WaldurFault = {"path": "/api/openstack-migrations/$", "method": "POST", **LOST_ANSWERS[lost]}
    waldur.control.fault(**fault)
    move = replicate(owner)
    waldur.control.advance(ordered_row(waldur), 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert len(orders(waldur)) == 1
    assert len(rows(waldur)) == 1


def test_an_order_that_left_no_trace_is_sent_once_more_and_no_more(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.fault(path="/api/openstack-migrations/$", method="POST", status=500, count=0)
    move = replicate(owner)
    assert outcome(move.until_finished()) == ("Failed", "StartLost")
    assert len(orders(waldur)) == 2
    assert rows(waldur) == []


def test_a_token_that_is_refused_at_the_order_is_renewed_and_the_order_sent_then(
    owner: Tenant, waldur: WaldurLab
) -> None:
    waldur.control.fault(path=f"{RUNS}$", method="POST", status=401, body={"detail": "Invalid token."})
    move = replicate(owner)
    waldur.control.advance(ordered_row(waldur), 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert len(rows(waldur)) == 1


def test_an_order_that_comes_too_soon_waits_as_long_as_it_is_told(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.fault(path=f"{RUNS}$", method="POST", status=429, headers={"Retry-After": "3"})
    replicate(owner)
    ordered_row(waldur)
    first, second = (request["t"] for request in requests(waldur, "POST"))
    assert second - first >= 3


def test_an_endpoint_without_the_plugin_is_told(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.fault(path=f"{RUNS}$", method="POST", status=404, body="<h1>Not Found</h1>")
    assert outcome(replicate(owner).until_finished()) == ("Failed", "Unsupported")


def test_a_conflict_is_a_refusal(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.fault(path=f"{RUNS}$", method="POST", status=409, body={"detail": "Valid states for operation: OK."})
    status = replicate(owner).until_finished()
    assert outcome(status)[0] == "Failed"
    assert rows(waldur) == []


def test_a_redirect_is_never_followed(owner: Tenant, waldur: WaldurLab) -> None:
    target = f"{waldur.url}/stolen/"
    waldur.control.fault(path=f"{RUNS}$", method="POST", status=307, headers={"Location": target}, count=0)
    assert outcome(replicate(owner).until_finished()) == ("Failed", "StartLost")
    assert not [request for request in waldur.control.requests() if "stolen" in request["path"]]


def test_an_account_without_the_right_learns_it_and_creates_nothing(empty_tenant: Tenant, waldur: WaldurLab) -> None:
    connect(empty_tenant, waldur, user="admin")
    status = replicate(empty_tenant).until_finished()
    assert outcome(status) == ("Failed", "NotPermitted")
    assert rows(waldur) == []


def test_a_source_that_the_account_does_not_see_is_not_ordered(empty_tenant: Tenant, waldur: WaldurLab) -> None:
    connect(empty_tenant, waldur, user="user")
    status = replicate(empty_tenant).until_finished()
    assert status["phase"] == "Failed"
    assert rows(waldur) == []
