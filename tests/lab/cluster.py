"""A real Kubernetes API server with its etcd, on loopback ports, without containers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.admin import Admin
from lab.binaries import Binaries, find_binaries
from lab.child import Child
from lab.kubeconfig import write_audit_policy, write_kubeconfig, write_signing_key, write_tokens
from lab.kubectl import run_kubectl
from lab.ports import free_port
from lab.waiting import NotInTimeError, eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

ADMIN = "admin"
ADMIN_GROUPS = ("system:masters",)
CONTROLLERS = "namespace-controller,garbage-collector-controller,serviceaccount-controller"
STOP_S = 40.0
"""Less than the minute for which an API server waits for those who watch, unless told otherwise."""
COLLECT_AT = "300"
"""Per cent of growth after which an API server collects garbage; by its own 100 it takes a quarter more to start."""


class Cluster:
    """etcd, kube-apiserver and, unless refused, kube-controller-manager; a context manager.

    The controllers are needed for the deletion of namespaces and of owned objects. The API server can be stopped,
    killed and started again on the same port with its data. Everything ends with the process that started it.

    Attributes:
        url: Where the API server listens.
        kubeconfig: Path of the administrator's kubeconfig; it names the certificate authority.
        state: Folder with keys, logs and data.
        admin: The administrator's requests that are not kubectl's.
    """

    def __init__(
        self,
        *,
        binaries: Binaries | None = None,
        users: Mapping[str, Sequence[str]] | None = None,
        state: Path | None = None,
        with_controllers: bool = True,
    ) -> None:
        """Prepare the files; nothing is started yet.

        Args:
            binaries: The programs; found, or built, if not given.
            users: Further users and their groups; ``user_kubeconfig`` gives their way in, a role their rights.
            state: A folder to keep; without it a temporary one, removed by ``stop``.
            with_controllers: Whether kube-controller-manager runs too; without it, it is not built either.
        """
        self.binaries = binaries or find_binaries(with_controllers=with_controllers)
        self._own_state = state is None
        self.state = state or Path(tempfile.mkdtemp(prefix="osmig-cluster-"))
        self.state.mkdir(parents=True, exist_ok=True)
        if with_controllers and self.binaries.controllers is None:
            raise ValueError("binaries names no kube-controller-manager: give it one, or with_controllers=False")
        self._controller_program = self.binaries.controllers if with_controllers else None
        self._tokens = {user: secrets.token_hex(16) for user in (ADMIN, *(users or {}))}
        self._certificates = self.state / "certificates"
        self._authority = self._certificates / "apiserver.crt"
        self._audit = self.state / "audit.log"
        self._port = free_port()
        self.url = f"https://127.0.0.1:{self._port}"
        self.kubeconfig = self.user_kubeconfig(ADMIN)
        self.admin = Admin(self.url, token=self._tokens[ADMIN], authority=self._authority)
        write_signing_key(self.state / "service-accounts.key")
        write_tokens(self.state / "tokens.csv", self._tokens, {**(users or {}), ADMIN: ADMIN_GROUPS})
        write_audit_policy(self.state / "audit-policy.json")
        self._etcd: Child | None = None
        self._etcd_url = ""
        self._apiserver: Child | None = None
        self._controllers: Child | None = None

    def __enter__(self) -> Self:
        """Start everything."""
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        """Stop everything and remove the temporary folder."""
        self.stop()

    def start(self) -> Self:
        """Start everything and return once the API server is ready.

        Raises:
            NotInTimeError: It did not become ready; the message ends with what it said.
        """
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        peers = f"http://127.0.0.1:{free_port()}"
        self._etcd = Child(
            [
                self.binaries.etcd,
                f"--data-dir={self.state / 'etcd'}",
                "--unsafe-no-fsync",
                f"--listen-client-urls={self._etcd_url}",
                f"--advertise-client-urls={self._etcd_url}",
                f"--listen-peer-urls={peers}",
                f"--initial-advertise-peer-urls={peers}",
                f"--initial-cluster=default={peers}",
                "--log-level=warn",
            ],
            log=self.state / "etcd.log",
        )
        self.start_apiserver()
        if self._controller_program:
            self._controllers = Child(
                [
                    self._controller_program,
                    f"--kubeconfig={self.kubeconfig}",
                    f"--controllers={CONTROLLERS}",
                    "--leader-elect=false",
                    "--secure-port=0",
                ],
                log=self.state / "controllers.log",
            )
        return self

    def stop(self) -> None:
        """End everything at once; the API server before etcd, which it would otherwise wait a minute for."""
        if self._controllers:
            self._controllers.kill()
            self._controllers = None
        self.admin.close()
        self.kill_apiserver()
        if self._etcd:
            self._etcd.kill()
            self._etcd = None
        if self._own_state:
            shutil.rmtree(self.state, ignore_errors=True)

    def start_apiserver(self) -> None:
        """Start the API server, on the port it had before, and wait until it is ready."""
        key = self.state / "service-accounts.key"
        child = self._apiserver = Child(
            [
                self.binaries.apiserver,
                f"--etcd-servers={self._etcd_url}",
                "--bind-address=127.0.0.1",
                f"--secure-port={self._port}",
                f"--cert-dir={self._certificates}",
                f"--token-auth-file={self.state / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--disable-admission-plugins=ServiceAccount",
                f"--audit-policy-file={self.state / 'audit-policy.json'}",
                f"--audit-log-path={self._audit}",
                "--audit-log-maxsize=4096",
                # Without it SIGTERM waits a minute for whoever still watches.
                "--shutdown-watch-termination-grace-period=1s",
            ],
            log=self.state / "apiserver.log",
            env={"GOGC": COLLECT_AT} | os.environ,
        )

        def is_up() -> bool:
            return child.returncode is not None or self.admin.is_ready()

        try:
            eventually(is_up, what="the API server's /readyz")
        except NotInTimeError as error:
            error.add_note(child.tail())
            raise
        if child.returncode is not None:
            raise RuntimeError(f"the API server ended at once with {child.returncode}:\n{child.tail()}")

    def stop_apiserver(self) -> int | None:
        """Let the API server end by itself (SIGTERM); return its exit status, None if it did not run."""
        status = self._apiserver.terminate(STOP_S) if self._apiserver else None
        self._apiserver = None
        return status

    def kill_apiserver(self) -> None:
        """End the API server with SIGKILL: connections break, nothing is said."""
        if self._apiserver:
            self._apiserver.kill()
            self._apiserver = None

    def restart_apiserver(self) -> None:
        """Stop and start the API server."""
        self.stop_apiserver()
        self.start_apiserver()

    def kubectl(
        self, *args: str, stdin: str | None = None, check: bool = True, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, as the administrator unless another kubeconfig is given.

        Raises:
            KubectlError: It failed, and ``check`` is on.
        """
        return run_kubectl(
            self.binaries.kubectl,
            *args,
            kubeconfig=kubeconfig or self.kubeconfig,
            home=self.state,
            stdin=stdin,
            check=check,
        )

    def await_established(self, *crds: str) -> None:
        """Wait until the API server serves CRDs, each ``crd/NAME``, or ``-f`` and a path.

        ``kubectl wait`` alone fails on a CRD so new that it has no conditions yet.

        Raises:
            NotInTimeError: It does not serve them.
        """
        eventually(
            lambda: self.kubectl("wait", "--for=condition=Established", *crds, check=False).returncode == 0,
            what=f"served: {' '.join(crds)}",
        )

    def get(self, *args: str) -> dict[str, Any]:
        """Return ``kubectl get ARGS -o json``, parsed.

        Raises:
            KubectlError: There is no such object.
        """
        answer: dict[str, Any] = json.loads(self.kubectl("get", *args, "-o", "json").stdout)
        return answer

    def apply(self, *manifests: Mapping[str, Any] | str) -> None:
        """Apply manifests, each a mapping or YAML text, on the server's side.

        Raises:
            KubectlError: The API server refused one.
        """
        texts = [m if isinstance(m, str) else json.dumps(m) for m in manifests]
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin="\n---\n".join(texts))

    def user_kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of one of ``users`` (or of the administrator)."""
        return self._write_kubeconfig(user, self._tokens[user])

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig for a service account that exists, with a token good for a day.

        This is how the operator gets its real permissions: the administrator's group is exempt from RBAC and from
        Priority & Fairness.
        """
        token = self.kubectl("create", "token", name, "--namespace", namespace, "--duration=24h").stdout.strip()
        return self._write_kubeconfig(f"{namespace}-{name}", token, namespace)

    def audit_mark(self) -> int:
        """Return the present end of the audit log, for ``audit(since=...)``."""
        return self._audit.stat().st_size

    def audit(self, *, since: int = 0) -> list[dict[str, Any]]:
        """Return the audit events written after a mark: who asked for what, with bodies for group osmig.dev.

        ``objectRef`` is empty where somebody asked for what is no object, such as the discovery.
        """
        with self._audit.open("rb") as log:
            log.seek(since)
            lines = log.read().split(b"\n")[:-1]
        return [{"objectRef": {}, **json.loads(line)} for line in lines]

    def _write_kubeconfig(self, name: str, token: str, namespace: str = "default") -> Path:
        path = self.state / f"{name}.kubeconfig"
        return write_kubeconfig(path, url=self.url, authority=self._authority, token=token, namespace=namespace)
