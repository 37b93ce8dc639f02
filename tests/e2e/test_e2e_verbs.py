"""What becomes of orders: force-complete, abort and reconcile as annotations, down to the requests that Nova gets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, calls, occupy, requests_about
from e2e_operator import VERB_REPEAT_S
from e2e_status import control, outcome
from lab.nova_client import HELD_S
from lab.waiting import eventually

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab

CALLS = {
    "abort": ("DELETE", r"/migrations/\d+$", "Aborted"),
    "force-complete": ("POST", r"/migrations/\d+/action$", "Succeeded"),
}
"""By verb: method and path of its call, and the phase it leads to."""
MEANWHILE = {"abort": "Aborting", "force-complete": "Running"}


@pytest.mark.parametrize("verb", ["abort", "force-complete"])
def test_an_order_whose_202_is_lost_is_repeated_until_the_move_has_ended(
    tenant: Tenant, nova: NovaLab, boot: Boot, verb: str
) -> None:
    method, path, phase = CALLS[verb]
    move = tenant.move_until_running(boot(plan="hang"))
    nova.control.fault(path=move.server + path, method=method, when="before", status=202, count=3)
    move.order(verb)
    eventually(lambda: len(calls(nova, move.server, verb)) >= 2, what=f"two calls of {verb}")
    assert (move.status["phase"], control(move.status, verb)["result"]) == (MEANWHILE[verb], "Accepted")
    status = move.until_finished()
    assert (status["phase"], control(status, verb)["result"]) == (phase, "Done")
    sent = calls(nova, move.server, verb)
    statuses = [call.status for call in sent]
    assert statuses[:4] == [202] * 4
    assert set(statuses[4:]) <= {400, 409}, "asked again while the move was ending, Nova says so"
    gaps = [after.t - before.t for before, after in itertools.pairwise(sent)]
    assert min(gaps) > VERB_REPEAT_S * 0.8
    move.reconcile()
    assert calls(nova, move.server, verb) == sent


def test_a_force_complete_whose_answer_is_cut_and_that_ends_the_move_at_once_is_done(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_until_running(boot(plan="hang"))
    _, path, phase = CALLS["force-complete"]
    nova.control.fault(path=move.server + path, method="POST", when="after", action="cut")
    move.order("force-complete")
    status = move.until_finished()
    assert (status["phase"], control(status, "force-complete")["result"]) == (phase, "Done")
    assert calls(nova, move.server, "force-complete")[0].status == "cut"


def test_an_abort_is_given_as_soon_as_nova_takes_it_after_accepted(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan=f"hang,precheck_delay={HELD_S}"))
    move.until_upstream("accepted")
    move.order("abort")
    move.until_control("abort", "Accepted")
    assert nova.nova.migrations(move.server)[0]["status"] == "accepted"
    assert calls(nova, move.server, "abort") == []
    nova.control.release(move.server, "precheck")
    assert move.until_finished()["phase"] == "Aborted"
    assert {call.status for call in calls(nova, move.server, "abort")} == {202}


def test_a_force_complete_waits_until_the_move_runs(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(plan=f"hang,precheck_delay={HELD_S},pre_delay={HELD_S}"))
    move.until_upstream("accepted")
    move.order("force-complete")
    move.until_control("force-complete", "Accepted")
    nova.control.release(move.server, "precheck")
    move.until_upstream("preparing")
    move.reconcile()
    assert nova.nova.migrations(move.server)[0]["status"] == "preparing"
    assert calls(nova, move.server, "force-complete") == []
    nova.control.release(move.server, "precheck", "pre")
    assert move.until_finished()["phase"] == "Succeeded"
    # asked again while the move was ending, Nova may say 409
    assert calls(nova, move.server, "force-complete")[0].status == 202
    assert control(move.status, "force-complete")["result"] == "Done"


def test_a_force_complete_of_a_queued_move_waits_for_its_turn(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    first = boot(plan="hang", host="cmp1")
    occupy(nova, first)
    move = tenant.move(boot(plan="hang", host="cmp1"))
    move.until_upstream("queued")
    move.order("force-complete")
    move.until_control("force-complete", "Accepted")
    move.reconcile()
    assert calls(nova, move.server, "force-complete") == []
    nova.control.steer(first, "cancel")
    assert move.until_finished()["phase"] == "Succeeded"
    assert calls(nova, move.server, "force-complete")[0].status == 202


def test_in_post_copy_every_order_is_too_late(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_until_running(boot(plan="hang"))
    nova.control.steer(move.server, status="running (post-copy)")
    move.until_upstream("running (post-copy)")
    move.order("force-complete")
    move.until_control("force-complete", "TooLate")
    assert calls(nova, move.server, "force-complete") == []
    move.order("abort")
    move.until_control("abort", "TooLate")
    assert {call.status for call in calls(nova, move.server, "abort")} == {400}, "Nova was asked and said no"
    move.until(
        lambda status: outcome(status) == ("Running", "PostCopy"),
        what="in post-copy as before",
    )
    nova.control.steer(move.server, "finish")
    assert move.until_finished()["phase"] == "Succeeded"


def test_an_order_withdrawn_while_a_step_is_busy_is_carried_out(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_until_running(boot(plan="hang"))
    slow = nova.control.fault(path=f"{move.server}/migrations", method="GET", action="delay", delay=3, count=1)

    def is_busy() -> bool:
        return any(one["fault"] == slow and one["status"] is None for one in requests_about(nova, move.server))

    eventually(is_busy, what="a step waits for Nova")
    move.order_and_withdraw("abort")
    assert is_busy(), "the step ended before the order was withdrawn"
    assert move.until_finished()["phase"] == "Aborted"
    assert control(move.status, "abort")["result"] == "Done"


def test_a_finished_migration_rejects_orders_and_reconciles(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot())
    ended = move.until_finished()
    for verb in ("abort", "force-complete"):
        move.order(verb)
        assert "over" in move.until_control(verb, "Rejected")["message"]
    status = move.reconcile()
    assert {**status, "controls": None} == {**ended, "controls": None}
    assert [call.word for call in calls(nova, move.server)] == ["live-migrate"]


def test_an_abort_before_the_start_sends_nothing(empty_tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = empty_tenant.move(boot(), provider="missing")
    move.until_phase("Queued")
    move.order("abort")
    status = move.until_finished()
    assert (status["phase"], control(status, "abort")["result"]) == ("Aborted", "Done")
    assert "startTime" not in status
    assert requests_about(nova, move.server) == []


def test_an_abort_given_with_the_manifest_sends_nothing(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move(boot(), annotations={"osmig.dev/abort": "1"})
    assert move.until_finished()["phase"] == "Aborted"
    assert requests_about(nova, move.server) == []


def test_an_abort_while_the_start_is_unresolved_never_sends_again(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot()
    nova.control.fault(path=f"{server}/action$", method="POST", when="before", action="cut", count=1)
    move = tenant.move(server)
    eventually(lambda: calls(nova, server), what="the start was sent")
    move.order("abort")
    status = move.until_finished()
    assert (status["phase"], control(status, "abort")["result"]) == ("Aborted", "Done")
    assert [call.word for call in calls(nova, server)] == ["live-migrate"]
    assert nova.nova.migrations(server) == []


def test_an_abort_while_the_start_is_unresolved_acts_once_the_start_is_found(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(plan="hang")
    nova.control.fault(path=f"{server}/action$", method="POST", when="after", action="cut", count=1)
    # the mark is read with one such request before the start; the looks after it get nothing
    nova.control.fault(path=f"{server}/os-instance-actions", method="GET", status=503, skip=1, count=0)
    move = tenant.move(server)
    eventually(lambda: nova.nova.migrations(server)[0]["status"] == "running", what="the move runs")
    move.order("abort")
    move.until_control("abort", "Accepted")
    assert "pendingCall" in move.status
    assert calls(nova, server, "abort") == []
    nova.control.clear_faults()
    move.order("reconcile")
    status = move.until_finished()
    assert (status["phase"], control(status, "abort")["result"]) == ("Aborted", "Done")
    assert [record["status"] for record in nova.nova.migrations(server)] == ["cancelled"]
    assert len(calls(nova, server, "live-migrate")) == 1


def test_an_abort_outranks_a_force_complete(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_until_running(boot(plan="hang"))
    tenant.kubectl("annotate", "migration", move.name, "osmig.dev/force-complete=1", "osmig.dev/abort=1")
    status = move.until_finished()
    assert status["phase"] == "Aborted"
    assert control(status, "force-complete")["result"] == "Superseded"
    assert calls(nova, move.server, "force-complete") == []


def test_an_abort_takes_the_place_of_a_force_complete_under_way(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    move = tenant.move_until_running(boot(plan="hang,force=ignore"))
    move.order("force-complete")
    eventually(lambda: calls(nova, move.server, "force-complete"), what="a force-complete reached Nova")
    move.order("abort")
    assert move.until_finished()["phase"] == "Aborted"
    assert control(move.status, "force-complete")["result"] == "Superseded"
