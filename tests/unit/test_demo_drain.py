"""The part of the demo that empties a host: its manifest, its lines, and its verdict."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from lab.demo_drain import HOST, LOOKS, NAME, SERVERS, describe_drain, is_one_left, judge_drain, word_plan
from lab.demo_story import PARTS, SPARE
from osmig.api.plan import parse_plan
from osmig.api.plan_options import Approval

META = {"namespace": "demo", "uid": "u"}
DISABLED = {"status": "disabled", "disabled_reason": "osmig/demo/drain-cmp4/54f9e44b: CHG0031337 firmware"}


def status(*, phase: str = "Succeeded", reason: str = "Succeeded", **host: object) -> dict[str, Any]:
    """Write the status of a plan that is over."""
    conditions = [{"type": "Finished", "reason": reason}, {"type": "Succeeded", "reason": reason}]
    hosts = [{"name": HOST, **(host or {"drainedTime": "2026-11-21T10:00:00Z"})}]
    return {"phase": phase, "conditions": conditions, "hosts": hosts, "startTime": "x", "progressText": "6/6"}


def test_the_plan_is_one_that_osmig_takes_and_begins_with_an_approval() -> None:
    manifest = describe_drain()
    plan = parse_plan({**manifest, "metadata": {**manifest["metadata"], **META}})
    assert (plan.spec.targets.hosts, plan.spec.approval, plan.spec.disables) == ((HOST,), Approval.MANUAL, True)


def test_nothing_else_of_the_demo_is_on_the_host() -> None:
    parts = (*PARTS, SPARE)
    assert HOST not in {host for part in parts for host in (part.host, part.destination)}
    assert not {part.name for part in parts} & SERVERS.keys()
    stuck = [part for part in parts if part.plan.startswith("hang")]
    assert all(part.destination or part.verb is None for part in stuck), "what hangs may not land on the host"


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({}, f"  {NAME} -"),
        ({"phase": "AwaitingApproval"}, f"  {NAME} AwaitingApproval"),
        ({"phase": "Running", "startTime": "x", "progressText": "2/6"}, f"  {NAME} Running, servers moved: 2/6"),
        (status(phase="Verifying", quietSweeps=1), f"  {NAME} Verifying, servers moved: 6/6, quiet looks: 1"),
        (status(), f"  {NAME} Succeeded, servers moved: 6/6"),
    ],
)
def test_each_change_is_a_line(told: dict[str, Any], line: str) -> None:
    assert word_plan(told) == line


@pytest.mark.parametrize(("moved", "is_so"), [("0/6", False), ("4/6", False), ("5/6", True), ("6/6", False)])
def test_the_one_that_hangs_is_told_of_when_it_is_the_last(moved: str, is_so: bool) -> None:  # noqa: FBT001
    assert is_one_left({"progressText": moved}) is is_so


@pytest.mark.parametrize("path", LOOKS)
def test_a_command_is_shown_as_somebody_would_type_it(path: str) -> None:
    assert shlex.join([f"jsonpath={{{path}}}"]) == f"'jsonpath={{{path}}}'"


def test_a_host_that_is_proven_empty_and_disabled_is_as_promised() -> None:
    assert judge_drain(status(), DISABLED, []) == []


@pytest.mark.parametrize(
    ("told", "service", "left", "words"),
    [
        (status(phase="Failed", reason="ServersLeft"), DISABLED, [], "Failed, ServersLeft instead of Succeeded"),
        ({}, DISABLED, [], "not seen"),
        (status(quietSweeps=1), DISABLED, [], "was not proven empty"),
        (status(), DISABLED, ["db-12"], "still shows db-12"),
        (status(), {"status": "enabled", "disabled_reason": None}, [], "is enabled"),
        (status(), {"status": "disabled", "disabled_reason": "by hand"}, [], "not disabled by the plan"),
    ],
)
def test_each_broken_promise_is_said(
    told: dict[str, Any], service: dict[str, Any], left: list[str], words: str
) -> None:
    assert any(words in complaint for complaint in judge_drain(told, service, left))
