"""Credentials are a tenant's words: which ones work, which are refused by name, and what never leaves the operator."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e_more import (
    Trap,
    add_account,
    by_password,
    by_token,
    certify,
    connect_all,
    connect_by,
    forward_to,
    has_trouble,
    install,
    is_paused,
    is_ready,
    one_cloud,
    operator_with,
    outcome,
)
from e2e_support import Tenant, calls, condition, kstatus, verdicts
from http_upstream import Upstream, answer, serving
from lab.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

HANG = "hang,memory=4096"
LAB_PASSWORD = "secret"  # noqa: S105 - the lab's own Keystone
METADATA_SERVICE = "169.254.169.254"


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


def test_redirects_of_the_cloud_are_never_followed(
    empty_tenant: Tenant, nova: NovaLab, boot: Callable[..., str]
) -> None:
    server = boot(host="cmp1")
    with Trap() as trap:
        for status in (HTTPStatus.FOUND, HTTPStatus.PERMANENT_REDIRECT):
            headers = {"Location": f"{trap.url}/v2.1/"}
            nova.control.fault(path=".*", method="GET", status=int(status), headers=headers, count=8)
        connect_by(empty_tenant, by_token(nova.compute))
        trouble = empty_tenant.until_provider(has_trouble("Unreachable"), what="unreachable")
        move = empty_tenant.move(server, source="cmp1")
        nova.control.clear_faults()
        end = move.until_finished()

        assert not trap.was_touched()
    assert str(trap.port) not in str(trouble)
    assert outcome(end) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize("status", [HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT])
def test_a_redirected_login_takes_the_password_nowhere(empty_tenant: Tenant, status: HTTPStatus) -> None:
    keystone = Upstream()
    with Trap() as trap, serving(keystone):
        keystone.respond = answer(int(status), Location=f"{trap.url}/v3/auth/tokens")
        connect_by(empty_tenant, by_password(f"{keystone.url}/v3", "operator", LAB_PASSWORD))
        trouble = empty_tenant.until_provider(has_trouble("Unreachable"), what="unreachable")

        assert keystone.seen
        assert not trap.was_touched()
    assert str(trap.port) not in str(trouble)


def test_endpoints_that_are_not_allowed_are_refused_in_every_spelling(empty_tenant: Tenant) -> None:
    with Trap("127.0.0.2") as trap:
        spellings = {
            "plain": trap.url,
            "decimal": f"http://2130706434:{trap.port}",
            "mapped": f"http://[::ffff:127.0.0.2]:{trap.port}",
            "unspecified": f"http://0.0.0.0:{trap.port}",
            "elsewhere": "https://192.0.2.7",
            "metadata": f"http://{METADATA_SERVICE}",
            "metadata-mapped": f"http://[::ffff:{METADATA_SERVICE}]",
        }
        clouds = {name: by_token(f"{url}/v2.1") for name, url in spellings.items()}
        clouds["login"] = by_password(f"{trap.url}/v3", "operator", LAB_PASSWORD)
        connect_all(empty_tenant, clouds)
        found = {
            name: empty_tenant.until_provider(has_trouble("EndpointRefused"), what="refused", name=name)
            for name in clouds
        }
        verdict = kstatus(empty_tenant.provider("plain"))

        assert not trap.was_touched()
    assert {verdicts(status)["Stalled"] for status in found.values()} == {"True"}
    assert verdict == "Failed"
    messages = {name: condition(status, "Ready")["message"] for name, status in found.items()}
    assert f"--allow-endpoint 127.0.0.2:{trap.port}" in messages["plain"]
    assert "link-local addresses are never allowed" in messages["metadata"]
    assert "--allow-endpoint" not in messages["metadata"]


def test_a_catalogue_that_leads_elsewhere_is_not_followed(empty_tenant: Tenant, nova_keystone: NovaLab) -> None:
    admin = add_account(nova_keystone, f"catalogue-{secrets.token_hex(4)}", "first")
    service = admin.ask("GET", "services?type=compute")["services"][0]["id"]
    with Trap("127.0.0.2") as trap:
        for region, url in (("Elsewhere", f"{trap.url}/v2.1"), ("Metadata", f"http://{METADATA_SERVICE}/v2.1")):
            admin.ask("POST", "regions", {"region": {"id": region}})
            endpoint = {"service_id": service, "region_id": region, "interface": "public", "url": url}
            admin.ask("POST", "endpoints", {"endpoint": endpoint})
        clouds = {
            region.lower(): by_password(admin.keystone, admin.name, "first", region_name=region)
            for region in ("Elsewhere", "Metadata", "Nowhere")
        }
        connect_all(empty_tenant, clouds)
        found = {
            region: empty_tenant.until_provider(
                # Unreachable is only a Keystone that was slow to answer; the next try tells
                lambda now: (
                    condition(now, "Ready").get("status") == "False"
                    and condition(now, "Ready")["reason"] not in {"Probing", "Unreachable"}
                ),
                what="refused",
                name=region.lower(),
            )
            for region in ("Elsewhere", "Metadata", "Nowhere")
        }

        assert not trap.was_touched()
    reasons = {region: condition(status, "Ready")["reason"] for region, status in found.items()}
    assert reasons == {"Elsewhere": "EndpointRefused", "Metadata": "EndpointRefused", "Nowhere": "InvalidConfiguration"}
    assert {verdicts(status)["Stalled"] for status in found.values()} == {"True"}
    assert "region_name" in condition(found["Nowhere"], "Ready")["message"]


def misleading_environment(folder: Path, nova: NovaLab, *, trap: Trap, pem: str) -> dict[str, str]:
    """Write what requests, the SDK and curl would read, and return the variables that point there."""
    files = {
        "bundle.pem": pem,
        "clouds.yaml": nova.clouds.read_text(encoding="utf-8"),
        "netrc": "machine 127.0.0.1 login operator password from-netrc",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {
        **dict.fromkeys(("HTTP_PROXY", "http_proxy"), trap.url),
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), str(folder / "bundle.pem")),
        **dict.fromkeys(("OS_AUTH_URL", "OS_ENDPOINT", "OS_COMPUTE_ENDPOINT_OVERRIDE"), trap.url),
        **dict.fromkeys(("OS_CLOUD", "OS_USERNAME", "OS_TOKEN"), "operator"),
        "OS_PASSWORD": LAB_PASSWORD,
        "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"),
        "NETRC": str(folder / "netrc"),
    }


def test_the_environment_of_the_operator_changes_nothing(nova: NovaLab, tmp_path: Path) -> None:
    context, pem = certify(tmp_path)
    front, authorizations = Upstream(), set[str | None]()
    forward = forward_to(nova.compute.removesuffix("/v2.1"))

    def respond(handler: BaseHTTPRequestHandler) -> None:
        authorizations.add(handler.headers.get("Authorization"))
        forward(handler)

    front.respond = respond
    with Trap() as trap, serving(front, context), Cluster() as cluster:
        tenant = Tenant(install(cluster), "default")
        over_tls = by_token(f"https://127.0.0.1:{front.port}/v2.1")
        connect_by(tenant, over_tls, name="trusted", cacert=pem)
        clouds = {"plain": by_token(nova.compute), "untrusted": over_tls, "from-file": "clouds: {}"}
        connect_all(tenant, {**clouds, "metadata": by_token(f"http://{METADATA_SERVICE}/v2.1")})
        env = misleading_environment(tmp_path, nova, trap=trap, pem=pem)
        with operator_with(cluster, "--allow-endpoint", METADATA_SERVICE, env=env):
            for name in ("plain", "trusted"):
                tenant.until_provider(is_ready, what="ready", name=name)
            untrusted = tenant.until_provider(has_trouble("Unreachable"), what="untrusted", name="untrusted")
            tenant.until_provider(has_trouble("InvalidConfiguration"), what="no cloud", name="from-file")
            tenant.until_provider(has_trouble("EndpointRefused"), what="refused", name="metadata")

        assert not trap.was_touched()
    assert "certificate" in condition(untrusted, "Ready")["message"]
    assert authorizations == {None}
