"""Credentials are a tenant's words: which ones work, which are refused by name, and what never leaves the operator."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import yaml

from e2e_cloud import calls
from e2e_credentials import add_account, by_password, by_token, connect_all, connect_by, one_cloud
from e2e_status import condition, has_trouble, is_paused, is_ready, outcome, verdicts
from e2e_traps import Trap

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

HANG = "hang,memory=4096"


def describe_login(nova: NovaLab, kind: str) -> str:
    """Write a clouds.yaml for one way to log in to the lab's Keystone."""
    known = yaml.safe_load(nova.clouds.read_text(encoding="utf-8"))["clouds"]
    auth: dict[str, Any] = dict(known["operator"]["auth"])
    match kind:
        case "v3applicationcredential":
            auth = known["appcred"]["auth"]
        case "v3token":
            token = nova.as_user("operator").token
            auth = {"auth_url": auth["auth_url"], "token": token, "project_name": "lab", "project_domain_id": "default"}
        case "v3password":
            domain = {"default_domain_id": "default"}
            auth = {key: auth[key] for key in ("auth_url", "username", "password", "project_name")} | domain
        case _:
            return one_cloud(auth, region_name="RegionOne")
    return one_cloud(auth, auth_type=kind, region_name="RegionOne")


def test_each_way_to_log_in_moves_a_server(empty_tenant: Tenant, nova_keystone: NovaLab) -> None:
    kinds = ("password", "v3password", "v3applicationcredential", "v3token")
    connect_all(empty_tenant, {kind: describe_login(nova_keystone, kind) for kind in kinds})
    servers = {kind: nova_keystone.boot(f"by-{kind}", host="cmp1") for kind in kinds}

    moves = {kind: empty_tenant.move(server, name=kind, provider=kind) for kind, server in servers.items()}

    assert {outcome(move.until_finished()) for move in moves.values()} == {("Succeeded", "Succeeded")}
    seen = [empty_tenant.provider(kind)["status"] for kind in kinds]
    assert {status["endpoint"] for status in seen} == {nova_keystone.compute}
    assert [verdicts(status) for status in seen] == [{"Ready": "True", "AuthenticationSucceeded": "True"}] * len(kinds)


def test_a_password_is_rotated_under_a_running_move_without_a_restart(
    empty_tenant: Tenant, nova_keystone: NovaLab, operator: OsmigRun
) -> None:
    user = add_account(nova_keystone, f"rotating-{secrets.token_hex(4)}", "first")
    server = nova_keystone.boot("rotated", host="cmp1", plan=HANG)
    pid = operator.pid
    connect_by(empty_tenant, by_password(user.keystone, user.name, "first"))
    move = empty_tenant.move(server, source="cmp1", destination="cmp2")
    move.until_phase("Running")

    connect_by(empty_tenant, by_password(user.keystone, user.name, "mistyped"))
    refused = empty_tenant.until_provider(has_trouble("Unauthorized"), what="unauthorized")
    paused = move.until(is_paused, what="paused")
    user.set_password("second")
    connect_by(empty_tenant, by_password(user.keystone, user.name, "second"))
    empty_tenant.until_provider(is_ready, what="ready")
    going_on = move.until(lambda now: not is_paused(now), what="going on")
    nova_keystone.control.steer(server, "finish")
    end = move.until_finished()

    assert verdicts(refused)["AuthenticationSucceeded"] == "False"
    assert (paused["phase"], going_on["phase"]) == ("Running", "Running")
    assert outcome(end) == ("Succeeded", "Succeeded")
    assert [made.word for made in calls(nova_keystone, server)] == ["live-migrate"]
    assert operator.pid == pid


def test_a_login_that_keystone_revokes_pauses_the_provider_until_the_secret_follows(
    empty_tenant: Tenant, nova_keystone: NovaLab
) -> None:
    user = add_account(nova_keystone, f"revoked-{secrets.token_hex(4)}", "first")
    connect_by(empty_tenant, by_password(user.keystone, user.name, "first"))
    empty_tenant.until_provider(is_ready, what="ready")

    user.set_password("second")
    nova_keystone.control.fault(path="/os-migrations", status=HTTPStatus.UNAUTHORIZED, count=0)
    refused = empty_tenant.until_provider(has_trouble("Unauthorized"), what="unauthorized")
    nova_keystone.control.clear_faults()
    connect_by(empty_tenant, by_password(user.keystone, user.name, "second"))

    empty_tenant.until_provider(is_ready, what="ready")
    assert verdicts(refused)["AuthenticationSucceeded"] == "False"


REFUSED_KEYS: dict[str, Any] = {
    "profile": "PROFILE_URL",
    "cacert": "/etc/ssl/certs/ca-certificates.crt",
    "cert": "/root/.ssh/id_rsa",
    "key": "/root/.ssh/id_rsa",
    "verify": False,
    "compute_connect_retries": 5,
    "compute_status_code_retries": 5,
    "connect_retries": 5,
    "compute_endpoint_override": "PROFILE_URL",
    "vendor_hook": "os:system",
    "proxy": "PROFILE_URL",
    "cloud": "rackspace",
}


def test_what_clouds_yaml_must_not_hold_is_refused_by_name_and_read_by_nobody(
    empty_tenant: Tenant, nova: NovaLab
) -> None:
    with Trap() as trap:
        told = {key: trap.url if value == "PROFILE_URL" else value for key, value in REFUSED_KEYS.items()}
        connect_all(
            empty_tenant,
            {key.replace("_", "-"): by_token(nova.compute, **{key: value}) for key, value in told.items()},
        )

        found = {
            key: empty_tenant.until_provider(
                has_trouble("InvalidConfiguration"), what="refused", name=key.replace("_", "-")
            )
            for key in REFUSED_KEYS
        }

        assert not trap.was_touched()
    messages = {key: condition(status, "Ready")["message"] for key, status in found.items()}
    assert [key for key, message in messages.items() if key not in message] == []
    assert [key for key, message in messages.items() if str(REFUSED_KEYS[key]) in message] == []
    assert {verdicts(status)["Stalled"] for status in found.values()} == {"True"}
