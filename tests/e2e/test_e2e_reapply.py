"""Applying the same manifest again after its object was deleted, and other ways to say a thing twice.

Each row of the table "Applying the same manifest again" of the API reference, judged by what Nova was asked to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, calls, until_idle, wide_cloud
from e2e_move import HostPair, describe_move
from e2e_status import condition, is_queued_behind_somebody, outcome
from e2e_tenant import move_by_name
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.nova import NovaLab

HANG = "hang,memory=4096"


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud of this module's own."""
    with wide_cloud() as running:
        yield running


def moved_and_forgotten(
    tenant: Tenant, server: str, *, source: str | None = None, destination: str | None = None
) -> HostPair:
    """Move a server once, and delete the finished object, as a prune or a rebuilt cluster does."""
    move = tenant.move(server, source=source, destination=destination)
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    move.delete()
    return move


def reapplied_under_way(tenant: Tenant, server: str) -> HostPair:
    """Delete the object of a move under way and apply it again; return it once it waits for that move."""
    move = tenant.move(server, source="cmp1", destination="cmp2")
    move.until_phase("Running")
    move.delete()
    move.apply(source="cmp1", destination="cmp2")
    move.until(is_queued_behind_somebody, what="queued")
    return move


def starts(nova: NovaLab, server: str) -> int:
    """Count the live migrations that osmig asked for."""
    return len(calls(nova, server, "live-migrate"))


@pytest.mark.parametrize("source", ["cmp1", None], ids=["both-named", "only-destination-named"])
def test_reapplied_while_the_server_is_on_the_destination_succeeds_and_sends_nothing(
    tenant: Tenant, nova: NovaLab, boot: Boot, source: str | None
) -> None:
    server = boot(host="cmp1")
    again = moved_and_forgotten(tenant, server, source=source, destination="cmp2")

    again.apply(source=source, destination="cmp2")
    status = again.until_finished()

    assert outcome(status) == ("Succeeded", "AlreadyAtDestination")
    assert "startTime" not in status
    assert starts(nova, server) == 1


def test_reapplied_while_the_server_is_on_neither_host_fails_and_sends_nothing(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    again = moved_and_forgotten(tenant, server, source="cmp1", destination="cmp2")
    nova.nova.live_migrate(server, host="cmp3")
    until_idle(nova, server, host="cmp3")

    again.apply(source="cmp1", destination="cmp2")
    status = again.until_finished()

    assert outcome(status) == ("Failed", "NotOnSourceHost")
    assert "cmp3" in condition(status, "Succeeded")["message"]
    assert starts(nova, server) == 1


def test_reapplied_with_only_a_source_that_the_server_has_left_succeeds_and_sends_nothing(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    again = moved_and_forgotten(tenant, server, source="cmp1")

    again.apply(source="cmp1")
    status = again.until_finished()

    assert outcome(status) == ("Succeeded", "NotOnSourceHost")
    assert starts(nova, server) == 1


@pytest.mark.parametrize("name", ["CMP1", "cmp1.example.org", "cmq1"])
def test_a_source_in_another_spelling_is_no_success_and_names_what_to_correct(
    tenant: Tenant, nova: NovaLab, boot: Boot, name: str
) -> None:
    server = boot(host="cmp1")

    status = tenant.move(server, source=name).until_finished()

    assert outcome(status) == ("Failed", "HostNotFound")
    assert f"the cloud has no compute host {name}" in condition(status, "Succeeded")["message"]
    assert starts(nova, server) == 0


def test_reapplied_with_only_a_destination_that_the_server_has_left_is_a_new_order(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    again = moved_and_forgotten(tenant, server, destination="cmp2")
    nova.nova.live_migrate(server, host="cmp3")
    until_idle(nova, server, host="cmp3")

    again.apply(destination="cmp2")

    assert outcome(again.until_finished()) == ("Succeeded", "Succeeded")
    assert nova.nova.server(server)["OS-EXT-SRV-ATTR:host"] == "cmp2"
    assert starts(nova, server) == 2


def test_reapplied_without_any_host_is_a_new_order(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot()
    again = moved_and_forgotten(tenant, server)

    again.apply()

    assert outcome(again.until_finished()) == ("Succeeded", "Succeeded")
    assert starts(nova, server) == 2


def test_hosts_that_the_credentials_cannot_see_fail_the_migration_each_time_and_send_nothing(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    tenant.connect(nova, name="manager", cloud="manager")

    first = tenant.move(server, provider="manager", source="cmp1", destination="cmp2")
    first_end = first.until_finished()
    first.delete()
    first.apply(provider="manager", source="cmp1")
    second_end = first.until_finished()
    assert starts(nova, server) == 0
    unnamed = tenant.move(server, name="unnamed", provider="manager")

    assert outcome(first_end) == outcome(second_end) == ("Failed", "HostsNotVisible")
    assert outcome(unnamed.until_finished()) == ("Succeeded", "Succeeded")


def test_reapplied_while_somebody_else_moves_the_server_waits_and_then_sends_nothing(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    again = moved_and_forgotten(tenant, server, source="cmp1", destination="cmp2")
    nova.control.plan(server, HANG)
    nova.nova.live_migrate(server, host="cmp3")
    eventually(lambda: nova.nova.migrations(server)[-1]["status"] == "running", what="the rival's move runs")
    rival = nova.nova.migrations(server)[-1]["id"]

    again.apply(source="cmp1")
    waiting = again.until(is_queued_behind_somebody, what="queued")
    nova.control.steer(server, "finish")
    status = again.until_finished()

    assert f"migration {rival} " in condition(waiting, "Succeeded")["message"]
    assert "startTime" not in waiting
    assert outcome(status) == ("Succeeded", "NotOnSourceHost")
    assert starts(nova, server) == 1


def test_reapplied_while_a_cold_move_waits_for_its_confirmation_waits_too(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1")
    again = moved_and_forgotten(tenant, server, source="cmp1", destination="cmp2")
    nova.nova.post(f"/servers/{server}/action", {"migrate": {"host": "cmp3"}})
    eventually(lambda: nova.nova.server(server)["status"] == "VERIFY_RESIZE", what="VERIFY_RESIZE")

    again.apply(source="cmp1")
    again.until(is_queued_behind_somebody, what="queued")
    nova.nova.post(f"/servers/{server}/action", {"confirmResize": None})
    status = again.until_finished()

    assert outcome(status) == ("Succeeded", "NotOnSourceHost")
    assert starts(nova, server) == 1


def test_reapplied_while_the_server_is_in_error_fails_and_sends_nothing(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1", plan="crash")
    broken = tenant.move(server, source="cmp1", destination="cmp2")
    assert outcome(broken.until_finished()) == ("Failed", "ServerInError")
    broken.delete()

    broken.apply(source="cmp1", destination="cmp2")

    assert outcome(broken.until_finished()) == ("Failed", "ServerInError")
    assert starts(nova, server) == 1


def test_a_move_goes_on_when_its_object_is_deleted_and_the_reapplied_one_waits_for_it(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1", plan=HANG)
    move = reapplied_under_way(tenant, server)
    assert [run["server"] for run in nova.control.runs() if run["server"] == server] == [server]
    nova.control.steer(server, "finish")

    assert outcome(move.until_finished()) == ("Succeeded", "AlreadyAtDestination")
    assert [call.word for call in calls(nova, server)] == ["live-migrate"]


def test_a_move_that_fails_after_its_object_was_deleted_is_ordered_anew_by_the_reapplied_one(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1", plan=HANG)
    move = reapplied_under_way(tenant, server)
    nova.control.plan(server, "finish")
    nova.control.steer(server, "fail")

    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert starts(nova, server) == 2


def test_of_two_migrations_of_one_server_one_starts_and_the_other_waits_and_names_it(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    server = boot(host="cmp1", plan=HANG)
    names = ("one", "two")
    tenant.cluster.apply(*(describe_move(tenant, {"id": server}, name=name, source="cmp1") for name in names))
    moves = [HostPair(tenant, name, server, 0) for name in names]

    eventually(lambda: any(move.status.get("phase") == "Running" for move in moves), what="one runs")
    first, second = sorted(moves, key=lambda move: move.status["phase"] != "Running")
    waiting = second.until(is_queued_behind_somebody, what="queued")
    nova.control.steer(server, "finish")

    assert f"Migration {first.name} " in condition(waiting, "Succeeded")["message"]
    assert outcome(first.until_finished()) == ("Succeeded", "Succeeded")
    assert outcome(second.until_finished()) == ("Succeeded", "NotOnSourceHost")
    assert starts(nova, server) == 1


def test_a_mistyped_server_is_mended_by_an_edit_and_then_moves(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(host="cmp1")
    name = nova.nova.server(server)["name"]
    move = move_by_name(tenant, f"{name}-typo", source="cmp1")
    mistyped = move.until_finished()

    tenant.cluster.apply(describe_move(tenant, {"name": name}, source="cmp1"))
    status = move.until(lambda now: now.get("startTime") and now.get("completionTime"), what="moved")

    assert outcome(mistyped) == ("Failed", "ServerNotFound")
    assert "startTime" not in mistyped
    assert outcome(status) == ("Succeeded", "Succeeded")
    assert starts(nova, server) == 1
    assert "failure" not in status


def test_a_waiting_migration_that_is_turned_to_another_server_moves_that_one_only(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    busy, wanted = boot(host="cmp1", plan=HANG), boot(host="cmp2")
    nova.nova.live_migrate(busy, host="cmp3")
    move = tenant.move(busy)
    move.until(is_queued_behind_somebody, what="queued")

    tenant.cluster.apply(describe_move(tenant, {"id": wanted}))
    status = move.until_finished()

    assert status["server"]["id"] == wanted
    assert (starts(nova, busy), starts(nova, wanted)) == (0, 1)


FROZEN = (
    ("providerRef", '{"spec": {"providerRef": {"name": "other"}}}'),
    ("server", '{"spec": {"server": {"id": "00000000-0000-4000-8000-000000000000"}}}'),
    ("placement", '{"spec": {"placement": {"destinationHost": "cmp3"}}}'),
    ("placement", '{"spec": {"placement": null}}'),
    ("live.blockMigration", '{"spec": {"live": {"blockMigration": "Never"}}}'),
)


def test_an_edit_after_the_start_is_refused_with_the_name_of_the_field(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move(boot(host="cmp1", plan=HANG), source="cmp1", destination="cmp2")
    move.until_phase("Running")
    patching = ("-n", tenant.namespace, "patch", "migration", move.name, "--type=merge", "-p")

    said = [tenant.cluster.kubectl(*patching, patch, check=False).stderr for _, patch in FROZEN]

    expected = [
        f"spec.{field}: Forbidden: {field} may not be changed once the migration has started" for field, _ in FROZEN
    ]
    assert [text in answer for text, answer in zip(expected, said, strict=True)] == [True] * len(FROZEN), said
    assert starts(nova, move.server) == 1
