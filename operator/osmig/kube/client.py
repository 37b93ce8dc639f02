"""One connection pool to the API server: calls in, bodies or our errors out.

A kubeconfig is read by kubernetes.aio. The requests are aiohttp's own, because the REST client of kubernetes.aio cannot
be kept from following redirects, and looks up proxy and netrc of the environment in a thread on every call.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from osmig import __version__
from osmig.domain.errors import CertificateRefused, KubeFailure, KubeUnavailable, NoCredentials
from osmig.kube.answers import Answer, classify, is_sound, parse, read_warnings
from osmig.kube.credentials import find_source
from osmig.kube.refs import KubeVerb

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from osmig.domain.clock import Clock
    from osmig.kube.credentials import Credentials, CredentialSource
    from osmig.kube.refs import Call

FIELD_MANAGER = "osmig"
CONNECTIONS = 20
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
# client-go reads the token file of a service account this often; the kubelet replaces it long before it expires.
CREDENTIALS_AGE_S = 60.0
# After a 401 they are read anew, but a server that refuses every token must not make us spin.
REFUSED_AGE_S = 5.0

# JSON is valid YAML, so an apply is sent as JSON under the one type that every version of the API server takes.
_CONTENT_TYPES = {
    KubeVerb.PATCH: "application/merge-patch+json",
    KubeVerb.APPLY: "application/apply-patch+yaml",
}

_logger = logging.getLogger(__name__)


def _ignore(operation: str, code: str, seconds: float, /) -> None:
    pass


@asynccontextmanager
async def connect(
    *,
    kubeconfig: str | None,
    clock: Clock,
    context: str | None = None,
    connections: int = CONNECTIONS,
    on_request: Callable[[str, str, float], object] = _ignore,
) -> AsyncGenerator[KubeClient]:
    """Find the credentials and open a client for the life of a ``with`` block; sends nothing yet.

    Args:
        kubeconfig: a file; ``None`` means the pod's service account, else ``$KUBECONFIG`` or ``~/.kube/config``.
        clock: measures the calls and the age of the credentials.
        context: of the kubeconfig; ``None`` takes its current one.
        connections: how many calls may be under way at once; the rest wait.
        on_request: told of every call: operation (``update migrations/status``), status code (or ``no-answer``), and
            seconds.

    Raises:
        NoCredentials: no credentials can be read.
    """
    source = find_source(kubeconfig=kubeconfig, context=context, environ=os.environ)
    client = KubeClient(source, await source.read(fresh=True), clock, connections=connections, on_request=on_request)
    try:
        yield client
    finally:
        await client.close()


class KubeClient:
    """Sends each call exactly once and says in our errors what went wrong; keeps the credentials young."""

    def __init__(
        self,
        source: CredentialSource,
        credentials: Credentials,
        clock: Clock,
        *,
        connections: int = CONNECTIONS,
        on_request: Callable[[str, str, float], object] = _ignore,
    ) -> None:
        """Open a pool for ``credentials``; needs a running event loop. ``connect()`` is the way to get one.

        Raises:
            NoCredentials: the certificates cannot be read.
        """
        self._source = source
        self._credentials = credentials
        self._clock = clock
        self._observe = on_request
        self._read_at = clock.boottime()
        self._age_limit_s = CREDENTIALS_AGE_S
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=_make_ssl_context(credentials)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "User-Agent": f"osmig/{__version__}"},
            middlewares=(_send_once,),
        )

    async def close(self) -> None:
        """Close all connections; calls under way fail."""
        await self._session.close()

    async def credentials(self) -> Credentials:
        """Read the credentials anew, for another client such as the watch.

        Raises:
            NoCredentials: they cannot be read.
        """
        self._credentials = await self._source.read(fresh=True)
        self._read_at = self._clock.boottime()
        self._age_limit_s = CREDENTIALS_AGE_S
        return self._credentials

    async def request(
        self,
        call: Call,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Send ``call`` once.

        Args:
            call: what to do to which object.
            body: the object, the merge patch, or the fields to apply.
            query: further parameters; every write gets ``fieldManager=osmig``.
            timeout_s: for the whole call, waiting for a free connection included.

        Raises:
            WriteConflict: 409.
            ListExpired: the list began too long ago.
            ObjectGone: the API server says that the object does not exist.
            InvalidWrite: it refuses what was sent.
            KubeFailure: no answer, no permission, or try later. After "no answer" a write may have happened.
        """
        authorization = await self._authorize()
        started = self._clock.boottime()
        code = "no-answer"
        try:
            async with self._send(call, authorization, body=body, query=query, timeout_s=timeout_s) as response:
                payload = await response.read()
            code = str(response.status)
        except TimeoutError as error:
            raise KubeUnavailable(
                reason="Timeout", message=f"{call.operation}: no answer within {timeout_s:g} s"
            ) from error
        except aiohttp.ClientSSLError as error:
            message = f"{call.operation}: the API server's certificate is not the expected one"
            raise CertificateRefused(reason="CertificateRefused", message=message) from error
        except aiohttp.ClientError as error:
            raise KubeUnavailable(
                reason="Unreachable", message=f"{call.operation}: the API server does not answer"
            ) from error
        finally:
            self._observe(call.operation, code, self._clock.boottime() - started)
        return self._judge(call, response, payload)

    def _send(
        self,
        call: Call,
        authorization: str | None,
        *,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        timeout_s: float,
    ) -> Any:  # noqa: ANN401 - aiohttp's context manager has a private type
        url = URL(self._credentials.server + call.path, encoded=True)
        headers = {} if authorization is None else {"Authorization": authorization}
        if body is not None:
            headers["Content-Type"] = _CONTENT_TYPES.get(call.verb, "application/json")
        fixed = {"fieldManager": FIELD_MANAGER} if call.verb.is_write else {}
        return self._session.request(
            call.verb.method,
            url.with_query({**(query or {}), **fixed}),
            data=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            proxy=self._credentials.proxy_url,
            server_hostname=self._credentials.tls_server_name,
        )

    def _judge(self, call: Call, response: aiohttp.ClientResponse, payload: bytes) -> Answer:
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._age_limit_s = REFUSED_AGE_S
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise classify(call, response.status, retry_after=response.headers.get("Retry-After"), payload=payload)
        answered = parse(payload)
        if answered is None or not is_sound(call, answered):
            raise KubeUnavailable(
                reason="NotKubernetes", message=f"{call.operation}: the answer is not an object of the API server"
            )
        return Answer(answered, read_warnings(response.headers.getall("Warning", [])))

    async def _authorize(self) -> str | None:
        if self._clock.boottime() - self._read_at >= self._age_limit_s:
            fresh = self._age_limit_s == REFUSED_AGE_S
            # Set before the reading, so that calls beside this one go on with what we have.
            self._read_at = self._clock.boottime()
            try:
                self._credentials = await self._source.read(fresh=fresh)
            except KubeFailure as error:
                _logger.warning("credentials.unreadable", extra={"reason": error.reason})
            else:
                self._age_limit_s = CREDENTIALS_AGE_S
        return self._credentials.authorization


def _make_ssl_context(credentials: Credentials) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=credentials.ca_path)
        if credentials.certificate_path is not None:
            context.load_cert_chain(credentials.certificate_path, credentials.private_key_path)
    except OSError as error:
        message = "the certificates that belong to the credentials cannot be read"
        raise NoCredentials(reason="NoCredentials", message=message) from error
    if credentials.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again after a cut connection: a PUT that did succeed would become a 409."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        message = "the connection was cut"
        raise aiohttp.ClientConnectionError(message) from error
