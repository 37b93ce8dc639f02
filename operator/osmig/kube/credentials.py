"""Where the API server is and who we are: a kubeconfig file or the pod's service account, read anew on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osmig.domain.errors import NoCredentials

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_ACCOUNT = "the pod's service account"


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
            NoCredentials: they cannot be read.
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
    # A pod needs nothing of the Kubernetes client, which takes 0.2 s and 10 MiB.
    from osmig.kube.kubeconfig import Kubeconfig  # noqa: PLC0415

    return Kubeconfig(kubeconfig or environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser()), context)


class ServiceAccount:
    """The pod's own account; the kubelet replaces the token file about once an hour."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = environ

    async def read(self, *, fresh: bool) -> Credentials:  # noqa: ARG002 - every read is fresh
        """Read the files."""
        authority = self._directory / "ca.crt"
        try:
            host, port = (self._environ[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
            token = (self._directory / "token").read_text(encoding="ascii").strip()
            is_complete = bool(host and port and token and authority.read_bytes())
        except (LookupError, OSError, ValueError) as error:
            raise unreadable(what=_ACCOUNT) from error
        if not is_complete:
            raise unreadable(what=_ACCOUNT)
        return Credentials(
            server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            ca_path=str(authority),
            scheme="Bearer",
            token=token,
            default_namespace=_read_namespace(self._directory / "namespace"),
        )


def unreadable(*, what: str) -> NoCredentials:
    """Return the error that says so, without a path or a content."""
    return NoCredentials("NoCredentials", f"{what} cannot be read")


def _read_namespace(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"
