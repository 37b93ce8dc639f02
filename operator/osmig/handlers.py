"""kopf's events → the Intake, and kopf's login; nothing else. Only ``on.event`` is used for objects (ADR 0001)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from osmig.bare_kopf import kopf
from osmig.controllers.keys import RESOURCES
from osmig.domain.errors import OperatorError
from osmig.kube.resources import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import timedelta

    from osmig.api.names import Kind
    from osmig.controllers.intake import Intake
    from osmig.domain.clock import Clock
    from osmig.kube.credentials import Credentials

_logger = logging.getLogger(__name__)

LOGIN_PAUSE_S = 5.0
LOGIN_SOON_S = 60.0


class NoEssence(kopf.AnnotationsDiffBaseStorage):
    """Stores no last-handled configuration: ``on.event`` compares nothing, and building it costs a third of the CPU."""

    @override
    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence."""
        return kopf.BodyEssence({})

    @override
    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return none: nothing was ever stored, so no annotation need be looked for."""
        return None


def build_registry(intake: Intake, login: Login) -> kopf.OperatorRegistry:
    """Register one event handler per kind, and the login."""
    registry = kopf.OperatorRegistry()
    for kind, served in RESOURCES.items():
        watch = kopf.on.event(
            served.group, served.version, served.plural, registry=registry, id=f"offer-{served.plural}"
        )
        watch(_make_handler(intake, kind))
    kopf.on.login(registry=registry, id="login")(login.connect)
    return registry


def _make_handler(intake: Intake, kind: Kind) -> Callable[..., Awaitable[None]]:
    async def offer(event: kopf.RawEvent, **_: Any) -> None:  # noqa: ANN401 - kopf's calling convention
        body: Mapping[str, Any] = event["object"]
        if event["type"] == "DELETED":
            intake.remove(kind, body)
        else:
            intake.offer(kind, body)

    return offer


class Login:
    """Reads the credentials anew whenever kopf asks.

    A token that was refused moments ago is read again only after a pause: otherwise kopf logs in 150 times a second
    until the file changes (seen with kopf 1.45).
    """

    def __init__(self, read: Callable[[], Awaitable[Credentials]], clock: Clock, lifetime: timedelta) -> None:
        """Use ``read``; what it returns is good for ``lifetime``."""
        self._read = read
        self._clock = clock
        self._lifetime = lifetime
        self._last = ("", float("-inf"))

    async def connect(self, **_: Any) -> kopf.ConnectionInfo:  # noqa: ANN401 - kopf's calling convention
        """Return what kopf needs to connect."""
        found = await self._read_patiently()
        token, at = self._last
        if (found.token or "") == token and self._clock.boottime() - at < LOGIN_SOON_S:
            await self._clock.sleep(LOGIN_PAUSE_S)
            found = await self._read_patiently()
        self._last = (found.token or "", self._clock.boottime())
        return kopf.ConnectionInfo(
            server=found.server,
            ca_path=found.ca_path,
            insecure=found.insecure,
            scheme=found.scheme,
            token=found.token,
            certificate_path=found.certificate_path,
            private_key_path=found.private_key_path,
            default_namespace=found.default_namespace,
            proxy_url=found.proxy_url,
            expiration=self._clock.now() + self._lifetime,
        )

    async def _read_patiently(self) -> Credentials:
        """Read until it works: kopf ends the process when a login brings nothing, and a token file may be replaced."""
        while True:
            try:
                return await self._read()
            except OperatorError as error:
                _logger.warning("credentials.unreadable", extra={"reason": error.reason})
                await self._clock.sleep(LOGIN_PAUSE_S)


def build_settings() -> kopf.OperatorSettings:
    """Return kopf's settings with the values measured for ``on.event`` alone (docs/architecture.md)."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.peering.standalone = True
    # an int: the API server refuses 300.0, and kopf ends
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 30
    settings.watching.inactivity_timeout = 90
    settings.watching.chunk_size = PAGE_SIZE
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    # who asks again, and when, is decided in one place: patient_kopf
    settings.networking.error_backoffs = ()
    settings.persistence.diffbase_storage = NoEssence()
    # kopf keeps a task and the whole body of each object for so long; after a list, that is all of them at once
    settings.queueing.idle_timeout = 0.5
    return settings
