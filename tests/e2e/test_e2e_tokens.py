"""What the value of an annotation says: which attempt an order is for, whether it is a new one, and who gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, calls, end_moves
from e2e_status import control
from e2e_tenant import Tenant, tenancy
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_move import HostPair
    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun


def test_the_same_token_acts_once(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_until_running(boot(plan="hang"))
    nova.control.steer(move.server, status="running (post-copy)")
    move.until_upstream("running (post-copy)")
    move.order("abort", "once")
    before = move.until_control("abort", "TooLate")
    sent = calls(nova, move.server, "abort")
    nova.control.steer(move.server, status="running")
    move.withdraw("abort")
    move.order("abort", "once")
    status = move.reconcile()
    assert control(status, "abort") == before
    assert calls(nova, move.server, "abort") == sent
    move.order("abort", "twice")
    assert move.until_finished()["phase"] == "Aborted"


def test_a_token_bound_to_another_attempt_is_rejected(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_until_running(boot(plan="hang"))
    move.order("abort", "2")
    assert "attempt 2" in move.until_control("abort", "Rejected")["message"]
    move.tenant.kubectl(
        "patch", "migration", move.name, "--subresource=status", "--type=merge", '--patch={"status": {"attempt": 2}}'
    )
    for token in ("1", "1/again"):
        move.order("abort", token)
        assert move.until_seen("abort", token)["result"] == "Rejected"
    assert calls(nova, move.server, "abort") == []
    move.order("abort", "2/now")
    assert move.until_finished()["phase"] == "Aborted"
    assert (control(move.status, "abort")["token"], control(move.status, "abort")["attempt"]) == ("2/now", 2)


@pytest.fixture(scope="module")
def endless(crds: Cluster, operator: OsmigRun, second_nova: NovaLab) -> Iterator[HostPair]:
    """A Migration whose move runs and does what no order says."""
    assert operator.returncode is None
    with tenancy(crds, second_nova) as tenant:
        move = tenant.move(second_nova.boot("endless", plan="hang,abort=ignore,force=ignore", host="solid"))
        move.until_upstream("running")
        yield move
        end_moves(second_nova, move.server)


def test_a_malformed_token_is_rejected(endless: HostPair, second_nova: NovaLab) -> None:
    endless.order("abort", "")
    assert "empty" in endless.until_control("abort", "Rejected")["message"]
    endless.order("abort", "x" * 64)
    endless.until(lambda status: "63" in control(status, "abort")["message"], what="the token is too long")
    assert control(endless.status, "abort")["result"] == "Rejected"
    assert endless.reconcile()["phase"] == "Running"
    assert calls(second_nova, endless.server, "abort") == []


def test_any_other_token_is_meant_for_the_current_attempt(endless: HostPair, second_nova: NovaLab) -> None:
    for token in ("x" * 63, "1763723040", "2026-11-21T12:00:00Z", "0", "1000", "true", "1", "1/again"):
        endless.order("force-complete", token)
        order = endless.until_seen("force-complete", token)
        assert (order["result"], "rejected" in order["message"]) == ("Accepted", False), token
    eventually(lambda: calls(second_nova, endless.server, "force-complete"), what="it was sent")


def test_an_order_tells_which_tool_gave_it(endless: HostPair) -> None:
    endless.order("reconcile", "by default")
    assert endless.until_control("reconcile", "Done")["fieldManager"] == "kubectl-annotate"
    endless.tenant.kubectl(
        "annotate", "--overwrite", "migration", endless.name, "--field-manager=drain-bot", "osmig.dev/reconcile=bot"
    )
    endless.until(
        lambda status: control(status, "reconcile")["fieldManager"] == "drain-bot", what="the other tool is named"
    )
