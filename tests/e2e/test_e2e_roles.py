"""What each role of a project may do, and what a Migration answers where a right is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e_cloud import Boot, act, calls
from e2e_status import condition, outcome
from lab.waiting import eventually

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab


def as_role(tenant: Tenant, nova: NovaLab, role: str) -> None:
    """Bring a Provider with the credentials of a role."""
    tenant.connect(nova, cloud={"admin": "operator"}.get(role, role))


@pytest.mark.parametrize(
    ("role", "live", "cold"),
    [
        ("admin", ("Succeeded", "Succeeded"), ("Succeeded", "Succeeded")),
        ("manager", ("Succeeded", "Succeeded"), ("Succeeded", "Succeeded")),
        ("member", ("Failed", "NotPermitted"), ("Failed", "NotPermitted")),
        ("reader", ("Failed", "NotPermitted"), ("Failed", "NotPermitted")),
    ],
)
def test_a_role_moves_what_nova_lets_it_move(
    empty_tenant: Tenant, nova: NovaLab, boot: Boot, role: str, live: tuple[str, str], cold: tuple[str, str]
) -> None:
    as_role(empty_tenant, nova, role)
    first = empty_tenant.move(boot(), name="live")
    second = empty_tenant.move_cold(boot(), name="cold", cold={"confirm": "Automatic"})
    assert (outcome(first.until_finished()), outcome(second.until_finished())) == (live, cold)
    if live[1] == "NotPermitted":
        assert "forbids" in condition(first.status, "Succeeded")["message"]


@pytest.mark.parametrize("role", ["manager", "member"])
def test_named_hosts_are_refused_where_hosts_are_hidden(
    empty_tenant: Tenant, nova: NovaLab, boot: Boot, role: str
) -> None:
    as_role(empty_tenant, nova, role)
    move = empty_tenant.move(boot(host="cmp1"), source="cmp1")
    assert outcome(move.until_finished()) == ("Failed", "HostsNotVisible")
    assert calls(nova, move.server) == []


def test_a_member_sees_that_somebody_else_moves_the_server(empty_tenant: Tenant, nova_keystone: NovaLab) -> None:
    # only Keystone tells the operator its roles
    as_role(empty_tenant, nova_keystone, "member")
    capabilities = empty_tenant.provider()["status"]["capabilities"]
    assert ("FollowByServer" in capabilities, "LiveMigration" in capabilities) == (True, False)
    server = nova_keystone.boot("moved-by-somebody-else")
    act(nova_keystone, server, "migrate")
    eventually(lambda: nova_keystone.nova.server(server)["status"] == "VERIFY_RESIZE", what="the server has arrived")
    move = empty_tenant.move_cold(server)
    assert condition(move.until_phase("Queued"), "Succeeded")["reason"] == "ServerBusy"
    assert calls(nova_keystone, server) == []


def test_a_live_move_is_followed_by_its_server_where_no_migration_may_be_listed(
    empty_tenant: Tenant, nova: NovaLab, boot: Boot, hidden_list: None
) -> None:
    assert hidden_list is None
    empty_tenant.connect(nova)
    capabilities = empty_tenant.provider()["status"]["capabilities"]
    assert ("FollowByServer" in capabilities, "AllMigrations" in capabilities) == (True, False)
    move = empty_tenant.move(boot(host="cmp1", plan="hang"), source="cmp1")
    move.until_phase("Running")
    nova.control.steer(move.server, "finish")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert len(calls(nova, move.server, "live-migrate")) == 1


def test_a_cold_move_is_followed_and_confirmed_where_no_migration_may_be_listed(
    empty_tenant: Tenant, nova: NovaLab, boot: Boot, hidden_list: None
) -> None:
    assert hidden_list is None
    empty_tenant.connect(nova)
    move = empty_tenant.move_cold(boot(host="cmp1"), source="cmp1")
    move.until_phase("AwaitingConfirmation")
    move.order("confirm")
    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, move.server)] == ["cold-migrate", "confirm"]
