"""A kubeconfig file, read by the loader of kubernetes.aio, which knows every way to log in.

Its own refresh is not used: it goes by the local wall clock, and a ``tokenFile`` is read only once.
"""

from __future__ import annotations

import os
from pathlib import Path

import aiohttp
import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.kube_config import KubeConfigLoader, load_kube_config

from osmig.kube.credentials import Credentials, unreadable

# Parsers, plugins and token exchanges each fail in their own way.
_LOADER_ERRORS = (
    AttributeError,
    ConfigException,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    aiohttp.ClientError,
    yaml.YAMLError,
)


class Kubeconfig:
    """A kubeconfig file, or several joined as kubectl joins them."""

    def __init__(self, path: str, context: str | None) -> None:
        self._path = path
        self._context = context
        self._loader: KubeConfigLoader | None = None

    async def read(self, *, fresh: bool) -> Credentials:
        """Read the file, or only what may have changed: token files, and plugins whose answer has expired."""
        if not _any_is_file(self._path):
            raise unreadable(what="a kubeconfig file (name one, or run in a pod with a service account)")
        configuration = Configuration()
        try:
            if fresh or self._loader is None:
                self._loader = await load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=self._path,
                    context=self._context,
                    client_configuration=configuration,
                    persist_config=False,
                )
            else:
                await self._loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
            namespace = self._loader.current_context["context"].get("namespace")
        except _LOADER_ERRORS as error:
            self._loader = None
            raise unreadable(what="the kubeconfig") from error
        return _convert(configuration, namespace=namespace or "default")


def _any_is_file(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _convert(configuration: Configuration, *, namespace: str) -> Credentials:
    scheme, _, token = str(configuration.api_key.get("BearerToken") or "").strip().partition(" ")
    return Credentials(
        server=configuration.host.rstrip("/"),
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme.capitalize() or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        default_namespace=namespace,
        proxy_url=configuration.proxy,
        tls_server_name=configuration.tls_server_name,
    )
