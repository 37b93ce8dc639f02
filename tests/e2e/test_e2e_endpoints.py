"""Where the operator goes: only to endpoints that are allowed, whatever tenants, clouds or its environment say."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from e2e_credentials import add_account, by_password, by_token, connect_all, connect_by
from e2e_operator import install, run_operator
from e2e_status import condition, has_trouble, is_ready, kstatus, outcome, verdicts
from e2e_tenant import Tenant
from e2e_traps import Trap, forward_to
from http_upstream import Upstream, answer, serving
from lab.cluster import Cluster
from tls_support import certify_localhost

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from e2e_cloud import Boot
    from lab.nova import NovaLab

METADATA_SERVICE = "169.254.169.254"
LAB_PASSWORD = "secret"  # noqa: S105 - the lab's own Keystone


def test_redirects_of_the_cloud_are_never_followed(empty_tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    server = boot(host="cmp1")
    with Trap() as trap:
        for status in (HTTPStatus.FOUND, HTTPStatus.PERMANENT_REDIRECT):
            headers = {"Location": f"{trap.url}/v2.1/"}
            nova.control.fault(path=".*", method="GET", status=int(status), headers=headers, count=8)
        connect_by(empty_tenant, by_token(nova.compute))
        read_error = empty_tenant.until_provider(has_trouble("Unreachable"), what="unreachable")
        move = empty_tenant.move(server, source="cmp1")
        nova.control.clear_faults()
        end = move.until_finished()

        assert not trap.was_touched()
    assert str(trap.port) not in str(read_error)
    assert outcome(end) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize("status", [HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT])
def test_a_redirected_login_takes_the_password_nowhere(empty_tenant: Tenant, status: HTTPStatus) -> None:
    keystone = Upstream()
    with Trap() as trap, serving(keystone):
        keystone.respond = answer(int(status), Location=f"{trap.url}/v3/auth/tokens")
        connect_by(empty_tenant, by_password(f"{keystone.url}/v3", "operator", LAB_PASSWORD))
        read_error = empty_tenant.until_provider(has_trouble("Unreachable"), what="unreachable")

        assert keystone.seen
        assert not trap.was_touched()
    assert str(trap.port) not in str(read_error)


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
    with Trap("127.0.0.2") as trap, ExitStack() as stack:
        for region, url in (("Elsewhere", f"{trap.url}/v2.1"), ("Metadata", f"http://{METADATA_SERVICE}/v2.1")):
            admin.ask("POST", "regions", {"region": {"id": region}})
            endpoint = {"service_id": service, "region_id": region, "interface": "public", "url": url}
            made = admin.ask("POST", "endpoints", {"endpoint": endpoint})["endpoint"]["id"]
            # with several regions, the other tests would have to say which one they mean
            stack.callback(admin.ask, "DELETE", f"regions/{region}")
            stack.callback(admin.ask, "DELETE", f"endpoints/{made}")
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


def misleading_environment(folder: Path, nova: NovaLab, *, trap: Trap, pem: bytes) -> dict[str, str]:
    """Write what requests, the SDK and curl would read, and return the variables that point there."""
    files = {
        "bundle.pem": pem.decode(),
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
    context, pem = certify_localhost(tmp_path, "127.0.0.1")
    front, authorizations = Upstream(), set[str | None]()
    forward = forward_to(nova.compute.removesuffix("/v2.1"))

    def respond(handler: BaseHTTPRequestHandler) -> None:
        authorizations.add(handler.headers.get("Authorization"))
        forward(handler)

    front.respond = respond
    with Trap() as trap, serving(front, context), Cluster() as cluster:
        tenant = Tenant(install(cluster), "default")
        over_tls = by_token(f"https://127.0.0.1:{front.port}/v2.1")
        connect_by(tenant, over_tls, name="trusted", cacert=pem.decode())
        clouds = {"plain": by_token(nova.compute), "untrusted": over_tls, "from-file": "clouds: {}"}
        connect_all(tenant, {**clouds, "metadata": by_token(f"http://{METADATA_SERVICE}/v2.1")})
        env = misleading_environment(tmp_path, nova, trap=trap, pem=pem)
        with run_operator(cluster, "--allow-endpoint", METADATA_SERVICE, env=env):
            for name in ("plain", "trusted"):
                tenant.until_provider(is_ready, what="ready", name=name)
            untrusted = tenant.until_provider(has_trouble("Unreachable"), what="untrusted", name="untrusted")
            tenant.until_provider(has_trouble("InvalidConfiguration"), what="no cloud", name="from-file")
            tenant.until_provider(has_trouble("EndpointRefused"), what="refused", name="metadata")

        assert not trap.was_touched()
    assert "certificate" in condition(untrusted, "Ready")["message"]
    assert authorizations == {None}
