"""The lab's Waldur breaks on command: before and after a commit, late, for ever, and with rows that nobody expects."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Literal

import pytest

from lab.nova_client import HttpError
from lab.waiting import DEADLINE_S, eventually
from lab.waldur import WaldurLab
from lab.waldur_client import MIGRATIONS
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE
from waldur_rows import create, names

CUT = (http.client.RemoteDisconnected, ConnectionError)


@pytest.mark.parametrize(
    ("when", "action", "made"),
    [("before", "status", 0), ("after", "status", 1), ("before", "cut", 0), ("after", "cut", 1)],
)
def test_a_post_that_fails_has_made_a_row_only_if_it_failed_after_the_commit(
    waldur: WaldurLab, when: Literal["before", "after"], action: Literal["status", "cut"], made: int
) -> None:
    waldur.control.fault(method="POST", when=when, action=action)

    with pytest.raises((HttpError, *CUT)):
        create(waldur)

    assert len(names(waldur)) == made
    request = waldur.control.requests()[0]
    assert request["status"] == (500 if action == "status" else "cut")
    assert request["real_status"] == (201 if made else None)
    assert json.loads(request["body"])["name"] == "db-0a1b2c3d-1"


def test_a_late_commit_comes_after_its_caller_has_given_up(waldur: WaldurLab) -> None:
    waldur.control.fault(method="POST", when="before", action="pass", delay_s=19)
    connection = http.client.HTTPConnection(waldur.url.removeprefix("http://"), timeout=0.2)
    body = json.dumps({"src_resource": SOURCE, "dst_offering": OFFERING, "dst_plan": PLAN, "name": "late-1"})
    connection.request("POST", MIGRATIONS, body, {"Authorization": f"Token {waldur.token()}"})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert names(waldur) == []

    eventually(waldur.control.release, what="released")

    eventually(lambda: names(waldur) == ["late-1"], what="the row that came late")


def test_a_delay_ends_by_itself(waldur: WaldurLab) -> None:
    waldur.control.fault(method="POST", when="after", status=500, delay_s=0.1)

    with pytest.raises(HttpError, match="Server Error"):
        create(waldur)

    request = waldur.control.requests()[0]
    assert request["answered_t"] is not None
    assert request["answered_t"] - request["t"] >= 0.1


def test_a_request_that_hangs_is_on_record_unanswered_until_it_is_released(waldur: WaldurLab) -> None:
    waldur.control.fault(method="GET", path="/version/", action="pass", hold=True)
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(waldur.as_user("staff").get("/api/version/")))
    thread.start()
    eventually(waldur.control.requests, what="the request")
    assert waldur.control.requests()[0]["status"] is None
    assert waldur.api.get("/api/users/me/")["username"] == "owner"

    eventually(waldur.control.release, what="released")

    thread.join(DEADLINE_S)
    assert answers == [{"version": "7.8.2"}]


def test_what_hangs_is_cut_when_the_server_ends() -> None:
    with WaldurLab() as waldur:
        waldur.control.fault(action="pass", hold=True)
        errors: list[Exception] = []

        def ask() -> None:
            try:
                waldur.api.get("/api/version/")
            except CUT as error:
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        eventually(waldur.control.requests, what="the request")

    thread.join(DEADLINE_S)
    assert len(errors) == 1


@pytest.mark.parametrize(("status", "words"), [(401, "Invalid token."), (403, "permission"), (429, "throttled")])
def test_a_fault_says_what_the_real_server_says_with_that_status(waldur: WaldurLab, status: int, words: str) -> None:
    waldur.control.fault(path="/openstack-subnets/", status=status, count=2)

    for _ in range(2):
        with pytest.raises(HttpError, match=words) as raised:
            waldur.api.get("/api/openstack-subnets/")
        assert raised.value.status == status

    assert waldur.api.get("/api/openstack-subnets/")
    assert waldur.control.faults() == []


def test_a_row_on_page_four_is_found_only_there_ten_rows_a_page_whatever_is_asked_for(waldur: WaldurLab) -> None:
    waldur.control.page_rows(10)
    waldur.control.seed(count=33, name="other")
    create(waldur, "wanted-1")

    pages = [names(waldur, query=f"page={page}&page_size=100") for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [10, 10, 10, 4]
    assert pages[3][-1] == "wanted-1"
    _, headers = waldur.api.request("GET", f"{MIGRATIONS}?page=2&page_size=100")
    assert headers["x-result-count"] == "34"
    assert [part.rpartition("rel=")[2] for part in headers["link"].split(", ")] == [
        '"first"',
        '"prev"',
        '"next"',
        '"last"',
    ]


def test_a_row_shows_what_a_test_writes_into_it_until_it_is_mended(waldur: WaldurLab) -> None:
    row = create(waldur)

    waldur.control.change(row["uuid"], mappings=None, state="Pondering", drop=["error_message"])

    shown = waldur.api.retrieve(row["uuid"])
    assert (shown["mappings"], shown["state"]) == (None, "Pondering")
    assert "error_message" not in shown
    waldur.control.mend(row["uuid"])
    assert waldur.api.retrieve(row["uuid"]) == row


def test_a_name_that_is_taken_in_keystone_gets_a_suffix_everywhere(waldur: WaldurLab) -> None:
    row = create(waldur, "n" * 60)

    assert waldur.control.rename(row["uuid"]) == "n" * 60 + "_x1z"

    assert waldur.api.retrieve(row["uuid"])["dst_resource_name"] == "n" * 60 + "_x1z"
    assert waldur.api.get(f"/api/marketplace-resources/{row['dst_resource_uuid']}/")["name"].endswith("_x1z")


def test_a_row_that_is_gone_goes_on_behind_the_api(waldur: WaldurLab) -> None:
    row = create(waldur)

    waldur.control.forget(row["uuid"])

    with pytest.raises(HttpError, match="No Migration matches"):
        waldur.api.retrieve(row["uuid"])
    assert waldur.control.advance(row["uuid"], 3)["dst_resource_state"] == "OK"
    assert waldur.api.get(f"/api/marketplace-resources/{row['dst_resource_uuid']}/")["state"] == "OK"


def test_no_token_is_kept_in_the_request_log(waldur: WaldurLab) -> None:
    create(waldur)

    assert waldur.token() not in json.dumps(waldur.control.requests())
