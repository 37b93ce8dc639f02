"""The lab's Waldur answers as the real servers did: every recorded pair is played against it.

Each pair gets a double of its own. What the recording says of the row that a pair is about is brought about first,
through the double's control and by playing the pairs before it that are about the same row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from lab.waldur import WaldurLab
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE
from waldur_recording import COMPARED_HEADERS, differences, load, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waldur_recording import Pair

CURRENT: list[Pair] = load("waldur.json")
RECORDED_NO_MAPPINGS = {"skip_connection_extnet": False, "sync_instance_ports": False}
"""What was recorded for rows that were ordered without mappings; the later recording has null."""
LATER: dict[str, Any] = {
    "create-as-support": {"non_field_errors": ["You do not have permissions to create tenant in this project."]}
}
"""Bodies of which the later recording, ``waldur_reads.json``, says otherwise."""
OLD: list[Pair] = load("waldur_before_7_6_4.json")
MIGRATIONS = "/api/openstack-migrations/"
RECORDED_AT = "http://127.0.0.1:8766"
LOST_ROW = "00000000000040008000000000000001"

UNWRITTEN: dict[str, Pair] = {
    "list-unknown-filter ?name=no-such": {"as": "owner", "method": "GET", "path": f"{MIGRATIONS}?name=no-such"},
    "list-unknown-filter ?state=OK": {"as": "owner", "method": "GET", "path": f"{MIGRATIONS}?state=OK"},
    "list-unknown-filter ?dst_resource_name=no-such": {
        "as": "owner",
        "method": "GET",
        "path": f"{MIGRATIONS}?dst_resource_name=no-such",
    },
    "list-visible-to-staff": {"as": "staff", "method": "GET", "path": MIGRATIONS},
    "list-visible-to-support": {"as": "support", "method": "GET", "path": MIGRATIONS},
    "list-visible-to-admin": {"as": "admin", "method": "GET", "path": MIGRATIONS},
    "broker-down: found by list": {"as": "owner", "method": "GET", "path": f"{MIGRATIONS}?src_resource_uuid={SOURCE}"},
    "worker-lost: after the 3 h sweep": {"as": "owner", "method": "GET", "path": f"{MIGRATIONS}{LOST_ROW}/"},
}
"""Requests that the recording only tells in the pair's label."""
ABRIDGED = {
    "broker-down: create": "the page of the 500 is cut to its title, the request to the name",
    "broker-down: found by list": "only the fields that matter were kept",
    "worker-lost: after the 3 h sweep": "only the fields that matter were kept",
}
"""Pairs whose recorded body is a part of the real one, and why: the rest of our answer is not compared."""
FULL_BODY = {"broker-down: create": {"src_resource": SOURCE, "dst_offering": OFFERING, "dst_plan": PLAN}}
"""What the recording left out of a request."""
FAULTS: dict[str, Any] = {"broker-down: create": {"method": "POST", "when": "after", "status": 500}}
"""What was broken in the real server; the 19 s that it took are no part of the pair."""
AFTER = {"create-same-again": "create-minimal", "broker-down: found by list": "broker-down: create"}
"""Pairs that follow another one without naming its row."""
UNSEEN_ROWS: dict[str, dict[str, Any]] = {
    "0e54ed5b130b493cbffa8832123b78bd": {"name": "run-del", "destination": "bfdbf703d70e45bea095d7d183e6fecb"},
    LOST_ROW: {"outcome": "worker-lost"},
}
"""Rows that requests are about, but that no recorded answer shows."""
STEPS_BEFORE = {"terminate-dst-while-creating": 1}
"""How far a row was when a pair was recorded that does not tell it."""
OUTCOMES = {("ERRED", "Terminated"): "fails-early", ("ERRED", "Erred"): "fails-late"}
"""By the last joint state that the recording has of a row; success for any other."""


@dataclass(slots=True)
class Stage:
    """A double, and which of its ids stand for recorded ones."""

    lab: WaldurLab
    pairs: list[Pair]
    ours: dict[str, str] = field(default_factory=dict)

    def play(self, pair: Pair) -> tuple[int, dict[str, str], Any]:
        """Bring about what the pair needs, and send its request."""
        for earlier in self.before(pair):
            self.send(earlier)
        return self.send(pair)

    def before(self, pair: Pair) -> Iterator[Pair]:
        """Return the pairs that made the situation of this one."""
        rows = rows_of(pair, self.pairs)
        for earlier in self.pairs[: self.pairs.index(pair)]:
            if earlier["label"] == AFTER.get(pair["label"]) or not rows.isdisjoint(rows_of(earlier, self.pairs)):
                yield earlier

    def send(self, pair: Pair) -> tuple[int, dict[str, str], Any]:
        """Let the row come as far as the pair tells, send, and learn the ids of what is made."""
        for row in rows_of(pair, self.pairs):
            self.reach(row, pair)
        self.fill(pair)
        if fault := FAULTS.get(pair["label"]):
            self.lab.control.fault(**fault)
        request = request_of(pair)
        path = request["path"]
        for recorded, own in self.ours.items():
            path = path.replace(recorded, own)
        status, headers, body = send(self.lab, {**request, "path": path})
        if status == 201:
            for name in ("uuid", "dst_resource_uuid"):
                self.ours[pair["response"]["body"][name]] = body[name]
        return status, headers, body

    def reach(self, row: str, pair: Pair) -> None:
        """Make the row if no recorded POST has, and let it take steps until it is as the pair shows it."""
        if row not in self.ours:
            if is_creation(pair):
                return
            self.seed(row)
        wanted = shown_state(pair)
        mine = next(known for known in self.lab.control.rows() if known["uuid"] == self.ours[row])
        for _ in range(STEPS_BEFORE.get(pair["label"], 0)):
            mine = self.lab.control.advance(self.ours[row])
        for _ in range(5):
            if request_of(pair)["method"] == "POST" or wanted.items() <= mine.items():
                return
            mine = self.lab.control.advance(self.ours[row])
        pytest.fail(f"{pair['label']}: the double never comes to {wanted}")

    def seed(self, row: str) -> None:
        """Make a row with the recorded id, as it was before its first step."""
        found = next(iter(bodies_of(row, self.pairs)), {})
        made = {"uuid": row, **UNSEEN_ROWS.get(row, {})}
        if found:
            made |= {"name": found["dst_resource_name"], "destination": found["dst_resource_uuid"]}
            made |= {"created": found["created"], "outcome": outcome_of(row, self.pairs)}
            made["error"] = bodies_of(row, self.pairs)[-1]["error_message"] or None
        self.lab.control.seed(**made)
        self.ours |= {row: row}

    def fill(self, pair: Pair) -> None:
        """Make as many rows as the pair's answer counts, or some that it must not count."""
        count = pair["response"].get("headers", {}).get("x-result-count")
        if count is not None and request_of(pair)["path"].startswith(MIGRATIONS):
            wanted = int(count) or 3
            self.lab.control.seed(count=wanted - len(self.lab.control.rows()), name="filler")


def request_of(pair: Pair) -> Pair:
    """Return the request, also if the recording tells it in the label alone."""
    request = dict(pair["request"]) if "request" in pair else UNWRITTEN[pair["label"]]
    if pair["label"] in FULL_BODY:
        request["body"] = FULL_BODY[pair["label"]] | request["body"]
    return request


def is_creation(pair: Pair) -> bool:
    """Whether the pair made a row."""
    return bool(pair["response"]["status"] == 201)


def shown_rows(pair: Pair) -> list[dict[str, Any]]:
    """Return the rows of migrations in the pair's answer."""
    body = pair["response"].get("body")
    rows = body if isinstance(body, list) else [body]
    return [row for row in rows if isinstance(row, dict) and "created_by_uuid" in row]


def bodies_of(row: str, pairs: list[Pair]) -> list[dict[str, Any]]:
    """Return what the recording shows of a row, in its order."""
    return [shown for pair in pairs for shown in shown_rows(pair) if shown["uuid"] == row]


def outcome_of(row: str, pairs: list[Pair]) -> str:
    """Return how the double must let a row go."""
    last = bodies_of(row, pairs)[-1]
    return OUTCOMES.get((last["state"], last.get("dst_resource_state", "")), "success")


def rows_of(pair: Pair, pairs: list[Pair]) -> set[str]:
    """Return the rows that a pair is about: named in its path, by their destination too, or shown in its answer."""
    path = request_of(pair)["path"]
    rows = {row["uuid"]: row["dst_resource_uuid"] for other in pairs for row in shown_rows(other)}
    rows |= {row: more.get("destination", row) for row, more in UNSEEN_ROWS.items()}
    named = {row for row, destination in rows.items() if row in path or destination in path}
    return named | {row["uuid"] for row in shown_rows(pair)}


def shown_state(pair: Pair) -> dict[str, Any]:
    """Return the states that the pair's answer shows, in the words of a row."""
    for row in shown_rows(pair):
        return {name: row[name] for name in ("state", "dst_resource_state") if name in row}
    body = pair["response"].get("body")
    if isinstance(body, dict) and "state" in body:
        is_resource = "dst_resource_state" not in body
        return {"dst_resource_state": body["state"]} if is_resource else body
    return {}


def known_later(pair: Pair, pairs: list[Pair]) -> Any:  # noqa: ANN401 - parsed JSON
    """Return the recorded body with what the later recording has otherwise."""
    body = LATER.get(pair["label"], pair["response"].get("body"))
    mapped = {
        row["uuid"]
        for other in pairs
        if other["response"]["status"] == 201 and "mappings" in request_of(other)["body"]
        for row in shown_rows(other)
    }
    rows = [row for row in shown_rows(pair) if row["uuid"] not in mapped and row["mappings"] == RECORDED_NO_MAPPINGS]
    if not rows:
        return body
    changed = [{**row, "mappings": None} if row in rows else row for row in shown_rows(pair)]
    return changed if isinstance(body, list) else changed[0]


def check(pair: Pair, pairs: list[Pair], lab: WaldurLab) -> None:
    """Play one pair and compare."""
    status, headers, body = Stage(lab, pairs).play(pair)

    recorded = pair["response"]
    assert status == recorded["status"]
    wanted = {name: value.replace(RECORDED_AT, lab.url) for name, value in recorded.get("headers", {}).items()}
    compared = wanted if pair["label"] in UNWRITTEN else COMPARED_HEADERS
    assert {name: headers[name] for name in compared if name in headers} == wanted
    if "body" in recorded:
        assert differences(known_later(pair, pairs), body, is_part=pair["label"] in ABRIDGED) == []


@pytest.mark.parametrize("pair", CURRENT, ids=lambda pair: pair["label"])
def test_the_double_answers_as_the_recorded_server_did(pair: Pair) -> None:
    with WaldurLab() as lab:
        check(pair, CURRENT, lab)


@pytest.mark.parametrize("pair", OLD, ids=lambda pair: pair["label"])
def test_the_double_of_an_old_server_answers_as_that_did(pair: Pair) -> None:
    with WaldurLab(age="before-7.6.4") as lab:
        check(pair, OLD, lab)


def test_no_recorded_pair_is_missing_and_none_is_excused_that_does_not_exist() -> None:
    labels = [pair["label"] for pair in (*CURRENT, *OLD)]

    assert (len(CURRENT), len(OLD)) == (91, 8)
    assert len(set(labels)) == len(labels)
    assert {*UNWRITTEN, *ABRIDGED, *LATER, *FULL_BODY, *FAULTS, *AFTER, *STEPS_BEFORE} <= set(labels)
    assert {pair["label"] for pair in CURRENT if "request" not in pair} == set(UNWRITTEN)


def test_the_comparison_sees_a_missing_key_another_type_another_text_and_another_form() -> None:
    recorded = {"uuid": "0" * 32, "mappings": {"a": False}, "errors": ["This field is required."]}

    assert differences(recorded, recorded) == []
    assert differences(recorded, {**recorded, "more": 1})
    assert differences(recorded, {**recorded, "mappings": {}})
    assert differences(recorded, {**recorded, "mappings": {"a": 0}})
    assert differences(recorded, {**recorded, "errors": ["Required."]})
    assert differences(recorded, {**recorded, "uuid": "00000000-0000-4000-8000-000000000000"})
