"""The access rules that the sample has are the requests that the adapter makes of Nova, no fewer and no more."""

from __future__ import annotations

import json
import re

from doc_pages import ROOT, rows_of
from doc_tables import DOCS

RULES = json.loads((ROOT / "deploy" / "keystone" / "access-rules.json").read_text(encoding="utf-8"))
SOURCE = (ROOT / "operator/osmig/drivers/servers/nova/nova.py").read_text(encoding="utf-8")
VERSIONS = ("GET", "/")
"""Asked by the SDK when it looks for the versions."""


def matches(rule: dict[str, str], method: str, path: str) -> bool:
    """Judge as Keystone does: a name in braces stands for one part of the path."""
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(rule["path"]))
    return rule["method"] == method and re.fullmatch(pattern, f"/v2.1{path}") is not None


def read_requests() -> set[tuple[str, str]]:
    """Return method and path of each request in the source, each variable part as ``x``."""
    reads = re.findall(r'_read\("[\w-]+", f?"([^"]+)"', SOURCE)
    changes = re.findall(r'path = f"([^"]+)"\n.*?method="(\w+)"', SOURCE, re.DOTALL)
    found = {("GET", path) for path in reads} | {(method, path) for path, method in changes}
    return {(method, re.sub(r"\{\w+\}", "x", path)) for method, path in found}


def test_each_request_has_one_rule_and_each_rule_a_request() -> None:
    requests = read_requests()

    assert len(requests) == 10
    # the list of all servers has a path that could be the id of one
    fits = {request: [rule for rule in RULES if matches(rule, *request)] for request in {*requests, VERSIONS}}
    assert [request for request, rules in fits.items() if not rules] == []
    assert [rule for rule in RULES if not any(rule in rules for rules in fits.values())] == []
    assert {rule["service"] for rule in RULES} == {"compute"}


def test_the_page_has_a_row_for_each_rule() -> None:
    told = " ".join(first for first, *_ in rows_of(DOCS / "openstack.md", "### Access rules")[1:])

    for rule in RULES:
        path = rule["path"].removeprefix("/v2.1")
        if not path.endswith("{request}"):
            assert f"`{rule['method']} {path}`" in told
