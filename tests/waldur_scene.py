"""A double in the situation of a pair of ``recorded/waldur_reads.json``, and the comparison of its answer.

A pair that reads the world as it was at first is played on a double that all of them share. Any other gets a double of
its own: there what made its situation is done first, by orders, and by steering whatever a worker would do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lab.waldurlab import recorded_catalogue as world
from waldur_reads import (
    CREATIONS,
    FIRST_IDS,
    LAST,
    LEFT_OUT,
    PAIRS,
    TENANTS,
    TIED,
    acts_before,
    ids_in,
    rows_of,
    runs_of,
)
from waldur_recording import COMPARED_HEADERS, FORMS, TIMES, differences, send

if TYPE_CHECKING:
    from lab.waldur import WaldurLab
    from lab.waldurlab.replication import Outcome
    from waldur_recording import Pair

RECORDED_AT = "https://waldur.example.org"
WAYS: dict[str, Outcome] = {"Terminated": "fails-early", "Erred": "fails-late", "OK": "fails-at-port"}
"""By the state of the replica whose run is ERRED."""
TIED_FORMS = {
    **dict.fromkeys(("uuid", "src_resource_uuid", "dst_resource_uuid"), FORMS["uuid"]),
    "dst_resource_name": r"runs\d+-000",
}
FAILED_TERMINATION = "tenant: of a replica, termination failed"
TERMINATIONS = ("terminate: ok", "terminate: as rival")


@dataclass(slots=True)
class Scene:
    """A double, and which of its ids stand for recorded ones."""

    lab: WaldurLab
    ours: dict[str, str] = field(default_factory=dict)

    def prepare(self, pair: Pair) -> None:
        """Do what had been done before a pair was recorded."""
        acts = acts_before(pair)
        shown = {row["uuid"]: row for row in rows_of(pair)}
        for run in runs_of(pair):
            if CREATIONS.get(run) is pair:
                continue
            self.order(run)
            is_asked_for = len(shown) < 2 or (run in shown and shown[run]["state"] != "CREATION_SCHEDULED")
            for act in acts if is_asked_for else ():
                self.act(run, act)

    def order(self, run: str) -> None:
        """Order a replica as it was ordered, also if that was not recorded, and say how it will go."""
        self.play(CREATIONS.get(run) or _tell_order(run))
        last = LAST[run]
        way = WAYS[last["dst_resource_state"]] if last["state"] == "ERRED" else "success"
        self.lab.control.choose(way, self.ours[run], error=last["error_message"] or None)

    def act(self, run: str, act: str) -> None:
        """Do one thing to a run or its replica."""
        control, ours, replica = self.lab.control, self.ours[run], LAST[run]["dst_resource_uuid"]
        match act:
            case "run":
                control.advance(ours)
            case "end":
                control.advance(ours, 4)
            case "rename":
                control.rename(ours, "_a1b")
            case "terminate":
                pairs = (pair for pair in PAIRS if pair["label"] in TERMINATIONS)
                self.play(next(pair for pair in pairs if ids_in(pair["request"]["path"]) == [replica]))
            case "done":
                control.end_termination(self.ours[replica])
            case "fail":
                told = next(pair for pair in PAIRS if pair["label"] == FAILED_TERMINATION)
                control.end_termination(self.ours[replica], "erred", error=told["response"]["body"]["error_message"])
            case _:
                raise ValueError(act)

    def play(self, pair: Pair) -> None:
        """Send an earlier pair, and learn the ids that it makes."""
        self.learn(pair["response"]["body"], self._send(pair, pair["request"]["as"])[2])
        if "/terminate/" not in pair["request"]["path"]:
            self._learn_tenant(pair["response"]["body"]["dst_resource_uuid"])

    def compare(self, pair: Pair, user: str | None) -> list[str]:
        """Send a pair as one user; return what differs from the recorded answer."""
        status, headers, body = self._send(pair, user)
        recorded = pair["response"]
        if pair["request"]["method"] == "GET":
            self.learn(recorded["body"], _cut(pair, body))
        found = [] if status == recorded["status"] else [f"status {recorded['status']}, ours {status}"]
        found += self._compare_headers(recorded["headers"], headers)
        if "html" in headers["content-type"]:
            return found + ([] if _has_title(body, recorded["body"]) else [f"page {body}"])
        rows = recorded.get("rows")
        if rows is not None and len(body) != rows:
            found.append(f"{rows} rows, ours {len(body)}")
        ours = json.loads(self._translate(json.dumps(_cut(pair, body))))
        theirs = None if recorded["body"] == "" else recorded["body"]
        return found + differences(theirs, ours, forms=_forms_for(pair))

    def _compare_headers(self, recorded: dict[str, str], ours: dict[str, str]) -> list[str]:
        theirs = {name.lower(): value for name, value in recorded.items()}
        got = {name: self._translate(ours[name]) for name in COMPARED_HEADERS if name in ours}
        different = [name for name in theirs | got if theirs.get(name) != got.get(name)]
        return [f"{name}: {theirs.get(name)}, ours {got.get(name)}" for name in different]

    def learn(self, recorded: Any, ours: Any) -> None:  # noqa: ANN401 - parsed JSON
        """Pair the ids that the server made with the recorded ones; those of the first world are known already."""
        theirs, mine = (ids_in(json.dumps(body, sort_keys=True)) for body in (recorded, ours))
        if len(theirs) == len(mine):
            for recorded_id, own in zip(theirs, mine, strict=True):
                if recorded_id not in FIRST_IDS and own not in self.ours.values():
                    self.ours.setdefault(recorded_id, own)

    def reach(self, pair: Pair, user: str | None) -> None:
        """Let the networks and subnets of a replica that is being made come as far as the pair shows them."""
        if acts_before(pair) != ["run"] or not pair["label"].startswith(("networks: ", "subnets: ")):
            return
        states = [row["state"] for row in pair["response"]["body"]]
        run = self.ours[runs_of(pair)[0]]
        for done, is_next_begun in ((0, False), (0, True), (1, True)):
            self.lab.control.progress(run, done, is_next_begun=is_next_begun)
            if [row["state"] for row in _cut(pair, self._send(pair, user)[2])] == states:
                return

    def _learn_tenant(self, replica: str) -> None:
        found = self.lab.as_user("staff").get(f"/api/marketplace-resources/{self.ours[replica]}/")
        if replica in TENANTS:
            self.ours[TENANTS[replica]] = found["resource_uuid"]

    def _send(self, pair: Pair, user: str | None) -> tuple[int, dict[str, str], Any]:
        path = pair["request"]["path"]
        for recorded, own in self.ours.items():
            path = path.replace(recorded, own).replace(str(UUID(recorded)), str(UUID(own)))
        status, headers, body = send(self.lab, {**pair["request"], "as": user, "path": path})
        return status, headers, _leave_out(pair, body)

    def _translate(self, text: str) -> str:
        for recorded, own in self.ours.items():
            text = text.replace(own, recorded).replace(str(UUID(own)), str(UUID(recorded)))
        return text.replace(self.lab.url, RECORDED_AT)


def _tell_order(run: str) -> Pair:
    row = LAST[run]
    body = {
        "src_resource": row["src_resource_uuid"],
        "dst_offering": row["dst_offering_uuid"],
        "dst_plan": world.DST_PLAN,
        "name": row["dst_resource_name"].partition("_")[0],
    }
    mappings = {"mappings": row["mappings"]} if row["mappings"] else {}
    request = {"as": "owner", "method": "POST", "path": "/api/openstack-migrations/", "body": body | mappings}
    return {"label": f"order of {run}", "request": request, "response": {"body": row}}


def _forms_for(pair: Pair) -> dict[str, str]:
    if pair["request"]["method"] == "POST":
        return FORMS
    return TIMES | (TIED_FORMS if pair["label"] in TIED else {})


def _cut(pair: Pair, body: Any) -> Any:  # noqa: ANN401 - parsed JSON
    return [body[0], body[-1]] if pair["response"].get("cut") and isinstance(body, list) and body else body


def _leave_out(pair: Pair, body: Any) -> Any:  # noqa: ANN401 - parsed JSON
    if isinstance(body, list):
        return [_leave_out(pair, row) for row in body]
    names = next((names for path, names in LEFT_OUT.items() if f"/{path}/" in pair["request"]["path"]), set())
    return {name: value for name, value in body.items() if name not in names} if isinstance(body, dict) else body


def _has_title(page: str | None, title: str) -> bool:
    return (page or "") == title or f"<title>{title}</title>" in (page or "")
