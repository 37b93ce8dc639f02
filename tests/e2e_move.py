"""One Migration of an end-to-end test: its manifest, orders as annotations, its status and all that was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e_operator import API_VERSION, OPERATOR
from e2e_status import Json, brief, condition, control
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from e2e_tenant import Tenant


@dataclass(frozen=True, slots=True)
class HostPair:
    """One Migration in a tenant's namespace.

    Attributes:
        server: id of the server it moves.
        since: end of the audit log before it was applied.
    """

    tenant: Tenant
    name: str
    server: str
    since: int

    def apply(
        self,
        *,
        provider: str = "cloud",
        source: str | None = None,
        destination: str | None = None,
        annotations: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - fields of the spec
    ) -> None:
        """Apply the manifest, for the first time or again."""
        hosts = {"sourceHost": source, "destinationHost": destination}
        placement = {key: host for key, host in hosts.items() if host}
        spec = {"providerRef": {"name": provider}, "type": "LiveMigration", "server": {"id": self.server}}
        metadata = {"name": self.name, "namespace": self.tenant.namespace, "annotations": dict(annotations or {})}
        self.tenant.cluster.apply(
            {
                "apiVersion": API_VERSION,
                "kind": "Migration",
                "metadata": metadata,
                "spec": spec | ({"placement": placement} if placement else {}) | more,
            }
        )

    def edit(self, **spec: Any) -> None:  # noqa: ANN401
        """Change fields of the spec, as ``kubectl patch`` does."""
        self.tenant.kubectl("patch", "migration", self.name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def delete(self) -> None:
        """Delete it and wait until it is gone."""
        self.tenant.kubectl("delete", "migration", self.name, f"--timeout={DEADLINE_S:g}s")

    def get(self) -> Json:
        """Return the object as it is now, managed fields included."""
        return self.tenant.cluster.admin.get(self._path)

    @property
    def _path(self) -> str:
        return f"/apis/{API_VERSION}/namespaces/{self.tenant.namespace}/migrations/{self.name}"

    @property
    def status(self) -> Json:
        """Its status as it is now."""
        status: Json = self.get()["status"]
        return status

    def until(self, test: Callable[[Json], object], *, what: str, timeout_s: float = DEADLINE_S) -> Json:
        """Wait until ``test(status)`` holds; return that status.

        Raises:
            NotInTimeError: it did not; the message holds the last status.
        """
        seen: Json = {}

        def probe() -> bool:
            nonlocal seen
            seen = self.status
            if not test(seen):
                raise LookupError(brief(seen))
            return True

        eventually(probe, what=f"Migration {self.name}: {what}", timeout_s=timeout_s)
        return seen

    def until_phase(self, *phases: str, timeout_s: float = DEADLINE_S) -> Json:
        """Wait for one of the phases; return the status."""
        return self.until(lambda status: status.get("phase") in phases, what=f"in {phases}", timeout_s=timeout_s)

    def until_upstream(self, word: str, *, timeout_s: float = DEADLINE_S) -> Json:
        """Wait until the cloud's own word for the move is on record; return the status."""
        return self.until(
            lambda status: status.get("upstream", {}).get("status") == word,
            what=f"{word} upstream",
            timeout_s=timeout_s,
        )

    def until_finished(self, *, timeout_s: float = DEADLINE_S) -> Json:
        """Wait for the end with ``kubectl wait``, as a script would; return the status."""
        self.tenant.kubectl("wait", "--for=condition=Finished", f"--timeout={timeout_s:g}s", f"migration/{self.name}")
        return self.status

    def until_control(self, verb: str, result: str, *, timeout_s: float = DEADLINE_S) -> Json:
        """Wait for what became of an order; return its entry in ``status.controls``."""
        status = self.until(
            lambda status: control(status, verb).get("result") == result,
            what=f"{verb} is {result}",
            timeout_s=timeout_s,
        )
        return control(status, verb)

    def until_seen(self, verb: str, token: str) -> Json:
        """Wait until the order with this token is on record; return its entry in ``status.controls``."""
        status = self.until(lambda status: control(status, verb).get("token") == token, what=f"{verb} {token} is seen")
        return control(status, verb)

    def order(self, verb: str, token: str = "now") -> None:  # noqa: S107 - a verb's token is no secret
        """Give an order: set the verb's annotation."""
        self.tenant.kubectl("annotate", "--overwrite", "migration", self.name, f"osmig.dev/{verb}={token}")

    def reconcile(self, token: str = "seen") -> Json:  # noqa: S107 - a verb's token is no secret
        """Make sure that the operator has seen everything up to here; return the status."""
        self.order("reconcile", token)

        def is_done(status: Json) -> bool:
            entry = control(status, "reconcile")
            return (entry.get("token"), entry.get("result")) == (token, "Done")

        return self.until(is_done, what="reconciled")

    def withdraw(self, verb: str) -> None:
        """Remove the verb's annotation."""
        self.tenant.kubectl("annotate", "migration", self.name, f"osmig.dev/{verb}-")

    def order_and_withdraw(self, verb: str) -> None:
        """Set the verb's annotation and remove it, within less time than two starts of kubectl take."""
        for token in ("now", None):
            self.tenant.cluster.admin.annotate(self._path, **{f"osmig.dev/{verb}": token})

    def writes(self) -> list[Json]:
        """Return every status the operator wrote and the API server took, oldest first, from the audit log."""
        events = self.tenant.cluster.audit(since=self.since)
        return [event["requestObject"]["status"] for event in events if self._is_write(event)]

    def _is_write(self, event: Json) -> bool:
        about = event.get("objectRef", {})
        return (
            event["verb"] in {"update", "patch"}
            and event["user"]["username"] == OPERATOR
            and (about.get("resource"), about.get("subresource")) == ("migrations", "status")
            and (about["namespace"], about["name"]) == (self.tenant.namespace, self.name)
            and event["responseStatus"]["code"] == 200
        )

    def phases(self) -> list[str]:
        """Return the phases it went through, without repetitions."""
        words = [str(status.get("phase")) for status in self.writes()]
        return [word for word, before in zip(words, ["", *words], strict=False) if word != before]

    def reasons(self) -> list[str]:
        """Return the reasons of ``Succeeded`` it went through, without repetitions."""
        words = [str(condition(status, "Succeeded").get("reason")) for status in self.writes()]
        return [word for word, before in zip(words, ["", *words], strict=False) if word != before]


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
