"""Record, server and host disagree: a named verdict with its runbook, and never "done"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e_cloud import Boot, calls
from e2e_status import condition, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_move import HostPair
    from e2e_tenant import Tenant
    from lab.nova import NovaLab

STALL_S = 60.0


def names_runbook(status: dict[str, Any], reason: str) -> bool:
    """Whether reason and message tell of a split state."""
    succeeded = condition(status, "Succeeded")
    return succeeded.get("reason") == reason and f"(runbook {reason})" in succeeded.get("message", "")


def expect_failed(move: HostPair, reason: str) -> None:
    """Wait for the end, and see that a person is sent to the runbook and no retry is made."""
    status = move.until_finished()
    assert (status["phase"], names_runbook(status, reason)) == ("Failed", True), condition(status, "Succeeded")
    move.order("retry")
    assert reason in move.until_control("retry", "Rejected")["message"]


@pytest.fixture
def second_tenant(empty_tenant: Tenant, second_nova: NovaLab) -> Tenant:
    """A namespace whose Provider is the cloud with services that may be stopped."""
    empty_tenant.connect(second_nova)
    return empty_tenant


def test_a_server_that_is_migrating_without_a_record_is_named_and_nothing_is_sent_again(
    second_tenant: Tenant, second_nova: NovaLab
) -> None:
    server = second_nova.boot("no-record", host="solid")
    second_nova.control.service("novalab-conductor", "stop")
    try:
        move = second_tenant.move(server, destination="steady")
        status = move.until(lambda status: names_runbook(status, "RecordMissing"), what="the record is missed")
        assert (status["phase"], condition(status, "Finished")["status"]) == ("Starting", "False")
    finally:
        second_nova.control.service("novalab-conductor", "start")
    assert move.until_finished()["phase"] == "Succeeded"
    assert len(calls(second_nova, server, "live-migrate")) == 1


def test_a_dead_source_compute_is_named_while_the_record_stays_running(
    second_tenant: Tenant, second_nova: NovaLab
) -> None:
    server = second_nova.boot("dead-source", plan="hang,stall=50", host="stopped")
    live = {"convergence": {"progressTimeoutSeconds": 30}}
    move = second_tenant.move(server, destination="solid", live=live)
    move.until_upstream("running")
    second_nova.control.service("stopped", "stop")
    try:
        status = move.until(
            lambda status: names_runbook(status, "SourceHostDown"), what="the host is named", timeout_s=STALL_S
        )
        assert (status["phase"], status["upstream"]["status"]) == ("Running", "running")
        assert "stopped" in condition(status, "Succeeded")["message"]
    finally:
        second_nova.control.service("stopped", "start")
    assert move.until_finished()["phase"] == "Failed"


def test_a_record_that_is_completed_with_the_server_where_it_was_is_never_done(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(plan="hang", host="cmp1")
    move = tenant.move(server, source="cmp1")
    move.until_upstream("running")
    (record,) = nova.nova.migrations(server)
    rows = json.dumps({"migrations": [record | {"status": "completed"}]})
    nova.control.fault(
        path=f"/os-migrations.*{server}",
        method="GET",
        when="before",
        action="status",
        count=0,
        status=200,
        headers={"Content-Type": "application/json"},
        body=rows,
    )
    try:
        nova.control.steer(server, "cancel")
        expect_failed(move, "HostUnchanged")
    finally:
        nova.control.clear_faults()


def test_a_finished_cold_move_whose_server_does_not_wait_is_never_done(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move_cold(boot())
    move.until_phase("AwaitingConfirmation")
    nova.nova.post(f"/servers/{move.server}/action", {"os-resetState": {"state": "active"}})
    move.order("reconcile")
    expect_failed(move, "NotAwaitingConfirmation")
    assert calls(nova, move.server, "confirm") == []


@pytest.fixture
def left_behind(nova: NovaLab) -> Iterator[tuple[str, str]]:
    """An idle server, and the number of a record of it that says that it is being moved; both are gone afterwards."""
    server = nova.boot("left-behind", host="cmp1")
    number, _ = nova.control.seed_migrations(1, instance_uuid=server, status="running", source="cmp1", dest="cmp2")
    yield server, str(number)
    nova.nova.delete(f"/servers/{server}")


def test_a_record_that_was_left_over_beside_an_idle_server_keeps_no_move_from_it(
    tenant: Tenant, nova: NovaLab, left_behind: tuple[str, str]
) -> None:
    server, number = left_behind

    refused = tenant.move(server, name="adopting", adopt={"id": number}).until_finished()
    move = tenant.move(server, source="cmp1")
    waiting = move.until(lambda status: condition(status, "Succeeded").get("reason") == "ServerBusy", what="waits")

    assert condition(refused, "Succeeded")["reason"] == "AdoptRefused"
    assert "its server is idle" in condition(refused, "Succeeded")["message"]
    assert f"migration {number} (running) is not over" in condition(waiting, "Succeeded")["message"]
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert len(calls(nova, server, "live-migrate")) == 1


def test_our_own_record_that_stays_as_it_is_beside_an_idle_server_ends_by_the_server(
    second_tenant: Tenant, second_nova: NovaLab
) -> None:
    server = second_nova.boot("own-left-behind", plan="hang,stall=50", host="stopped")
    move = second_tenant.move(server, destination="steady")
    move.until_upstream("running")
    second_nova.control.service("stopped", "stop")
    try:
        second_nova.nova.post(f"/servers/{server}/action", {"os-resetState": {"state": "active"}})

        status = move.until_finished()
        assert outcome(status) == ("Failed", "RecordStale")
        assert second_nova.nova.migrations(server)[0]["status"] == "running"
    finally:
        second_nova.control.service("stopped", "start")


def test_a_server_in_error_on_its_destination_is_never_done(tenant: Tenant, boot: Boot) -> None:
    move = tenant.move(boot(plan="finish,duration=1,post=fail"))
    expect_failed(move, "ErrorOnDestination")
