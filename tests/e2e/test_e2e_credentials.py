"""Credentials are a tenant's words: which ones work, which are refused by name, and what never leaves the operator."""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from http import HTTPStatus
from itertools import product
from pathlib import Path
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

    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

ROOT = Path(__file__).parent.parent.parent
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


@pytest.mark.parametrize("kind", ["password", "v3password", "v3applicationcredential", "v3token"])
def test_each_way_to_log_in_moves_a_server(empty_tenant: Tenant, nova_keystone: NovaLab, kind: str) -> None:
    server = nova_keystone.boot(f"by-{kind}", host="cmp1")
    connect_by(empty_tenant, describe_login(nova_keystone, kind))

    move = empty_tenant.move(server, source="cmp1", destination="cmp2")

    assert outcome(move.until_finished()) == ("Succeeded", "Succeeded")
    assert empty_tenant.provider()["status"]["endpoint"] == nova_keystone.compute
    assert verdicts(empty_tenant.provider()["status"]) == {"Ready": "True", "AuthenticationSucceeded": "True"}


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
                lambda now: (
                    condition(now, "Ready").get("status") == "False" and condition(now, "Ready")["reason"] != "Probing"
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


def test_the_environment_of_the_operator_changes_nothing(nova: NovaLab, tmp_path: Path) -> None:
    context, pem = certify(tmp_path)
    bundle, clouds = tmp_path / "bundle.pem", tmp_path / "clouds.yaml"
    bundle.write_text(pem, encoding="utf-8")
    clouds.write_text(nova.clouds.read_text(encoding="utf-8"), encoding="utf-8")
    front = Upstream()
    front.respond = forward_to(nova.compute.removesuffix("/v2.1"))
    with Trap() as trap, serving(front, context), Cluster() as cluster:
        environment = {
            **dict.fromkeys(("HTTP_PROXY", "http_proxy"), trap.url),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), str(bundle)),
            **dict.fromkeys(("OS_AUTH_URL", "OS_ENDPOINT", "OS_COMPUTE_ENDPOINT_OVERRIDE"), trap.url),
            "OS_CLIENT_CONFIG_FILE": str(clouds),
            "OS_CLOUD": "operator",
            "OS_USERNAME": "operator",
            "OS_PASSWORD": LAB_PASSWORD,
            "OS_TOKEN": "operator",
        }
        for folder in ("crds", "deploy/namespace.yaml", "deploy/rbac.yaml"):
            cluster.kubectl("apply", "--server-side", "-f", str(ROOT / folder))
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(ROOT / "crds"))
        tenant = Tenant(cluster, "default")
        over_tls = by_token(f"https://127.0.0.1:{front.port}/v2.1")
        connect_by(tenant, by_token(nova.compute), name="plain")
        connect_by(tenant, over_tls, name="untrusted")
        connect_by(tenant, over_tls, name="trusted", cacert=pem)
        connect_by(tenant, "clouds: {}", name="from-file")
        connect_by(tenant, by_token(f"http://{METADATA_SERVICE}/v2.1"), name="metadata")
        with operator_with(cluster, "--allow-endpoint", METADATA_SERVICE, env=environment):
            tenant.until_provider(is_ready, what="ready", name="plain")
            tenant.until_provider(is_ready, what="ready", name="trusted")
            untrusted = tenant.until_provider(has_trouble("Unreachable"), what="untrusted", name="untrusted")
            tenant.until_provider(has_trouble("InvalidConfiguration"), what="no cloud", name="from-file")
            tenant.until_provider(has_trouble("EndpointRefused"), what="refused", name="metadata")

        assert not trap.was_touched()
    assert "certificate" in condition(untrusted, "Ready")["message"]


CANARIES = {
    "password": "secret-canary-password",
    "token": "secret-canary-token",
    "application credential": "secret-canary-application",
    "body": "secret-canary-body",
    "address": "203.0.113.77",
    "path": "/opt/stack/canary",
    "traceback": "Traceback",
    "fernet token": "gAAAA",
}
STORY = (
    "Unexpected error talking to http://operator:secret-canary-body@203.0.113.77/secret-canary-body by 203.0.113.77\n"
    'Traceback (most recent call last):\n  File "/opt/stack/canary/manager.py", line 7, in live_migrate\n'
    f"    raise Refused('{' '.join(CANARIES.values())}')\nRefused: secret-canary-body"
)
HOSTILE_CODES = (200, 300, 400, 401, 404, 500)


def hostile(code: int, *, is_json: bool) -> Callable[..., None]:
    """Answer with everything that must not be repeated."""
    fault = {"error": {"code": code, "message": STORY, "title": STORY}, "badRequest": {"code": code, "message": STORY}}
    body = json.dumps(fault).encode() if is_json else f"<html>{STORY}</html>".encode()
    return answer(code, body, Content_Type="application/json" if is_json else "text/html")


def test_nothing_secret_or_raw_reaches_status_events_logs_or_metrics(
    empty_tenant: Tenant, nova: NovaLab, nova_keystone: NovaLab, boot: Callable[..., str], operator: OsmigRun
) -> None:
    tenant = empty_tenant
    meet_keystone(tenant, nova_keystone)
    connect_all(tenant, describe_mistakes(nova))
    connect_by(tenant, by_token(nova.compute))
    tenant.until_provider(is_ready, what="ready")
    for name in describe_mistakes(nova):
        tenant.until_provider(has_trouble("InvalidConfiguration"), what="refused", name=name)
    meet_hostile_clouds(tenant)
    meet_raw_faults(tenant, nova, boot)

    seen = tenant.cluster.kubectl(
        "get", "migrations,providers,events", "-A", "-o", "yaml", "--show-managed-fields"
    ).stdout
    everything = {
        "objects and Events": seen,
        "log": operator.log.read_text(encoding="utf-8"),
        "metrics": operator.http("/metrics")[1],
    }
    leaks = [(what, where) for where, text in everything.items() for what, canary in CANARIES.items() if canary in text]
    assert leaks == []
    assert "mistyped" in seen  # the search would find what is there


def meet_keystone(tenant: Tenant, nova: NovaLab) -> None:
    """Log in to the real Keystone with secrets of our own, and with wrong ones."""
    user = add_account(nova, f"canary-{secrets.token_hex(4)}", CANARIES["password"])
    secret = CANARIES["application credential"]
    application = {
        "auth_url": user.keystone,
        "application_credential_id": user.add_application_credential(CANARIES["password"], secret),
        "application_credential_secret": secret,
    }
    mistyped = {**application, "application_credential_secret": f"{secret}-mistyped"}
    token = {"auth_url": user.keystone, "token": CANARIES["token"]}
    good = {
        "password": by_password(user.keystone, user.name, CANARIES["password"]),
        "application": one_cloud(application, auth_type="v3applicationcredential"),
    }
    wrong = {
        "mistyped": one_cloud(mistyped, auth_type="v3applicationcredential"),
        "token": one_cloud(token, auth_type="v3token"),
    }
    connect_all(tenant, good | wrong)
    for name in good:
        tenant.until_provider(is_ready, what="ready", name=name)
    for name in wrong:
        tenant.until_provider(has_trouble("Unauthorized"), what="unauthorized", name=name)


def describe_mistakes(nova: NovaLab) -> dict[str, str]:
    """Write clouds.yaml files with a secret where none belongs."""
    return {
        "in-url": by_token(f"http://operator:{CANARIES['token']}@127.0.0.1/v2.1"),
        "unknown-key": by_token(nova.compute, passphrase=CANARIES["password"]),
        "not-a-string": by_token(nova.compute, region_name=[CANARIES["password"]]),
        "broken-yaml": f"clouds: {{operator: {CANARIES['password']}: {CANARIES['token']}",
    }


def meet_hostile_clouds(tenant: Tenant) -> None:
    """Let Providers meet clouds whose answers hold everything, as identity service and as Compute."""
    with ExitStack() as stack:
        clouds: dict[str, str] = {}
        for code, is_json in product(HOSTILE_CODES, (True, False)):
            cloud, name = Upstream(), f"{code}-{'json' if is_json else 'html'}"
            cloud.respond = hostile(code, is_json=is_json)
            stack.enter_context(serving(cloud))
            clouds[f"login-{name}"] = by_password(f"{cloud.url}/v3", "operator", CANARIES["password"])
            clouds[f"compute-{name}"] = by_token(f"{cloud.url}/v2.1", CANARIES["token"])
        connect_all(tenant, clouds)
        for name in clouds:
            tenant.until_provider(
                lambda now: condition(now, "Ready").get("reason") not in {None, "Probing"}, what="met", name=name
            )


def meet_raw_faults(tenant: Tenant, nova: NovaLab, boot: Callable[..., str]) -> None:
    """Let Migrations meet answers that hold everything: to the start, and as the reason of a failure."""
    answers: tuple[tuple[int, object], ...] = (
        (400, {"badRequest": {"code": 400, "message": STORY}}),
        (403, {"forbidden": {"code": 403, "message": STORY}}),
        (404, {"itemNotFound": {"code": 404, "message": STORY}}),
        (400, STORY),
    )
    moves = []
    for status, body in answers:
        server = boot(host="cmp1")
        nova.control.fault(path=f"{server}/action", method="POST", status=status, body=body)
        moves.append(tenant.move(server, name=f"start-{len(moves)}"))
    failing = boot(host="cmp1", plan="crash")
    event = {"event": "compute_live_migration", "result": "Error", "details": STORY, "traceback": STORY}
    action = {"request_id": "req-1", "action": "live-migration", "message": "Error", "events": [event]}
    body = {"instanceAction": action}
    nova.control.fault(path=f"{failing}/os-instance-actions/req-", method="GET", status=200, body=body, count=0)
    moves.append(tenant.move(failing, name="explained"))
    for move in moves:
        assert outcome(move.until_finished())[0] == "Failed"
