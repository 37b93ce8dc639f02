"""How a replication goes: each pair of states that Waldur may show."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from e2e_status import outcome
from e2e_tenant import Tenant
from e2e_waldur import connect, message, ordered_row, orders, replicate
from lab.waldur import WaldurLab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_move import HostPair
    from lab.cluster import Cluster
    from lab.osmig_run import OsmigRun
    from lab.waldurlab.replication import Outcome

WAYS: dict[Outcome, tuple[int, str, str, str]] = {
    "fails-early": (3, "Failed", "ReplicationFailed", "create_tenant_safe"),
    "fails-late": (3, "Failed", "ReplicationFailed", "create_network"),
    "worker-lost": (3, "Failed", "WaldurStalled", "does not go on"),
    "broker-lost": (3, "Failed", "WaldurStalled", "does not go on"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_replication_that_goes_wrong_ends_with_waldurs_words_and_no_traceback(
    owner: Tenant, waldur: WaldurLab, operator: OsmigRun, way: Outcome
) -> None:
    steps, phase, word, text = WAYS[way]
    waldur.control.choose(way)
    move = replicate(owner)
    waldur.control.advance(ordered_row(waldur), steps)
    status = move.until_finished()
    assert outcome(status) == (phase, word)
    assert text in message(status)
    told = f"{move.get()}{owner.events(move.name)}{operator.output()}"
    for secret in ("Traceback", "keystone.internal", "/opt/waldur", waldur.token("owner")):
        assert secret not in told


def test_a_replica_that_is_ready_before_its_run_is_not_done_yet(owner: Tenant, waldur: WaldurLab) -> None:
    waldur.control.choose("never-done")
    move = replicate(owner)
    waldur.control.advance(ordered_row(waldur), 3)
    status = move.until(lambda status: status.get("tenant", {}).get("destinationStatus") == "OK", what="replica OK")
    assert outcome(status) == ("Running", "Creating")


def test_a_run_that_does_not_begin_is_told_and_followed(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    move.until(lambda status: outcome(status) == ("Starting", "NotStarted"), what="NotStarted")
    waldur.control.advance(row, 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")


def test_an_unknown_word_keeps_the_phase_and_is_told_once(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    waldur.control.advance(row)
    move.until_phase("Running")
    waldur.control.change(row, state="UPDATING")
    status = move.until(lambda status: outcome(status) == ("Running", "Unknown"), what="Unknown")
    assert status["upstream"]["status"] == "UPDATING"
    waldur.control.mend(row)
    waldur.control.advance(row, 2)
    move.until_finished()
    assert [event["reason"] for event in owner.events("copy")].count("UnknownState") == 1


def test_old_labels_are_understood(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    waldur.control.advance(row, 3)
    waldur.control.change(row, state="Ok", dst_resource_state="OK")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")


def test_a_record_that_is_gone_is_not_ordered_again(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    move.until_phase("Starting")
    waldur.control.forget(row)
    status = move.until_finished()
    assert outcome(status) == ("Failed", "RecordGone")
    assert status["tenant"]["destinationResource"] in message(status)
    assert len(orders(waldur)) == 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What Waldur shows of a replication, and what is to become of the Migration; without ``ends`` it goes on."""

    state: str
    replica: str | None
    phase: str
    reason: str
    ends: bool = True


SHOWN = {
    f"{shown.state}, replica {shown.replica}".lower(): shown
    for shown in (
        Shown("CREATION_SCHEDULED", "Erred", "Failed", "WaldurStalled"),
        Shown("CREATION_SCHEDULED", "Terminated", "Failed", "WaldurStalled"),
        Shown("CREATION_SCHEDULED", "Terminating", "Failed", "WaldurStalled"),
        Shown("CREATING", "Erred", "Failed", "WaldurStalled"),
        Shown("CREATING", "Terminated", "Failed", "WaldurStalled"),
        Shown("CREATING", "Terminating", "Failed", "WaldurStalled"),
        Shown("CREATING", "Creating", "Running", "Creating", ends=False),
        Shown("CREATING", "OK", "Running", "Creating", ends=False),
        Shown("Creating", "Creating", "Running", "Creating", ends=False),
        Shown("OK", "Creating", "Running", "Creating", ends=False),
        Shown("OK", None, "Running", "Creating", ends=False),
        Shown("OK", "OK", "Succeeded", "Succeeded"),
        Shown("OK", "Erred", "Failed", "DestinationLost"),
        Shown("OK", "Terminating", "Failed", "DestinationLost"),
        Shown("OK", "Terminated", "Failed", "DestinationLost"),
        Shown("ERRED", "Creating", "Failed", "ReplicationFailed"),
        Shown("ERRED", "OK", "Failed", "ReplicationFailed"),
        Shown("Erred", "Erred", "Failed", "ReplicationFailed"),
        Shown("ERRED", "Terminated", "Failed", "ReplicationFailed"),
        Shown("UPDATE_SCHEDULED", "OK", "Starting", "Unknown", ends=False),
        Shown("UPDATING", "OK", "Starting", "Unknown", ends=False),
        Shown("DELETION_SCHEDULED", "OK", "Starting", "Unknown", ends=False),
        Shown("DELETING", "OK", "Starting", "Unknown", ends=False),
        Shown("PAUSED", "OK", "Starting", "Unknown", ends=False),
    )
}


@pytest.fixture(scope="module")
def played(crds: Cluster, operator: OsmigRun) -> Iterator[dict[str, HostPair]]:
    """A Migration for each row, with Waldur showing what the row says from the beginning."""
    assert operator.returncode is None
    with WaldurLab() as waldur:
        tenant = Tenant(crds, f"t-{secrets.token_hex(4)}")
        crds.kubectl("create", "namespace", tenant.namespace)
        connect(tenant, waldur)
        moves = {row: replicate(tenant, name=f"row-{index}") for index, row in enumerate(SHOWN)}
        for row, move in moves.items():
            shown, run = SHOWN[row], move.until_upstream("CREATION_SCHEDULED")["upstream"]["id"]
            if shown.replica is None:
                waldur.control.change(run, state=shown.state, drop=["dst_resource_state"])
            else:
                waldur.control.change(run, state=shown.state, dst_resource_state=shown.replica)
        yield moves
        crds.kubectl("delete", "namespace", tenant.namespace, "--wait=false")


@pytest.mark.parametrize("row", SHOWN)
def test_what_waldur_shows_is_told_as(played: dict[str, HostPair], row: str) -> None:
    shown, move = SHOWN[row], played[row]
    if shown.ends:
        assert outcome(move.until_finished()) == (shown.phase, shown.reason)
    else:
        move.until(lambda status: outcome(status) == (shown.phase, shown.reason), what=f"{shown.phase}/{shown.reason}")


def test_a_replica_that_was_terminated_later_is_told_when_its_record_is_adopted(
    owner: Tenant, waldur: WaldurLab
) -> None:
    waldur.control.choose("destination-lost")
    move = replicate(owner)
    row = ordered_row(waldur)
    waldur.control.advance(row, 3)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    move.delete()
    waldur.control.advance(row, 2)
    assert outcome(replicate(owner).until_finished()) == ("Failed", "DestinationLost")
