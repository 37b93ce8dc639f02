"""The API server as its administrator asks it without a kubectl: for what every test does, and who waits does often."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT_S = 10.0
OK, NOT_FOUND, CONFLICT = 200, 404, 409


class Admin:
    """Plain requests with the administrator's token; a kubectl for each would take most of a busy machine."""

    def __init__(self, url: str, *, token: str, authority: Path) -> None:
        """Connect to nothing yet.

        Args:
            url: Where the API server listens.
            token: The administrator's.
            authority: The certificate that the API server writes when it is started first.
        """
        self._url = url
        self._token = token
        self._authority = authority
        self._trust: ssl.SSLContext | None = None
        self._kept: deque[http.client.HTTPSConnection] = deque()

    def is_ready(self) -> bool:
        """Return whether ``/readyz`` says yes.

        Raises:
            OSError: There is no answer yet, or another one.
        """
        return self._read("/readyz") == b"ok"

    def get(self, path: str) -> dict[str, Any]:
        """Return the object or list at a path of the API server.

        Raises:
            OSError: There was no answer, or another one than 200.
        """
        found: dict[str, Any] = json.loads(self._read(path))
        return found

    def create(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object in the list at a path.

        Raises:
            OSError: There was no answer, or a refusal.
        """
        self._ask("POST", path, body)

    def apply(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Apply the manifest of the object at a path on the server's side, as ``Cluster.apply`` does by kubectl.

        Raises:
            OSError: There was no answer, or a refusal.
        """
        self._ask("PATCH", f"{path}?fieldManager=kubectl&force=true", manifest, kind="apply-patch+yaml")

    def annotate(self, path: str, **annotations: str | None) -> None:
        """Set annotations of the object at a path; None removes one.

        Raises:
            OSError: There was no answer, or a refusal.
        """
        self._ask("PATCH", path, {"metadata": {"annotations": annotations}}, kind="merge-patch+json")

    def create_namespace(self, name: str) -> None:
        """Create a namespace.

        Raises:
            OSError: There was no answer, or a refusal: it exists already.
        """
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self._ask("POST", "/api/v1/namespaces", body)

    def delete_namespace(self, name: str) -> None:
        """Begin the deletion of a namespace, which the controllers end; one that is gone or going is left alone.

        Raises:
            OSError: There was no answer, or another refusal.
        """
        try:
            self._ask("DELETE", f"/api/v1/namespaces/{name}", {})
        except urllib.error.HTTPError as error:
            if error.code not in {NOT_FOUND, CONFLICT}:
                raise

    def close(self) -> None:
        """Let the kept connections go."""
        while self._kept:
            self._kept.pop().close()

    def _read(self, path: str) -> bytes:
        """GET a path on a connection that is kept: whoever waits asks often, and each new one is a handshake.

        One that was kept and broke, as after a restart of the API server, is replaced by a new one.
        """
        while self._kept:
            try:
                return self._read_on(self._kept.pop(), path)
            except (urllib.error.HTTPError, TimeoutError):
                raise
            except (IndexError, OSError, http.client.HTTPException):
                continue
        address = urllib.parse.urlsplit(self._url)
        fresh = http.client.HTTPSConnection(
            str(address.hostname), address.port, timeout=TIMEOUT_S, context=self._know_authority()
        )
        try:
            return self._read_on(fresh, path)
        except http.client.HTTPException as error:
            raise OSError(f"GET {path}: {error!r}") from error

    def _read_on(self, connection: http.client.HTTPSConnection, path: str) -> bytes:
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            content = answer.read()
        except BaseException:
            connection.close()
            raise
        self._kept.append(connection)
        if answer.status != OK:
            raise urllib.error.HTTPError(self._url + path, answer.status, answer.reason, answer.headers, None)
        return content

    def _know_authority(self) -> ssl.SSLContext:
        self._trust = self._trust or ssl.create_default_context(cafile=str(self._authority))
        return self._trust

    def _ask(self, method: str, path: str, body: Mapping[str, Any], *, kind: str = "json") -> None:
        request = urllib.request.Request(  # noqa: S310 - loopback
            self._url + path, method=method, data=json.dumps(body).encode() if body else None
        )
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", f"application/{kind}")
        with urllib.request.urlopen(request, context=self._know_authority(), timeout=TIMEOUT_S):  # noqa: S310 - loopback
            pass
