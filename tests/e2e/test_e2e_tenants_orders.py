"""Orders to a replication, and the clean-up of a replica that nobody wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from e2e_status import control, outcome
from e2e_waldur import (
    RUNS,
    message,
    ordered_row,
    orders,
    replicate,
    requests,
    rows,
)
from lab.waiting import eventually
from lab.waldurlab import catalogue

if TYPE_CHECKING:
    from e2e_move import HostPair
    from e2e_tenant import Tenant
    from lab.waldur import WaldurLab


def abort_at_once(owner: Tenant, waldur: WaldurLab, *, steps: int) -> HostPair:
    """Order a replication that is to be cleaned up, abort it, and let Waldur take so many steps on its way."""
    move = replicate(owner, options={"cleanup": "DestinationOnAbort"})
    row = ordered_row(waldur)
    move.until_phase("Starting")
    move.order("abort")
    move.until_control("abort", "Accepted")
    waldur.control.advance(row, steps)
    return move


def end_termination(move: HostPair, waldur: WaldurLab, how: Literal["done", "erred"]) -> str:
    """Wait for the order to terminate the replica and end it; return the replica's id."""
    status = move.until(lambda status: status.get("tenant", {}).get("cleanupOrder"), what="the order to terminate")
    replica: str = status["tenant"]["destinationResource"]
    waldur.control.end_termination(replica, how)
    return replica


def test_an_abort_before_the_order_sends_nothing(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, suspend=True)
    move.until_phase("Suspended")
    move.order("abort")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert requests(waldur) == []


def test_an_abort_in_creating_is_refused_and_the_run_followed_to_its_end(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    waldur.control.advance(row)
    move.until_phase("Running")
    move.order("abort")
    assert "no cancel" in move.until_control("abort", "Unsupported")["message"]
    for verb in ("force-complete", "confirm", "revert"):
        move.order(verb)
        move.until_control(verb, "Unsupported")
    waldur.control.advance(row, 2)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert [request["method"] for request in requests(waldur)] == ["POST"]


def test_a_replica_that_nobody_wants_is_terminated_on_request(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, options={"cleanup": "DestinationOnAbort"})
    row = ordered_row(waldur)
    waldur.control.advance(row)
    move.until_phase("Running")
    move.order("abort")
    assert outcome(move.until_phase("Aborting")) == ("Aborting", "Aborting")
    waldur.control.advance(row, 2)
    replica = end_termination(move, waldur, "done")
    status = move.until_finished()
    assert outcome(status) == ("Aborted", "Aborted")
    assert control(status, "abort")["result"] == "Done"
    terminations = [request["path"] for request in requests(waldur, "POST") if "terminate" in request["path"]]
    assert len(terminations) == 1
    assert replica != catalogue.SOURCE


def test_a_failed_replica_is_terminated_too_when_the_abort_came_first(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.choose("fails-at-port")
    move = abort_at_once(owner, waldur, steps=9)
    end_termination(move, waldur, "done")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")


def test_a_replica_that_erred_at_a_network_is_waited_for_and_terminated_by_one_order(
    owner: Tenant, waldur: WaldurLab
) -> None:
    waldur.control.choose("fails-late")
    move = abort_at_once(owner, waldur, steps=2)
    waiting = move.until(lambda status: "its tenant still CREATING" in message(status), what="the wait for the tenant")
    assert outcome(waiting) == ("Aborting", "TerminatingDestination")
    assert waiting["tenant"]["cleanupDeadlineTime"]
    waldur.control.sweep()
    end_termination(move, waldur, "done")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert sum("terminate" in request["path"] for request in requests(waldur, "POST")) == 1


def test_a_running_replication_that_is_deleted_leaves_an_event_that_says_what_goes_on(
    owner: Tenant, waldur: WaldurLab
) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    waldur.control.advance(row)
    move.until_phase("Running")
    move.delete()
    eventually(lambda: "MigrationLeft" in [event["reason"] for event in owner.events(move.name)], what="an Event")
    [told] = [event for event in owner.events(move.name) if event["reason"] == "MigrationLeft"]
    assert f"Waldur's run {row} and its replica" in told["note"]
    assert [request["method"] for request in requests(waldur)] == ["POST"]


def test_a_termination_that_fails_is_told_and_not_repeated(owner: Tenant, waldur: WaldurLab) -> None:
    move = abort_at_once(owner, waldur, steps=3)
    end_termination(move, waldur, "erred")
    status = move.until_finished()
    assert outcome(status) == ("Failed", "CleanupFailed")
    assert "failed: simulated backend failure in delete_tenant; the replica is OK, its tenant ERRED" in message(status)
    assert sum("terminate" in request["path"] for request in requests(waldur, "POST")) == 1


def test_a_termination_that_is_not_permitted_names_the_permission(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.user("owner", may_terminate=False)
    move = abort_at_once(owner, waldur, steps=3)
    status = move.until_finished()
    assert outcome(status) == ("Failed", "CleanupFailed")
    assert "permission to terminate" in message(status)


def test_a_replica_that_failed_early_needs_no_clean_up(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.choose("fails-early")
    move = abort_at_once(owner, waldur, steps=2)
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert [request["path"] for request in requests(waldur)] == [RUNS]


def test_a_replica_whose_run_hangs_is_terminated_once_it_has_failed(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.choose("worker-lost")
    move = abort_at_once(owner, waldur, steps=2)
    end_termination(move, waldur, "done")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")


def test_a_conflict_at_the_termination_is_waited_out(owner: Tenant, waldur: WaldurLab) -> None:
    body = {"detail": "Valid states for operation: OK, Erred."}
    waldur.control.fault(path="/terminate/$", method="POST", status=409, body=body)
    move = abort_at_once(owner, waldur, steps=3)
    end_termination(move, waldur, "done")
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")


def test_orders_after_the_end_are_rejected_and_retry_makes_a_replica_of_another_name(
    owner: Tenant, waldur: WaldurLab
) -> None:
    waldur.control.choose("fails-late")
    move = replicate(owner)
    waldur.control.advance(ordered_row(waldur), 2)
    move.until_finished()
    for verb in ("abort", "force-complete", "confirm", "revert"):
        move.order(verb)
        move.until_control(verb, "Rejected")
    waldur.control.choose("success")
    move.order("retry", "1")
    eventually(lambda: len(rows(waldur)) == 2, what="another replication")
    first, second = (order["name"] for order in orders(waldur))
    assert (first[-2:], second) == ("-1", f"{first[:-2]}-2")
    second_run = next(row["uuid"] for row in rows(waldur) if row["dst_resource_name"] == second)
    waldur.control.advance(second_run, 3)
    move.until(lambda status: outcome(status) == ("Succeeded", "Succeeded"), what="Succeeded")
