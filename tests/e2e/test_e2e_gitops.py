"""What GitOps tools and backups do to a Migration: whatever is applied, replaced or restored, the server moves once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from e2e_cloud import Boot, calls, wide_cloud
from e2e_move import HostPair
from e2e_status import is_queued_behind_somebody, outcome
from e2e_waldur import ordered_row, orders, replicate
from lab.waiting import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.nova import NovaLab
    from lab.waldur import WaldurLab

HANG = "hang,memory=4096"


@pytest.fixture(scope="module")
def shared_nova() -> Iterator[NovaLab]:
    """A cloud of this module's own."""
    with wide_cloud() as running:
        yield running


def manifest_of(move: HostPair) -> dict[str, Any]:
    """Return what is in git: neither status nor annotations."""
    made = move.get()
    about = {key: made["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": about, "spec": made["spec"]}


def apply_as_a_tool(move: HostPair, manifest: dict[str, Any]) -> None:
    """Apply it server-side as Flux and Argo CD do: by another manager that takes over every field it names."""
    for manager in ("kustomize-controller", "argocd-controller"):
        words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f", "-")
        move.tenant.kubectl(*words, stdin=json.dumps(manifest))


def prune_and_create(move: HostPair, manifest: dict[str, Any]) -> None:
    """Delete it, as a prune does, and apply it again, as the next sync does."""
    move.delete()
    apply_as_a_tool(move, manifest)


def replace(move: HostPair, manifest: dict[str, Any]) -> None:
    """Replace it, as Argo CD's ``Replace=true`` does: annotations and finalizers that git does not have are gone."""
    move.tenant.replace(manifest)


def replace_by_force(move: HostPair, manifest: dict[str, Any]) -> None:
    """Delete it and create it in one command, as ``Force=true`` does."""
    words = ("replace", "--force", f"--timeout={DEADLINE_S:g}s", "-f", "-")
    move.tenant.kubectl(*words, stdin=json.dumps(manifest))


def restore(move: HostPair, manifest: dict[str, Any]) -> None:
    """Restore it from a backup, as Velero does: with labels and annotations, without status, as a new object."""
    kept = {"annotations": move.get()["metadata"].get("annotations", {}), "labels": {"velero.io/restore-name": "r"}}
    move.delete()
    move.tenant.kubectl("create", "-f", "-", stdin=json.dumps({**manifest, "metadata": manifest["metadata"] | kept}))


Way = Callable[[HostPair, dict[str, Any]], None]
IN_PLACE: list[Way] = [apply_as_a_tool, replace]
ANEW: list[Way] = [prune_and_create, replace_by_force, restore]


def name_of(way: Way) -> str:
    return way.__name__


def starts(nova: NovaLab, server: str) -> list[str]:
    """Return what Nova was asked to do with a server."""
    return [call.word for call in calls(nova, server)]


@pytest.mark.parametrize("way", [*IN_PLACE, *ANEW], ids=name_of)
def test_a_finished_move_is_not_repeated(tenant: Tenant, nova: NovaLab, boot: Boot, way: Way) -> None:
    move = tenant.move(boot(host="cmp1"), source="cmp1", destination="cmp2")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")

    way(move, manifest_of(move))
    move.reconcile()

    expected = "Succeeded" if way in IN_PLACE else "AlreadyAtDestination"
    assert outcome(move.until_finished()) == ("Succeeded", expected)
    assert starts(nova, move.server) == ["live-migrate"]


@pytest.mark.parametrize("way", [*IN_PLACE, *ANEW], ids=name_of)
def test_a_move_under_way_goes_on_and_is_not_repeated(tenant: Tenant, nova: NovaLab, boot: Boot, way: Way) -> None:
    move = tenant.move(boot(host="cmp1", plan=HANG), source="cmp1", destination="cmp2")
    move.until_phase("Running")

    way(move, manifest_of(move))
    if way in ANEW:
        move.until(is_queued_behind_somebody, what="queued behind what its former self began")
    move.reconcile()
    nova.control.steer(move.server, "finish")

    expected = "Succeeded" if way in IN_PLACE else "AlreadyAtDestination"
    assert outcome(move.until_finished()) == ("Succeeded", expected)
    assert starts(nova, move.server) == ["live-migrate"]


def test_an_order_that_a_sync_takes_away_is_carried_out_all_the_same_and_once(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    move = tenant.move(boot(host="cmp1", plan=HANG), source="cmp1", destination="cmp2")
    move.until_phase("Running")
    move.order("abort", "from-kubectl")
    move.until_seen("abort", "from-kubectl")

    replace(move, manifest_of(move))

    assert "annotations" not in move.get()["metadata"]
    assert outcome(move.until_finished()) == ("Aborted", "Aborted")
    assert sorted(set(starts(nova, move.server))) == ["abort", "live-migrate"]


@pytest.mark.parametrize("way", [*IN_PLACE, *ANEW], ids=name_of)
@pytest.mark.parametrize("is_finished", [False, True], ids=["under-way", "finished"])
def test_a_tenant_is_ordered_once(owner: Tenant, waldur: WaldurLab, way: Way, *, is_finished: bool) -> None:
    move = replicate(owner)
    row = ordered_row(waldur)
    move.until_phase("Starting")
    if is_finished:
        waldur.control.advance(row, 3)
        move.until_finished()

    way(move, manifest_of(move))
    move.reconcile()
    if not is_finished:
        waldur.control.advance(row, 3)

    assert outcome(move.until_finished())[0] == "Succeeded"
    assert len(orders(waldur)) == 1
