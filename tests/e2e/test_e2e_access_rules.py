"""What osmig asks of a real Nova for each verb is in the access rules that the sample gives to its credentials."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, wide_cloud
from e2e_operator import ROOT
from e2e_status import outcome
from e2e_tenant import move_by_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.nova import NovaLab

RULES = json.loads((ROOT / "deploy" / "keystone" / "access-rules.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud of this module's own, so that every request in its log is of these moves."""
    with wide_cloud() as running:
        yield running


def is_allowed(method: str, path: str) -> bool:
    """Judge as Keystone does: a name in braces stands for one part of the path."""
    patterns = (re.sub(r"\\{\w+\\}", "[^/]+", re.escape(rule["path"])) for rule in RULES if rule["method"] == method)
    return any(re.fullmatch(pattern, path) for pattern in patterns)


def test_every_request_of_every_verb_is_allowed_by_the_access_rules(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    forced, aborted = (boot(host="cmp1", plan="hang,memory=4096") for _ in range(2))
    begin = nova.control.request_mark()
    moves = [tenant.move(server, name=name, source="cmp1") for name, server in {"f": forced, "a": aborted}.items()]
    for move, verb in zip(moves, ("force-complete", "abort"), strict=True):
        move.until_phase("Running")
        move.order(verb)
    cold = tenant.move_cold(boot(host="cmp2"), name="cold")
    cold.until_phase("AwaitingConfirmation")
    cold.order("confirm")
    failing = boot(host="cmp1", plan="fail")
    named = move_by_name(tenant, nova.nova.server(failing)["name"], name="named", source="cmp1")

    ends = [outcome(move.until_finished())[0] for move in (*moves, cold, named)]

    assert ends == ["Succeeded", "Aborted", "Succeeded", "Failed"]
    asked = {
        (request["method"], request["path"].partition("?")[0])
        for request in nova.control.requests(since=begin)
        if "osmig" in (request["user_agent"] or "")
    }
    assert {method for method, _ in asked} == {"GET", "POST", "DELETE"}
    assert [request for request in sorted(asked) if not is_allowed(*request)] == []
