"""The transports of both clouds behind one form, so that what each of them promises is shown by the same tests."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import requests

from nova_support import PATIENT
from osmig.drivers.servers.nova.transport import Transport
from osmig.drivers.tenants.waldur.requests import LIST_RUNS, REPLICATE
from osmig.drivers.tenants.waldur.session import make_access
from osmig.net.answers import Call
from osmig.net.endpoints import EndpointGuard, EndpointPolicy, EndpointRefusedError
from osmig.net.failures import NoAnswerError, PermitExpiredError
from osmig.net.transport import Transport as WaldurTransport
from waldur_support import HASTY, TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from nova_support import Permission, Told
    from osmig.net.bounds import Timeouts
    from osmig.net.endpoints import Resolver

NAMED = EndpointPolicy(allowed=("localhost", "127.0.0.0/8"))
METHODS = ("GET", "POST")
"""One that reads and one that changes something."""
RUNS = LIST_RUNS.about("b8444897d6e64277adb048b2cf09fca5")
ORDER = REPLICATE.about(body={"name": "x"})


class NoAnswer(StrEnum):
    """Why a request got no answer."""

    REFUSED = "refused"
    SILENCE = "silence"
    DRIPPING = "dripping"
    CUT = "cut"
    UNRESOLVED = "unresolved"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one request.

    Attributes:
        status: the answer's; ``None`` without one.
        failure: what was raised in place of an answer.
        is_timeout: it was waited for long enough.
        has_left: of a change: it may have had its effect.
    """

    status: int | None = None
    failure: Exception | None = None
    is_timeout: bool = False
    has_left: bool


class Sender(Protocol):
    """Sends one request, a change only with a permit."""

    async def __call__(self, method: str, permit: Permission | None = None) -> Sent:
        """Send it."""


class Opener(Protocol):
    """Opens one cloud for the length of a block."""

    def __call__(
        self,
        url: str,
        *,
        policy: EndpointPolicy = ...,
        resolve: Resolver | None = ...,
        cacert: bytes | None = ...,
        timeouts: Timeouts = ...,
    ) -> AbstractAsyncContextManager[Sender]:
        """Connect to nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One transport.

    Attributes:
        authorization: what it sends as such.
        failures: the class of what it raises, and words of it, by what happened.
    """

    opened: Opener
    authorization: str | None
    failures: Mapping[NoAnswer, tuple[type[Exception], str]]

    def told(self, sent: Sent, why: NoAnswer) -> bool:
        """Tell whether a request failed in the words for this."""
        kind, words = self.failures[why]
        return isinstance(sent.failure, kind) and words in str(sent.failure)


NO_ANSWERS = (requests.RequestException, NoAnswerError, PermitExpiredError, EndpointRefusedError)


def transport_of(
    noted: Told,
    *,
    policy: EndpointPolicy = NAMED,
    cacert: bytes | None = None,
    resolve: Resolver | None = None,
    timeouts: Timeouts = PATIENT,
) -> Transport:
    """Build a transport to OpenStack; the caller closes it."""
    return Transport(
        EndpointGuard(policy, resolve),
        cacert=cacert,
        timeouts=timeouts,
        threads=2,
        observe=lambda service, operation, code, _seconds: noted.append((service, operation, code)),
    )


@asynccontextmanager
async def open_nova(
    url: str,
    *,
    policy: EndpointPolicy = NAMED,
    resolve: Resolver | None = None,
    cacert: bytes | None = None,
    timeouts: Timeouts = PATIENT,
) -> AsyncIterator[Sender]:
    """Send as the SDK does, from threads."""
    transport = transport_of([], policy=policy, cacert=cacert, resolve=resolve, timeouts=timeouts)

    def send_now(method: str, permit: Permission | None) -> Sent:
        with transport.calling("x", permit) as call:
            try:
                got = transport.session.request(method, f"{url}/v2.1/servers/x", allow_redirects=True)
            except NO_ANSWERS as failure:
                is_timeout = isinstance(failure, requests.Timeout)
                return Sent(failure=failure, is_timeout=is_timeout, has_left=call.may_have_acted)
            return Sent(status=got.status_code, has_left=call.may_have_acted)

    async def send(method: str, permit: Permission | None = None) -> Sent:
        return await asyncio.to_thread(send_now, method, permit)

    try:
        yield send
    finally:
        transport.close()


@asynccontextmanager
async def waldur_transport_of(
    url: str,
    *,
    timeouts: Timeouts = HASTY,
    policy: EndpointPolicy = NAMED,
    resolve: Resolver | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[WaldurTransport]:
    """Open a transport to Waldur as a session does."""
    access = make_access(url, TOKEN, guard=EndpointGuard(policy, resolve), timeouts=timeouts, context=context)
    transport = WaldurTransport(access)
    try:
        yield transport
    finally:
        await transport.close()


@asynccontextmanager
async def open_waldur(
    url: str,
    *,
    policy: EndpointPolicy = NAMED,
    resolve: Resolver | None = None,
    cacert: bytes | None = None,
    timeouts: Timeouts = PATIENT,
) -> AsyncIterator[Sender]:
    """Send as a session does."""
    context = None if cacert is None else ssl.create_default_context(cadata=cacert.decode())
    async with waldur_transport_of(
        url, policy=policy, resolve=resolve, context=context, timeouts=timeouts
    ) as transport:

        async def send(method: str, permit: Permission | None = None) -> Sent:
            call = Call("x", permit)
            try:
                got = await transport.send(RUNS if method == "GET" else ORDER, call)
            except NO_ANSWERS as failure:
                is_timeout = isinstance(failure, NoAnswerError) and failure.is_timeout
                return Sent(failure=failure, is_timeout=is_timeout, has_left=call.has_left)
            return Sent(status=got.status, has_left=call.has_left)

        yield send


WAYS = {
    "openstack": Way(
        opened=open_nova,
        authorization=None,
        failures={
            NoAnswer.REFUSED: (requests.ConnectionError, ""),
            NoAnswer.SILENCE: (requests.ReadTimeout, ""),
            NoAnswer.DRIPPING: (requests.ReadTimeout, ""),
            NoAnswer.CUT: (requests.ConnectionError, ""),
            NoAnswer.UNRESOLVED: (requests.ConnectionError, ""),
            NoAnswer.UNTRUSTED: (requests.exceptions.SSLError, ""),
        },
    ),
    "waldur": Way(
        opened=open_waldur,
        authorization=f"Token {TOKEN}",
        failures={
            NoAnswer.REFUSED: (NoAnswerError, "refused the connection"),
            NoAnswer.SILENCE: (NoAnswerError, "did not answer in time"),
            NoAnswer.DRIPPING: (NoAnswerError, "in time"),
            NoAnswer.CUT: (NoAnswerError, ""),
            NoAnswer.UNRESOLVED: (NoAnswerError, "cannot be resolved"),
            NoAnswer.UNTRUSTED: (NoAnswerError, "certificate is not trusted"),
        },
    ),
}
