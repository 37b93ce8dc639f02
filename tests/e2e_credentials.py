"""Credentials of end-to-end tests: clouds.yaml in any shape, Providers with it, accounts in the lab's Keystone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from e2e_operator import API_VERSION
from lab.nova_client import call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e_status import Json
    from e2e_tenant import Tenant
    from lab.nova import NovaLab

DOMAINS = {"user_domain_id": "default", "project_domain_id": "default"}


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
