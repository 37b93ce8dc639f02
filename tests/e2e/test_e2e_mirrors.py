"""Moves that nobody declared, as Migrations: on the real API server and the real Nova, with the rights of deploy/."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, act, calls, occupy
from e2e_mirrors import mirror_all, mirrors, move_by_sdk, until_mirror
from e2e_status import Json, condition, outcome
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_tenant import Tenant
    from lab.cluster import Cluster
    from lab.nova import NovaLab

SWEEPS = 3


def await_sweeps(nova: NovaLab) -> None:
    """Wait until the cloud was listed some times more: a mirror that was due would be there."""
    mark = nova.control.request_mark()

    def is_over() -> bool:
        listed = [request["path"] for request in nova.control.requests(since=mark)]
        return sum("/os-migrations" in path and "changes-since" in path for path in listed) > SWEEPS

    eventually(is_over, what="three more sweeps")


def test_a_move_by_somebody_else_is_shown_steered_by_its_mirror_and_gone_after_its_time(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    mirror_all(tenant)
    server = boot(plan="hang")
    move_by_sdk(nova, server)
    mirror = until_mirror(tenant, nova, server)
    status = mirror.until_upstream("running")
    assert (status["phase"], status["server"]["id"]) == ("Running", server)
    eventually(lambda: tenant.provider()["status"]["upstream"].get("mirrored"), what="it is counted")

    tenant.kubectl("annotate", "osmig", mirror.name, "osmig.dev/force-complete=1")
    assert outcome(mirror.until_finished()) == ("Succeeded", "Succeeded")
    assert {call.word for call in calls(nova, server)} == {"force-complete"}

    mirror.edit(ttlSecondsAfterFinished=1)
    eventually(lambda: mirrors(tenant, server) == [], what="the mirror is gone")
    await_sweeps(nova)
    assert mirrors(tenant, server) == []


def test_a_cold_move_by_somebody_else_is_confirmed_through_its_mirror_and_not_by_itself(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    mirror_all(tenant)
    server = boot()
    act(nova, server, "migrate")
    eventually(lambda: nova.nova.server(server)["status"] == "VERIFY_RESIZE", what="the server has arrived")
    mirror = until_mirror(tenant, nova, server)
    mirror.until_phase("AwaitingConfirmation")
    await_sweeps(nova)
    assert calls(nova, server) == []
    mirror.order("confirm")
    assert outcome(mirror.until_finished()) == ("Succeeded", "Succeeded")


def test_a_mirror_that_is_deleted_comes_back_while_its_move_goes_on_and_goes_with_its_provider(
    tenant: Tenant, nova: NovaLab, boot: Boot
) -> None:
    mirror_all(tenant)
    server = boot(plan="hang")
    occupy(nova, server)
    first = until_mirror(tenant, nova, server)
    uid = first.get()["metadata"]["uid"]
    first.delete()
    again = until_mirror(tenant, nova, server)
    assert again.get()["metadata"]["uid"] != uid

    tenant.kubectl("delete", "provider", "cloud")
    eventually(lambda: mirrors(tenant, server) == [], what="the garbage collector takes it")
    assert calls(nova, server) == [], "nothing was called off"


def test_own_moves_and_what_the_filters_leave_out_have_no_mirror(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    mirror_all(tenant, filters={"hosts": ["no-such-host"]})
    own, server = tenant.move_until_running(boot(plan="hang")), boot(host="cmp1")
    # the lab's hypervisors move one server at a time, so this one waits in the cloud
    nova.nova.live_migrate(server)
    await_sweeps(nova)
    assert mirrors(tenant, server) == []
    mirror_all(tenant, filters=None)
    until_mirror(tenant, nova, server)
    await_sweeps(nova)
    assert mirrors(tenant, own.server) == []
    assert own.status["phase"] == "Running"


def test_a_resize_is_counted_by_its_type_and_never_shown_as_a_move(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    mirror_all(tenant)
    server = boot()
    nova.nova.post(f"/servers/{server}/action", {"resize": {"flavorRef": "2"}})
    eventually(lambda: nova.nova.server(server)["status"] == "VERIFY_RESIZE", what="the resize has arrived")
    await_sweeps(nova)
    assert mirrors(tenant, server) == []
    act(nova, server, "confirmResize")


@pytest.fixture
def no_right(crds: Cluster) -> Iterator[None]:
    """Take away the right to create Migrations, which those have that lack mode Mirror in mind."""
    role = crds.get("clusterrole", "osmig")
    narrowed = [
        {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "create"]}
        if rule["resources"] == ["migrations"]
        else rule
        for rule in role["rules"]
    ]
    patch = "--patch={}"
    crds.kubectl("patch", "clusterrole", "osmig", "--type=merge", patch.format(json.dumps({"rules": narrowed})))
    yield
    crds.kubectl("patch", "clusterrole", "osmig", "--type=merge", patch.format(json.dumps({"rules": role["rules"]})))


def told(tenant: Tenant, reason: str) -> Json:
    return condition(
        tenant.until_provider(
            lambda status: any(
                found["type"] == "Mirrored" and found["reason"] == reason for found in status["conditions"]
            ),
            what=f"Mirrored is {reason}",
        ),
        "Mirrored",
    )


def test_without_the_right_a_condition_tells_it_and_own_moves_are_started_all_the_same(
    tenant: Tenant, nova: NovaLab, boot: Boot, no_right: None
) -> None:
    assert no_right is None
    mirror_all(tenant)
    occupy(nova, boot(plan="hang", host="cmp1"))
    found = told(tenant, "NotPermitted")
    assert found["status"] == "False"
    assert "create migrations" in found["message"]
    # the lab's hypervisors move one server at a time
    tenant.move(boot(host="cmp1")).until_upstream("queued")
    assert condition(tenant.provider()["status"], "Ready")["status"] == "True"


def test_where_no_migration_may_be_listed_nothing_is_mirrored_and_that_is_told(
    empty_tenant: Tenant, nova: NovaLab, hidden_list: None
) -> None:
    assert hidden_list is None
    empty_tenant.connect(nova)
    mirror_all(empty_tenant)
    found = told(empty_tenant, "NotPermitted")
    assert (found["status"], "may not list" in found["message"]) == ("False", True)


def test_a_quota_of_the_namespace_is_told_and_a_free_place_is_used(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    tenant.kubectl("create", "quota", "few", "--hard=count/migrations.osmig.dev=0")
    # the lab runs no controller of quotas, which writes this
    counted = {"status": {side: {"count/migrations.osmig.dev": "0"} for side in ("hard", "used")}}
    tenant.kubectl("patch", "quota", "few", "--subresource=status", "--type=merge", f"--patch={json.dumps(counted)}")
    mirror_all(tenant)
    server = boot(plan="hang")
    occupy(nova, server)
    assert "ResourceQuota" in told(tenant, "NamespaceRefuses")["message"]
    tenant.kubectl("delete", "quota", "few")
    until_mirror(tenant, nova, server)
    told(tenant, "Mirrored")
