"""The stage for ``bad_input``: one operator that meets every mistake at once, beside a good Provider and its Migration.

Its API server is its own, for it may connect to the good cloud and to the scripted one only, port by port.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
import socket
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bad_input import CANARY, CATALOGUE, ORDERS, PASSWORD, REDIRECTS, ROWS
from e2e_credentials import add_account
from e2e_move import HostPair, describe_move
from e2e_operator import API_VERSION, FAST, OPERATOR_NAMESPACE, install
from e2e_status import condition
from e2e_tenant import Tenant
from e2e_traps import Trap
from http_upstream import LOOPBACK, Upstream, answer, serving
from lab.cluster import Cluster
from lab.nova_client import Compute, HttpError, call
from lab.osmig_run import OsmigRun
from lab.waiting import NotInTimeError, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from http.server import BaseHTTPRequestHandler

    from bad_input import Row
    from e2e_status import Json
    from lab.nova import NovaLab

PERIODS = {"--sweep-period": "4", "--secret-period": "8", "--read-timeout": "20", "--adopt-after": "23"}
"""A hundred Providers ask again and again, so not every second; and a Keystone may be slow that all of them ask."""

EVERYTHING_MET_S = 60.0
FLEETING_S = 20.0
REFUSED_HOST = "127.0.0.2"
CHANGING_DNS = (sys.executable, Path(__file__).with_name("e2e") / "operator_with_dns.py", "run")
SUBJECT = "x-subject-token"


@dataclass(frozen=True, slots=True)
class Scene:
    """What became of all of them.

    Attributes:
        tenant: whose Providers and Migrations they are.
        good: a Migration under way while everything else was met.
        ready: the good Provider's status before that.
        providers: status of each bad Provider, by name.
        moves: status of each bad order, by name.
        traps: where nobody may connect.
        scripted: the cloud of ``SCRIPT``.
        behind: where the changed DNS answer leads to, on the port of ``scripted``.
    """

    tenant: Tenant
    operator: OsmigRun
    nova: NovaLab
    good: HostPair
    ready: Json
    providers: Mapping[str, Json]
    moves: Mapping[str, Json]
    traps: tuple[Trap, ...]
    scripted: Upstream
    behind: socket.socket


def describe_catalogue(url_of: Callable[[str], str]) -> dict[str, Any]:
    """Write what a Keystone answers to a login."""
    endpoints = [
        {"id": region, "region_id": region, "region": region, "interface": "public", "url": url_of(url)}
        for region, (url, _, _) in CATALOGUE.items()
    ]
    service = {"id": "nova", "type": "compute", "name": "nova", "endpoints": endpoints}
    user = {"id": "u", "name": "u", "domain": {"id": "default", "name": "Default"}}
    times = {"issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z"}
    return {"token": {"methods": ["password"], "user": user, "catalog": [service], "roles": [], **times}}


def script(upstream: Upstream, trap: Trap, url_of: Callable[[str], str]) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a server that is a Keystone below /v3, redirects to the trap below /CODE, and else says nothing known."""
    redirects = {code: answer(code, Location=f"{trap.url}/v3/auth/tokens") for code in REDIRECTS}
    login = answer(201, json.dumps(describe_catalogue(url_of)).encode(), X_Subject_Token=f"{CANARY}-catalogue")
    identity = {
        "version": {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{upstream.url}/v3"}]}
    }
    discovery = answer(200, json.dumps(identity).encode(), Content_Type="application/json")
    nothing = answer(404, b"<html>nothing here</html>", Connection="close")

    def respond(handler: BaseHTTPRequestHandler) -> None:
        first = handler.path.split("/")[1]
        if first.isdigit():
            redirects[int(first)](handler)
        elif first == "v3":
            (login if handler.path.endswith("/auth/tokens") else discovery)(handler)
        else:
            handler.close_connection = True  # so that the next request asks the resolver again
            nothing(handler)

    return respond


def take_fleeting_token(nova: NovaLab, password: str) -> str:
    """Log in by an application credential that ends soon, and see that Nova accepts the token."""
    user = add_account(nova, f"fleeting-{secrets.token_hex(4)}", password)
    domain, project = {"id": "default"}, {"name": "lab", "domain": {"id": "default"}}
    by_user = {"user": {"name": user.name, "password": password, "domain": domain}}
    _, login = call("POST", f"{user.keystone}/auth/tokens", body=_auth("password", by_user, scope={"project": project}))
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=FLEETING_S)  # noqa: TID251 - by Keystone's clock
    wanted = {"name": "fleeting", "secret": password, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%S.%f")}
    url, headers = f"{user.keystone}/users/{user.id}/application_credentials", {"X-Auth-Token": login[SUBJECT]}
    made = call("POST", url, body={"application_credential": wanted}, headers=headers)[0]["application_credential"]
    by_credential = {"id": made["id"], "secret": password}
    _, answered = call("POST", f"{user.keystone}/auth/tokens", body=_auth("application_credential", by_credential))
    assert not is_refused(nova, answered[SUBJECT])
    return answered[SUBJECT]


def is_refused(nova: NovaLab, token: str) -> bool:
    """Whether Nova does not accept the token."""
    try:
        Compute(nova.compute, token).get("/servers")
    except HttpError as error:
        return error.status == 401
    return False


def _auth(method: str, proof: Json, **scope: object) -> Json:
    return {"auth": {"identity": {"methods": [method], method: proof}, **scope}}


def revoke(nova: NovaLab) -> str:
    """Log in, and log out again."""
    token = nova.as_user("manager").token
    headers = {"X-Auth-Token": nova.as_user("operator").token, "X-Subject-Token": token}
    call("DELETE", f"{nova.keystone}/auth/tokens", headers=headers)
    return token


def describe_provider(tenant: Tenant, name: str, row: Row, fill: Callable[[str], str]) -> list[Json]:
    """Write the Provider of a row, and its Secret if it has one."""
    metadata = {"name": name, "namespace": tenant.namespace}
    reference = {"cloudCredentialsRef": {"secretName": name, "cloudName": "operator"}}
    spec = {"type": "OpenStack", "openstack": reference}
    provider = {"apiVersion": API_VERSION, "kind": "Provider", "metadata": metadata, "spec": spec}
    if row.keys is None:
        return [provider]
    keys = {key: fill(value).encode() if isinstance(value, str) else value for key, value in row.keys.items()}
    encoded = {key: base64.b64encode(value).decode() for key, value in keys.items()}
    return [{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}, provider]


def statuses(tenant: Tenant, plural: str) -> dict[str, Json]:
    """Return the status of each object of a kind in the tenant's namespace."""
    listed = tenant.cluster.admin.get(f"/apis/{API_VERSION}/namespaces/{tenant.namespace}/{plural}")
    return {item["metadata"]["name"]: item["status"] for item in listed["items"]}


def has_trouble_of(row: Row, status: Json) -> bool:
    """Whether a Provider is told what the row says; on the way there the cloud may be slow."""
    return condition(status, "Ready").get("reason") in row.reasons


def is_decided(status: Json) -> bool:
    """Whether a Migration ended, or waits for a Provider that was met."""
    paused = condition(status, "ProviderReady")
    waits = paused.get("status") == "False" and paused.get("reason") not in {"Probing", "ProviderNotReady"}
    return "completionTime" in status or waits


@contextmanager
def play(nova: NovaLab, log: Path) -> Iterator[Scene]:
    """Let one operator meet everything."""
    scripted = Upstream()
    with ExitStack() as stack:
        cluster = install(stack.enter_context(Cluster()))
        tenant = Tenant(cluster, "default")
        refused, unlisted = (stack.enter_context(Trap(host)) for host in (REFUSED_HOST, LOOPBACK))
        stack.enter_context(serving(scripted))
        behind = stack.enter_context(socket.create_server((REFUSED_HOST, scripted.port)))
        behind.setblocking(False)  # noqa: FBT003 - its name
        places = {
            "SCRIPT-PORT": str(scripted.port),
            "PORT": str(refused.port),
            "CLOSED": str(unlisted.port),
            "SCRIPT": scripted.url,
            "NOVA": nova.compute,
            "KEYSTONE": str(nova.keystone),
            "EXPIRED": take_fleeting_token(nova, PASSWORD),
            "REVOKED": revoke(nova),
        }
        fill = filler(places)
        scripted.respond = script(scripted, unlisted, fill)
        operator = stack.enter_context(run_operator_for(cluster, nova, scripted, log=log)).wait_ready()
        good, ready = begin_a_good_move(tenant, nova)
        eventually(lambda: is_refused(nova, places["EXPIRED"]), what="the token expired", timeout_s=2 * FLEETING_S)
        meet_everything(tenant, nova, fill)
        seen = statuses(tenant, "providers")
        providers = {name: seen[name] for name in ROWS}
        moves = {name: status for name, status in statuses(tenant, "migrations").items() if name in ORDERS}
        yield Scene(tenant, operator, nova, good, ready, providers, moves, (refused, unlisted), scripted, behind)


def filler(places: Mapping[str, str]) -> Callable[[str], str]:
    """Make a function that puts the real places into a text."""

    def fill(text: str) -> str:
        for word, place in places.items():
            text = text.replace(word, place)
        return text

    return fill


def run_operator_for(cluster: Cluster, nova: NovaLab, scripted: Upstream, *, log: Path) -> OsmigRun:
    """Prepare an operator that may connect to the good cloud and to the scripted one, and nowhere else."""
    pairs = dict(zip(FAST[::2], FAST[1::2], strict=True)) | PERIODS | {"--service-range": "10.96.0.0/12"}
    del pairs["--allow-endpoint"]
    allowed = (urlsplit(url).netloc for url in (nova.compute, str(nova.keystone), scripted.url))
    flags = [word for pair in (*pairs.items(), *(("--allow-endpoint", place) for place in allowed)) for word in pair]
    kubeconfig = cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")
    return OsmigRun(
        *("--lease-namespace", OPERATOR_NAMESPACE, *flags),
        kubeconfig=kubeconfig,
        command=CHANGING_DNS,
        env={"DNS_ANSWERS": f"{LOOPBACK},{REFUSED_HOST}"},
        log=log,
    )


def begin_a_good_move(tenant: Tenant, nova: NovaLab) -> tuple[HostPair, Json]:
    """Connect the good Providers, and bring a Migration under way."""
    tenant.connect(nova, name="manager", cloud="manager")
    tenant.connect(nova, name="good")
    server = nova.boot(f"good-{secrets.token_hex(4)}", plan="hang,memory=4096", host="cmp1")
    move = tenant.move(server, name="good", provider="good", source="cmp1")
    move.until_phase("Running")
    return move, tenant.provider("good")["status"]


def meet_everything(tenant: Tenant, nova: NovaLab, fill: Callable[[str], str]) -> None:
    """Bring every bad Provider and every bad order at once, and wait until the operator has a word for each."""
    mark = secrets.token_hex(4)
    for _ in range(2):
        nova.boot(f"twin-{mark}", host="cmp2")
    foreign = nova.boot(f"foreign-{mark}", user="other")
    places = {
        "TWIN-IN-CAPITALS": f"TWIN-{mark.upper()}",
        "TWIN": f"twin-{mark}",
        "FOREIGN-ID": foreign,
        "FOREIGN-NAME": f"foreign-{mark}",
    }
    fill_order = filler(places)
    orders = [
        describe_move(
            tenant, {key: fill_order(value) for key, value in order.server.items()}, name=name, provider=order.provider
        )
        for name, order in ORDERS.items()
    ]
    providers = [manifest for name, row in ROWS.items() for manifest in describe_provider(tenant, name, row, fill)]
    tenant.cluster.apply(*providers, *orders)

    def unmet() -> list[str]:
        found, moves = statuses(tenant, "providers"), statuses(tenant, "migrations")
        return [name for name, row in ROWS.items() if not has_trouble_of(row, found[name])] + [
            name for name in ORDERS if not is_decided(moves[name])
        ]

    def everything() -> bool:
        if missing := unmet():
            raise LookupError(f"not met: {missing}")
        return True

    with suppress(NotInTimeError):  # each row fails by itself
        eventually(everything, what="everything met", timeout_s=EVERYTHING_MET_S, every_s=0.5)
