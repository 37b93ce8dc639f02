"""More that end-to-end tests say and see: Migrations by name, edits, clouds.yaml in any shape, Keystone, traps."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from e2e_support import API_VERSION, FAST, OPERATOR_NAMESPACE, Move, condition
from lab.nova import NovaLab
from lab.nova_client import call
from lab.osmig_run import OsmigRun
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http.server import BaseHTTPRequestHandler

    from e2e_support import Json, Tenant
    from lab.cluster import Cluster

ROOT = Path(__file__).parent.parent
DOMAINS = {"user_domain_id": "default", "project_domain_id": "default"}


def wide_cloud() -> NovaLab:
    """Prepare a Nova that moves many servers at once: the lab's hosts share one queue, whatever their number."""
    hosts = ("cmp1", "cmp2", "cmp3", "cmp4")
    return NovaLab("--max-concurrent", "16", "--report-interval", "1", "--service-down-time", "60", computes=hosts)


def outcome(status: Json) -> tuple[str, str]:
    """Return phase and reason."""
    return status["phase"], condition(status, "Succeeded")["reason"]


def is_queued_behind_somebody(status: Json) -> bool:
    """Whether the Migration waits for its server to be free."""
    return status.get("phase") == "Queued" and outcome(status) == ("Queued", "ServerBusy")


def is_paused(status: Json) -> bool:
    """Whether the Migration says that its Provider cannot be used."""
    return condition(status, "ProviderReady").get("status") == "False"


def has_trouble(reason: str) -> Callable[[Json], bool]:
    """Make a test of a Provider's status: not ready for this reason."""
    return lambda status: (
        (condition(status, "Ready").get("status"), condition(status, "Ready").get("reason"))
        == (
            "False",
            reason,
        )
    )


def is_ready(status: Json) -> bool:
    """Whether a Provider is ready."""
    return condition(status, "Ready").get("status") == "True"


def describe_move(
    tenant: Tenant, server: Mapping[str, str], *, name: str = "move", provider: str = "cloud", **hosts: str
) -> Json:
    """Write a Migration's manifest.

    Args:
        tenant: whose namespace.
        server: ``{"id": …}`` or ``{"name": …}``.
        name: of the object.
        provider: of which cloud.
        hosts: ``source`` and ``destination``.
    """
    placement = {f"{side}Host": host for side, host in hosts.items()}
    return {
        "apiVersion": API_VERSION,
        "kind": "Migration",
        "metadata": {"name": name, "namespace": tenant.namespace},
        "spec": {
            "providerRef": {"name": provider},
            "type": "LiveMigration",
            "server": dict(server),
            **({"placement": placement} if placement else {}),
        },
    }


def move_by_name(tenant: Tenant, server: str, *, name: str = "move", **hosts: str) -> Move:
    """Apply a Migration that names its server; the result's ``server`` is that name."""
    move = Move(tenant, name, server, tenant.cluster.audit_mark())
    tenant.cluster.apply(describe_move(tenant, {"name": server}, name=name, **hosts))
    return move


def until_idle(nova: NovaLab, server: str, *, host: str | None = None) -> None:
    """Wait until Nova does nothing with the server, and with ``host`` until it is there."""

    def probe() -> bool:
        now = nova.nova.server(server)
        is_idle = now["OS-EXT-STS:task_state"] is None and now["status"] in {"ACTIVE", "ERROR"}
        return is_idle and host in {None, now["OS-EXT-SRV-ATTR:host"]}

    eventually(probe, what=f"server idle on {host or 'any host'}", timeout_s=20)


def install(cluster: Cluster) -> Cluster:
    """Bring the CRDs and the rights of deploy/ to a cluster of the test's own."""
    for part in ("crds", "deploy/namespace.yaml", "deploy/rbac.yaml"):
        cluster.kubectl("apply", "--server-side", "-f", str(ROOT / part))
    cluster.await_established("-f", str(ROOT / "crds"))
    return cluster


def operator_with(cluster: Cluster, *flags: str, env: Mapping[str, str]) -> OsmigRun:
    """Prepare the operator as ``run_operator`` does, with more in its environment."""
    kubeconfig = cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")
    return OsmigRun(*FAST, "--lease-namespace", OPERATOR_NAMESPACE, *flags, kubeconfig=kubeconfig, env=env)


def one_cloud(auth: Mapping[str, Any], *, name: str = "operator", **keys: Any) -> str:  # noqa: ANN401 - whatever YAML can hold
    """Write a clouds.yaml with one cloud."""
    return yaml.safe_dump({"clouds": {name: {"auth": dict(auth), **keys}}})


def by_token(endpoint: str, token: str = "operator", **keys: Any) -> str:  # noqa: ANN401, S107 - the lab's tokens are names
    """Write a clouds.yaml for a fixed endpoint and token."""
    return one_cloud({"endpoint": endpoint, "token": token}, auth_type="admin_token", **keys)


def by_password(auth_url: str, user: str, password: str, **keys: Any) -> str:  # noqa: ANN401
    """Write a clouds.yaml for a user in project lab."""
    auth = {"auth_url": auth_url, "username": user, "password": password, "project_name": "lab", **DOMAINS}
    return one_cloud(auth, **keys)


def connect_by(tenant: Tenant, clouds: str, *, name: str = "cloud", cacert: str | None = None) -> None:
    """Bring Secret and Provider for a clouds.yaml; wait for nothing."""
    tenant.cluster.apply(*_describe_connection(tenant, name, clouds, cacert))


def connect_all(tenant: Tenant, clouds: Mapping[str, str]) -> None:
    """Bring a Secret and a Provider for each clouds.yaml, by name, in one go; wait for nothing."""
    tenant.cluster.apply(
        *(made for name, text in clouds.items() for made in _describe_connection(tenant, name, text, None))
    )


def _describe_connection(tenant: Tenant, name: str, clouds: str, cacert: str | None) -> tuple[Json, Json]:
    metadata = {"name": name, "namespace": tenant.namespace}
    keys = {"clouds.yaml": clouds} | ({"cacert": cacert} if cacert else {})
    reference = {"cloudCredentialsRef": {"secretName": name, "cloudName": "operator"}}
    spec = {"type": "OpenStack", "openstack": reference}
    return (
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys},
        {"apiVersion": API_VERSION, "kind": "Provider", "metadata": metadata, "spec": spec},
    )


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the lab's Keystone, administrator in project lab.

    Attributes:
        keystone: the identity endpoint.
        token: an administrator's.
    """

    keystone: str
    token: str
    name: str
    id: str

    def set_password(self, password: str) -> None:
        """Give the user another password; Keystone revokes the user's tokens."""
        self.ask("PATCH", f"users/{self.id}", {"user": {"password": password}})

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - parsed JSON
        """Ask Keystone as an administrator."""
        return call(method, f"{self.keystone}/{path}", body=body, headers={"X-Auth-Token": self.token})[0]

    def add_application_credential(self, password: str, secret: str) -> str:
        """Create an application credential as the user and return its id."""
        identity = {"methods": ["password"], "password": {"user": {"id": self.id, "password": password}}}
        scope = {"project": {"name": "lab", "domain": {"id": "default"}}}
        login = {"auth": {"identity": identity, "scope": scope}}
        token = call("POST", f"{self.keystone}/auth/tokens", body=login)[1]["x-subject-token"]
        wanted = {"application_credential": {"name": self.name, "secret": secret}}
        url = f"{self.keystone}/users/{self.id}/application_credentials"
        made = call("POST", url, body=wanted, headers={"X-Auth-Token": token})[0]
        return str(made["application_credential"]["id"])


def add_account(nova: NovaLab, name: str, password: str) -> Account:
    """Create a user in the lab's Keystone."""
    admin = Account(str(nova.keystone), nova.as_user("operator").token, "operator", "")
    domain = {"domain_id": "default"}
    made = admin.ask("POST", "users", {"user": {"name": name, "password": password, **domain}})["user"]
    project = admin.ask("GET", "projects?name=lab")["projects"][0]["id"]
    role = admin.ask("GET", "roles?name=admin")["roles"][0]["id"]
    admin.ask("PUT", f"projects/{project}/users/{made['id']}/roles/{role}")
    return Account(admin.keystone, admin.token, name, made["id"])


class Trap:
    """An address that nobody may connect to; the kernel takes connections without our help."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        """Listen on a free port."""
        self._listener = socket.create_server((host, 0))
        self._listener.setblocking(False)  # noqa: FBT003 - its name
        self.host, self.port = self._listener.getsockname()

    def __enter__(self) -> Self:
        """Listen on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._listener.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def was_touched(self) -> bool:
        """Whether somebody connected since the last question."""
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


def forward_to(url: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a responder that passes a GET on to another server, with the headers that Nova needs."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        request = urllib.request.Request(url + handler.path)  # noqa: S310 - loopback
        for name in ("X-Auth-Token", "OpenStack-API-Version"):
            if handler.headers.get(name):
                request.add_header(name, handler.headers[name])
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            body = answer.read()
            handler.send_response(answer.status)
            handler.send_header("Content-Type", answer.headers["Content-Type"])
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def certify(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Make a certificate for 127.0.0.1 that signs itself: the context of its server, and its PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "osmig lab")])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the certificate's own clock
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    both = folder / "server.pem"
    both.write_text(private + pem, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, pem
