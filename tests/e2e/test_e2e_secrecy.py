"""Nothing secret and nothing raw leaves the operator: canaries are planted everywhere and looked for everywhere."""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from itertools import product
from typing import TYPE_CHECKING

from e2e_credentials import add_account, by_password, by_token, connect_all, connect_by, one_cloud
from e2e_status import condition, has_trouble, is_ready, outcome
from http_upstream import Upstream, answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e_cloud import Boot
    from e2e_move import HostPair
    from e2e_tenant import Tenant
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

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
HOSTILE_CODES = (200, 401, 404, 500)


def hostile(code: int, *, is_json: bool) -> Callable[..., None]:
    """Answer with everything that must not be repeated."""
    fault = {"error": {"code": code, "message": STORY, "title": STORY}, "badRequest": {"code": code, "message": STORY}}
    body = json.dumps(fault).encode() if is_json else f"<html>{STORY}</html>".encode()
    return answer(code, body, Content_Type="application/json" if is_json else "text/html")


def test_nothing_secret_or_raw_reaches_status_events_logs_or_metrics(
    empty_tenant: Tenant, nova: NovaLab, nova_keystone: NovaLab, boot: Boot, operator: OsmigRun
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


def meet_raw_faults(tenant: Tenant, nova: NovaLab, boot: Boot) -> None:
    """Let Migrations meet answers that hold everything: to the start, and as the reason of a failure."""
    answers: tuple[tuple[int, object], ...] = (
        (400, {"badRequest": {"code": 400, "message": STORY}}),
        (404, {"itemNotFound": {"code": 404, "message": STORY}}),
        (400, STORY),
    )
    moves: list[HostPair] = []
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
