"""Jobs that copy mailboxes in tests: manifests, and an engine whose hosting service answers without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from controller_lab import Lab
from lab.hosting import TOKEN, HostingWorld
from nova_support import LOOPBACK, telling
from osmig.api.names import Kind
from osmig.api.provider import ProviderSpec
from osmig.clock import SystemClock
from osmig.controllers.keys import Key
from osmig.drivers.mailboxes.hosting.backend import HostingBackend
from osmig.drivers.mailboxes.hosting.factory import build
from osmig.drivers.mailboxes.hosting.session import HostingSession
from osmig.drivers.ports import Net
from osmig.net.answers import Answer
from osmig.net.endpoints import EndpointGuard
from osmig.net.failures import NoAnswerError, PermitExpiredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller_fakes import ApiServer
    from osmig.net.answers import Call
    from osmig.net.bounds import Timeouts
    from osmig.net.connection import Connection
    from osmig.net.limiting import Priority
    from osmig.net.requests import Request

T = TypeVar("T")

HOSTING = Key(Kind.PROVIDER, "team-a", "hosting")
WAVE = Key(Kind.MIGRATION, "team-a", "wave-1")
PASSWORD = "hunter2-canary"  # noqa: S105 - looked for everywhere
ADDRESS = "ann.canary"
ENDPOINT = "https://api.example.org"
MEANT = {"endpoint": ENDPOINT.encode()}
"""What each Secret has that may be sent there."""
LIST = f"{ADDRESS}@example.org;ann;{PASSWORD};imap.example.net\nbob@example.org;bob;{PASSWORD};imap.example.net\n"


def spec_for(endpoint: str, **hosting: Any) -> ProviderSpec:  # noqa: ANN401 - fields of a spec
    """Name a service, which tests may ask often."""
    options = {"endpoint": endpoint, "tokenRef": {"secretName": "s"}, "requestsPerSecond": 10} | hosting
    return ProviderSpec.model_validate({"type": "Hosting", "hosting": options})


def hosting_body(*, endpoint: str = ENDPOINT, **hosting: Any) -> dict[str, Any]:  # noqa: ANN401
    """A Provider of type Hosting; ``hosting`` adds fields."""
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Provider",
        "metadata": {"name": "hosting", "namespace": "team-a", "uid": "u-h", "resourceVersion": "7"},
        "spec": {
            "type": "Hosting",
            "hosting": {"endpoint": endpoint, "tokenRef": {"secretName": "hosting"}} | hosting,
        },
    }


def wave_body(
    *,
    name: str = "wave-1",
    uid: str = "",
    mailboxes: Mapping[str, Any] | None = None,
    **spec: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """A MailboxMigration; ``mailboxes`` and ``spec`` replace members."""
    options = {"csvSecretRef": {"secretName": "list"}, "preset": "Standard-SSL", "executeNow": True}
    options |= mailboxes or {}
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Migration",
        "metadata": {"name": name, "namespace": "team-a", "uid": uid or f"u-{name}", "resourceVersion": "7"},
        "spec": {
            "providerRef": {"name": "hosting"},
            "type": "MailboxMigration",
            "mailboxes": {key: value for key, value in options.items() if value is not None},
        }
        | spec,
    }


@dataclass
class DirectConnection:
    """The way to the double without a network (`osmig.net.connection.Connection`).

    Attributes:
        token: that is sent.
        before: called before each request reaches the service; may raise.
        after: called after it was answered; raising loses the process, not the effect.
    """

    world: HostingWorld
    token: str = TOKEN
    before: Callable[[Request], object] = lambda _: None
    after: Callable[[Request], object] = lambda _: None

    async def send(self, request: Request, call: Call, _: Priority) -> Answer:
        """Ask the service."""
        self.before(request)
        if call.permit is not None:
            if not call.permit.is_valid():
                raise PermitExpiredError
        elif request.method != "GET":
            raise AssertionError(request.method)
        call.has_left = True
        body = json_of(request)
        reply = self.world.answer(request.method, request.target, body, token=self.token)
        self.after(request)
        if reply is None:
            raise NoAnswerError("The connection to the endpoint broke")
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Answer(reply.status, reply.body, headers)

    async def parse(self, answer: Answer, parse: Callable[[Answer], T]) -> T:
        """Read an answer."""
        return parse(answer)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def backend(self, lab: Lab, *, customer: str | None = None, max_jobs: int = 5) -> HostingBackend:
        """The adapter over this connection."""
        session = HostingSession(cast("Connection", self))
        return HostingBackend(session, endpoint=ENDPOINT, clock=lab.clock, customer=customer, max_jobs=max_jobs)


def make_backend(endpoint: str, *, timeouts: Timeouts) -> HostingBackend:
    """Build a backend over HTTP as the app does; the caller closes it."""
    guard = EndpointGuard(LOOPBACK, None)
    net = Net(guard=guard, clock=SystemClock(), timeouts=timeouts, threads=1, observer_of=telling([]))
    return build(net, ("team-a", "hosting"), spec_for(endpoint), {"token": TOKEN.encode()})


def json_of(request: Request) -> bytes:
    """Return a request's body as it is sent."""
    return b"" if request.body is None else json.dumps(request.body).encode()


class MailLab(Lab):
    """An engine with a hosting service, stepped by hand."""

    def __init__(self, world: HostingWorld, *, api: ApiServer | None = None, holder: str = "me") -> None:
        """Know of nothing yet."""
        self.world = world
        self.way = DirectConnection(world)
        super().__init__(api=api, holder=holder, factories={"Hosting": self._connect})

    async def _connect(self, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> HostingBackend:
        assert key == ("team-a", "hosting")
        assert spec.hosting is not None
        self.way.token = secret[spec.hosting.token_ref.key].decode()
        return self.way.backend(self, customer=spec.hosting.customer_code, max_jobs=spec.hosting.max_jobs)

    def put_list(self, text: str | bytes) -> None:
        """Put a list into its Secret, which says where it may be sent."""
        content = text.encode() if isinstance(text, str) else text
        self.api.secrets["team-a", "list"] = {"mailboxes.csv": content} | MEANT

    @property
    def told(self) -> dict[str, Any]:
        """The status of the one Migration."""
        return dict(self.api.status(WAVE))

    @property
    def is_over(self) -> bool:
        """Whether the one Migration has ended."""
        return bool(self.told.get("completionTime"))

    @property
    def reason(self) -> str:
        """Why it stands where it does."""
        conditions = self.told.get("conditions", [])
        return str(next(one["reason"] for one in conditions if one["type"] == "Succeeded"))

    async def play(self, key: Key = WAVE, *, seconds: float = 0.0) -> None:
        """Step a Migration whenever it is due, for so long by the clock."""
        end = self.clock.elapsed + seconds
        for _ in range(1000):
            due_s = await self.step(key)
            # what a step wakes by itself, as after a call, is not in what it returns
            due_s = 1.0 if due_s is None and not self.is_over else due_s
            if due_s is None or self.clock.elapsed + due_s > end:
                self.clock.elapsed = max(self.clock.elapsed, end)
                return
            self.clock.advance(max(due_s, 0.05))
        raise AssertionError("it is stepped without end")


async def mail_lab(
    world: HostingWorld | None = None,
    *,
    api: ApiServer | None = None,
    holder: str = "me",
    **hosting: Any,  # noqa: ANN401
) -> MailLab:
    """An engine whose Provider is ready, and a list in a Secret."""
    lab = MailLab(world or HostingWorld(), api=api, holder=holder)
    if api is None:
        lab.api.secrets["team-a", "hosting"] = {"token": TOKEN.encode()} | MEANT
        lab.put_list(LIST)
        lab.offer(Kind.PROVIDER, hosting_body(**hosting))
    else:
        lab.show(HOSTING)
    await lab.step(HOSTING)
    return lab
