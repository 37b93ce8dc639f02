"""What end-to-end tests of mailboxes say and see: a hosting service of their own, its Provider, its jobs by name."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e_move import HostPair
from e2e_operator import API_VERSION
from e2e_tenant import Tenant
from hosting_support import LIST
from lab.hosting import TOKEN, HostingWorld
from lab.hosting_server import serve
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from e2e_status import Json
    from lab.cluster import Cluster

LISTED = "list"
"""The Secret with the list, of each service its own: ``hosting-list`` of the Provider ``hosting``."""
FIRST, SECOND = "2099-01-01T00:00:00Z", "2099-01-01T10:00:00Z"
IN_TIME = {"executeNow": None, "firstExecutionTime": FIRST}
TWICE = {**IN_TIME, "secondExecutionTime": SECOND}


@dataclass(frozen=True, slots=True)
class Service:
    """A hosting service, and the Provider of the same name in a tenant's namespace.

    Attributes:
        world: the double behind it.
        url: where it listens.
        name: of Provider and Secret.
    """

    tenant: Tenant
    world: HostingWorld
    url: str
    name: str

    def put_token(self, token: str = TOKEN) -> None:
        """Create or replace the Secret of the Provider."""
        self.tenant.put_secret(token, name=self.name, key="token", endpoint=self.url)

    def put_list(self, text: str = LIST) -> None:
        """Create or replace the Secret with the list."""
        self.tenant.put_secret(text, name=f"{self.name}-{LISTED}", key="mailboxes.csv", endpoint=self.url)

    def put_provider(self, **hosting: Any) -> None:  # noqa: ANN401 - fields of the spec
        """Create or replace the Provider."""
        options = {"endpoint": self.url, "tokenRef": {"secretName": self.name}, "requestsPerSecond": 10, "maxJobs": 50}
        spec = {"type": "Hosting", "hosting": options | hosting, "limits": {"maxInFlight": 1000}}
        self.tenant.cluster.apply(self._describe("Provider", self.name, spec))

    def await_ready(self) -> None:
        """Wait until the Provider can be used."""
        self.tenant.kubectl("wait", "--for=condition=Ready", f"--timeout={DEADLINE_S:g}s", f"provider/{self.name}")

    def copy(self, *names: str, options: Mapping[str, Any] | None = None, **spec: Any) -> HostPair:  # noqa: ANN401
        """Apply MailboxMigrations that are alike; return the first."""
        return self.copy_each({name: dict(options or {}) for name in names}, **spec)[names[0]]

    def copy_each(self, wanted: Mapping[str, Mapping[str, Any]], **spec: Any) -> dict[str, HostPair]:  # noqa: ANN401
        """Apply MailboxMigrations by name in one go; their values go into ``spec.mailboxes``, ``spec`` to all."""
        basic = {"csvSecretRef": {"secretName": f"{self.name}-{LISTED}"}, "preset": "Standard-SSL", "executeNow": True}
        self.tenant.cluster.apply(
            *(
                self._describe(
                    "Migration",
                    name,
                    {
                        "providerRef": {"name": self.name},
                        "type": "MailboxMigration",
                        "mailboxes": {
                            key: value for key, value in (basic | dict(options)).items() if value is not None
                        },
                        **spec,
                    },
                )
                for name, options in wanted.items()
            )
        )
        return {name: self.migration(name) for name in wanted}

    def migration(self, name: str) -> HostPair:
        """Return one that was applied; of what was written, no more than from now on is asked."""
        return HostPair(self.tenant, name, "", self.tenant.cluster.audit_mark())

    def job(self, name: str) -> Json:
        """Wait for the job of a Migration, and return it as the double has it: whoever changes it changes that."""
        code = eventually(lambda: self.world.find(f"{name}-"), what=f"the job of {name}")
        return self.world.jobs[code]

    def end(self, name: str, status: str = "completed", **options: Any) -> str:  # noqa: ANN401 - of the double
        """End an execution of a Migration's job; return the job's code."""
        code = str(self.job(name)["code"])
        self.world.finish(code, status, **options)
        return code

    def count_sent(self, name: str) -> int:
        """Count the orders that came for a Migration, whatever became of them."""
        return sum(sent.startswith(f"{name}-") for sent in self.world.sent)

    def count(self, method: str, name: str) -> int:
        """Count the requests of one method about a Migration's job."""
        return self.world.requests.count(f"{method} /api/migrations/{self.job(name)['code']}")

    def _describe(self, kind: str, name: str, spec: Json) -> Json:
        metadata = {"name": name, "namespace": self.tenant.namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


@contextmanager
def open_customer(cluster: Cluster) -> Iterator[Tenant]:
    """A namespace for the scenes of a file; its deletion is begun, not awaited."""
    tenant = Tenant(cluster, f"t-{secrets.token_hex(4)}")
    cluster.kubectl("create", "namespace", tenant.namespace)
    yield tenant
    cluster.kubectl("delete", "namespace", tenant.namespace, "--wait=false")


@contextmanager
def open_service(tenant: Tenant, world: HostingWorld | None = None, *, name: str = "hosting") -> Iterator[Service]:
    """Serve a double; bring Secrets and a Provider for it, which is not awaited."""
    world = world or HostingWorld()
    with serve(world) as url:
        service = Service(tenant, world, url, name)
        service.put_token()
        service.put_list()
        service.put_provider()
        yield service
