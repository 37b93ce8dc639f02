"""Where the API server is and who we are: a kubeconfig file or the pod's service account, read anew on demand.

The loaders of kubernetes.aio do the reading. Their own refresh is not used: it goes by the local wall clock, keeps a
token file's line break, and a kubeconfig's ``tokenFile`` is read only once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import aiohttp
import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader
from kubernetes.aio.config.kube_config import KubeConfigLoader, load_kube_config

from osmig.domain.errors import KubeUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

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

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to reach the API server and as whom; the fields are named as in ``kopf.ConnectionInfo``.

    Attributes:
        server: base URL without a trailing slash.
        scheme: of the ``Authorization`` header, ``Bearer`` or ``Basic``; ``None`` with a client certificate alone.
        token: what follows the scheme.
        default_namespace: the pod's own, or the kubeconfig context's, else ``default``.
        tls_server_name: the name to expect in the server's certificate, where it differs; kopf has no such field.
    """

    server: str
    ca_path: str | None = None
    insecure: bool = False
    scheme: str | None = None
    token: str | None = field(default=None, repr=False)
    certificate_path: str | None = None
    private_key_path: str | None = None
    default_namespace: str = "default"
    proxy_url: str | None = field(default=None, repr=False)
    tls_server_name: str | None = None

    @property
    def authorization(self) -> str | None:
        """The ``Authorization`` header, or ``None``."""
        return f"{self.scheme} {self.token}" if self.scheme and self.token else None


class CredentialSource(Protocol):
    """Something that can read the credentials as they are now."""

    async def read(self, *, fresh: bool) -> Credentials:
        """Return the current credentials.

        Args:
            fresh: forget everything that was read before, as after a refusal.

        Raises:
            KubeUnavailable: they cannot be read.
        """
        ...


def find_source(
    *, kubeconfig: str | None, context: str | None, environ: Mapping[str, str], service_account: Path = SERVICE_ACCOUNT
) -> CredentialSource:
    """Choose where the credentials come from.

    Args:
        kubeconfig: a file, which then wins over everything else.
        context: of the kubeconfig; ``None`` takes its current one.
        environ: the process environment.
        service_account: where a pod finds its service account.

    Returns:
        The named file; else the service account if there is one; else ``$KUBECONFIG`` or ``~/.kube/config``.
    """
    if kubeconfig is None and (service_account / "token").is_file():
        return ServiceAccount(service_account, environ)
    return Kubeconfig(kubeconfig or environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser()), context)


class ServiceAccount:
    """The pod's own account; the kubelet replaces the token file about once an hour."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        """Remember where to look."""
        self._directory = directory
        self._environ = environ

    async def read(self, *, fresh: bool) -> Credentials:  # noqa: ARG002 - every read is fresh
        """Read the files."""
        configuration = Configuration()
        try:
            InClusterConfigLoader(  # type: ignore[no-untyped-call]
                token_filename=str(self._directory / "token"),
                cert_filename=str(self._directory / "ca.crt"),
                try_refresh_token=False,
                environ=self._environ,
            ).load_and_set(configuration)
        except (ConfigException, OSError) as error:
            raise _unreadable(what="the pod's service account") from error
        return _convert(configuration, namespace=_read_namespace(self._directory / "namespace"))


class Kubeconfig:
    """A kubeconfig file, or several joined as kubectl joins them."""

    def __init__(self, path: str, context: str | None) -> None:
        """Remember where to look."""
        self._path = path
        self._context = context
        self._loader: KubeConfigLoader | None = None

    async def read(self, *, fresh: bool) -> Credentials:
        """Read the file, or only what may have changed: token files, and plugins whose answer has expired."""
        if not _any_is_file(self._path):
            raise _unreadable(what="a kubeconfig file (name one, or run in a pod with a service account)")
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
            raise _unreadable(what="the kubeconfig") from error
        return _convert(configuration, namespace=namespace or "default")


def _any_is_file(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _read_namespace(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"


def _unreadable(*, what: str) -> KubeUnavailable:
    return KubeUnavailable("NoCredentials", f"{what} cannot be read")


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
