"""From credentials to a Compute endpoint: login, catalogue and version discovery by the SDK, over our own transport."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.exceptions import DiscoveryFailure, EndpointNotFound
from keystoneauth1.identity import BaseIdentityPlugin
from keystoneauth1.session import Session
from openstack import exceptions as sdk
from openstack.connection import Connection
from requests import codes

from osmig import __version__
from osmig.api.names import Reason
from osmig.domain.errors import BackendError, Transient
from osmig.drivers.servers.nova.catalogue import check_catalogue
from osmig.drivers.servers.nova.classify import EXPECTED, classify
from osmig.drivers.servers.nova.plugins import make_plugin
from osmig.drivers.servers.nova.urls import make_presentable, remove_path
from osmig.net.json_reading import UnreadableError, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from osmig.drivers.servers.nova.credentials import Credentials
    from osmig.drivers.servers.nova.transport import Transport
    from osmig.net.permits import Permit

Version = tuple[int, int]

_logger = logging.getLogger(__name__)

_SUCCESS = 2
"""First digit of an HTTP status. The SDK takes a redirect for one, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One Compute request.

    Attributes:
        operation: our word for it.
        microversion: the highest one wanted; the cloud's own highest is taken where that is lower.
        within_s: how long it may take, where that is less than any request may.
    """

    operation: str
    method: str
    path: str
    microversion: Version
    params: Mapping[str, str | int] | None = None
    json: Mapping[str, Any] | None = None
    within_s: float | None = None


class ComputeSession:
    """One login and the Compute endpoint it leads to. Its calls block; safe to share between threads."""

    def __init__(self, credentials: Credentials, transport: Transport) -> None:
        """Build the session; sends nothing.

        Raises:
            TypeError: the credentials do not fit their login; ``read_credentials`` prevents it.
        """
        self._transport = transport
        self._auth = make_plugin(credentials)
        self._sent = threading.local()
        self._discovered: dict[str, Any] = {}
        session = Session(
            auth=self._auth,
            session=transport.session,
            redirect=False,
            connect_retries=0,
            user_agent=f"osmig/{__version__}",
            discovery_cache=self._discovered,
        )
        self._session = session
        self._credentials = credentials
        self._lock = threading.Lock()
        self._compute: Adapter | None = None
        self._version: Version | None = None
        self._served_by: set[str] = set()

    @property
    def service(self) -> str | None:
        """The Compute endpoint and whom it is trusted by; ``None`` until one, and one only, has taken the credentials.

        Told by the URLs that were sent to, because a tenant's Keystone may name another endpoint at each login. Without
        TLS nothing is proven: who answers then may be anybody.
        """
        if len(self._served_by) != 1:
            return None
        (url,) = self._served_by
        return f"{url} {self._transport.trusted}" if url.startswith("https://") else None

    def send(self, request: Request, permit: Permit | None = None) -> requests.Response:
        """Send one request and return its answer if that is a success (2xx).

        Args:
            request: what to send.
            permit: the right to send it, for a request that changes something.

        Raises:
            BackendError: anything else, already classified.
        """
        with self._transport.calling(request.operation, permit, within_s=request.within_s) as call:
            try:
                self._sent.requests = getattr(self._sent, "requests", 0) + 1
                response = self._exchange(request)
                _raise_unless_ok(response)
                self._served_by.add(remove_path(response.url, request.path))
                self._sent.date = response.headers.get("Date", "")
            except EXPECTED as failure:
                # Not chained: the SDK's texts carry URLs and bodies, which belong into no log above debug.
                _logger.debug("upstream.failed", extra={"operation": request.operation}, exc_info=True)
                error = classify(failure, operation=request.operation, may_have_acted=call.may_have_acted)
                is_version_refused = getattr(failure, "status_code", None) == codes.not_acceptable
            else:
                return response
        raise self._learn_anew(error) if is_version_refused else error

    def _learn_anew(self, error: BackendError) -> BackendError:
        """Learn the versions after one was refused; where they have changed, the call goes well the next time."""
        before = self._version
        self.forget_version()
        try:
            after = self.version()
        except BackendError:
            return error
        if before in {None, after}:
            return error
        text = f"The cloud's Compute API is now {after[0]}.{after[1]}; nothing was done, and it is asked again"
        return Transient(Reason.RETRYING, text, operation=error.operation)

    def forget_version(self) -> None:
        """Learn endpoint and versions anew at the next call: an upgrade or a roll-back of the cloud changes them."""
        with self._lock:
            self._compute = self._version = None
            self._discovered.clear()
            # keystoneauth keeps what it found with the login, too, and has no other way to drop it
            self._auth._discovery_cache.clear()  # noqa: SLF001

    def read(self, request: Request) -> Mapping[str, Any]:
        """Send a request that only reads and return its JSON object.

        Raises:
            BackendError: as ``send``; an answer that is no JSON object is a ``Transient``.
        """
        response = self.send(request)
        try:
            body = parse_json(response.content, is_checked=True)  # by the transport
        except UnreadableError:
            body = None
        if not isinstance(body, dict):
            raise classify(ValueError("not a JSON object"), operation=request.operation)
        return body

    def version(self) -> Version:
        """Tell the highest microversion the cloud speaks.

        Raises:
            BackendError: login or discovery failed.
        """
        if self._version is None:
            with self._transport.calling("discover") as call:
                try:
                    self._version = self._discover()
                except EXPECTED as failure:
                    raise classify(failure, operation=call.operation) from None
        return self._version

    def endpoint(self) -> str:
        """Tell the Compute endpoint in use.

        Raises:
            BackendError: login or discovery failed.
        """
        with self._transport.calling("discover") as call:
            try:
                return make_presentable(self._adapter().get_endpoint())
            except EXPECTED as failure:
                raise classify(failure, operation=call.operation) from None

    def identity(self) -> tuple[str | None, str | None]:
        """Tell the user and project of the token; ``None`` where the login does not say (admin_token).

        Raises:
            BackendError: the login failed.
        """
        with self._transport.calling("authenticate") as call:
            try:
                return self._session.get_user_id(), self._session.get_project_id()
            except EXPECTED as failure:
                raise classify(failure, operation=call.operation) from None

    def roles(self) -> frozenset[str] | None:
        """Tell the roles of the token in lower case; ``None`` where the login does not say (admin_token).

        Raises:
            BackendError: the login failed.
        """
        if not isinstance(self._auth, BaseIdentityPlugin):
            return None
        with self._transport.calling("authenticate") as call:
            try:
                names = self._auth.get_access(self._session).role_names or ()
                return frozenset(name.lower() for name in names)
            except EXPECTED as failure:
                raise classify(failure, operation=call.operation) from None

    def take_count(self) -> int:
        """Return how many Compute requests this thread has sent since it was asked last."""
        sent: int = getattr(self._sent, "requests", 0)
        self._sent.requests = 0
        return sent

    def read_date(self) -> str:
        """Return the ``Date`` of the newest answer that this thread got, empty where it had none."""
        date: str = getattr(self._sent, "date", "")
        return date

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def _exchange(self, request: Request) -> requests.Response:
        adapter = self._adapter()
        version = min(request.microversion, self._version or self._discover())
        # The request of keystoneauth beneath the SDK's own, which in 4.22 warns about itself each time.
        response: requests.Response = Adapter.request(
            adapter,
            request.path,
            request.method,
            microversion=f"{version[0]}.{version[1]}",
            params=dict(request.params) if request.params else None,
            json=request.json,
            raise_exc=False,
            redirect=False,
            connect_retries=0,
            status_code_retries=0,
            headers={"Accept": "application/json"},
        )
        return response

    def _adapter(self) -> Adapter:
        with self._lock:
            if self._compute is None:
                self._compute = self._connect()
            return self._compute

    def _connect(self) -> Adapter:
        """Look the endpoint up; anew each time until it is found, because the SDK keeps a failure for good."""
        if isinstance(self._auth, BaseIdentityPlugin):
            check_catalogue(self._auth.get_access(self._session), self._credentials)
        # With a session of ours the SDK reads neither clouds.yaml files nor the environment.
        connection = Connection(
            session=self._session,
            region_name=self._credentials.region_name,
            interface=self._credentials.interface,
        )
        compute = connection.compute
        if not isinstance(compute, Adapter):  # a stand-in that fails when used
            raise EndpointNotFound
        return compute

    def _discover(self) -> Version:
        try:
            found = self._adapter().get_endpoint_data()
        except DiscoveryFailure:
            found = None
        highest = found.max_microversion if found is not None else None
        if not highest:
            # keystoneauth guesses from the URL when the version list fails; a guess must not outlive the failure.
            self._compute = None
            call = self._transport.current
            raise DiscoveryFailure from (call.failure if call is not None else None)
        self._version = (int(highest[0]), int(highest[1]))
        return self._version


def _raise_unless_ok(response: requests.Response) -> None:
    sdk.raise_from_response(response)
    if response.status_code // 100 != _SUCCESS:
        raise sdk.HttpException(response=response)
