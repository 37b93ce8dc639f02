"""The login plugins of keystoneauth, and of nobody else."""

from __future__ import annotations

import functools
from importlib.metadata import distribution
from typing import TYPE_CHECKING

from keystoneauth1.loading.base import PLUGIN_NAMESPACE

from osmig.drivers.servers.nova.credentials import AUTH_TYPES

if TYPE_CHECKING:
    from keystoneauth1.loading import BaseLoader
    from keystoneauth1.plugin import BaseAuthPlugin

    from osmig.drivers.servers.nova.credentials import Credentials


def make_plugin(credentials: Credentials) -> BaseAuthPlugin:
    """Return what logs in with these credentials; sends nothing."""
    loader = find_loader(AUTH_TYPES[credentials.auth_type].plugin)
    auth = _with_default_domain(dict(credentials.auth))
    # An empty value would count as a scope.
    return loader.create_plugin(**{key: value for key, value in auth.items() if value})


@functools.cache
def find_loader(plugin: str) -> BaseLoader[BaseAuthPlugin]:
    """Return the loader of an auth plugin that keystoneauth itself brings.

    ``keystoneauth1.loading.get_plugin_loader`` asks every installed package, and prefers another's of the same name.
    """
    (entry,) = distribution("keystoneauth1").entry_points.select(group=PLUGIN_NAMESPACE, name=plugin)
    loader: BaseLoader[BaseAuthPlugin] = entry.load()()
    return loader


def _with_default_domain(auth: dict[str, str]) -> dict[str, str]:
    """Spell out a shorthand of clouds.yaml, which no plugin of Keystone v3 knows."""
    domain_id, domain_name = auth.pop("default_domain_id", None), auth.pop("default_domain_name", None)
    for owner in ("user", "project"):
        named = auth.get("username" if owner == "user" else "project_name")
        if named and not auth.keys() & {f"{owner}_domain_id", f"{owner}_domain_name"}:
            auth |= {f"{owner}_domain_id": domain_id} if domain_id else {}
            auth |= {f"{owner}_domain_name": domain_name} if domain_name and not domain_id else {}
    return auth
