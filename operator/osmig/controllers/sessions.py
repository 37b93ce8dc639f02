"""The connection to each Provider as this process has it: backend, what the probe said, what the sweeps brought."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from osmig.api.names import Reason
from osmig.api.provider import Limits
from osmig.controllers.listing import Listing
from osmig.controllers.sweeping import Rows
from osmig.domain.errors import ProviderDisconnected
from osmig.domain.mirroring import Memory
from osmig.domain.observation import ProviderView

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.provider import ProviderType
    from osmig.controllers.keys import Key
    from osmig.controllers.refused_logins import Refusal
    from osmig.domain.capabilities import Probe
    from osmig.domain.conditions import Mirrored
    from osmig.drivers.ports import Backend


_numbers = itertools.count(1)


@dataclass(slots=True)
class Mirroring:
    """How far the mirrors of one Provider are.

    Attributes:
        memory: what the sweep before has left.
        revision: of the rows that were mirrored last.
        has: operations with a mirror, after the sweep; ``None`` before the first one and in another mode.
        lacks: operations that should have one and do not.
        verdict: for the condition; ``None`` in another mode.
    """

    memory: Memory = field(default_factory=Memory)
    revision: int = 0
    has: int | None = None
    lacks: int | None = None
    verdict: Mirrored | None = None


@dataclass(slots=True)
class Session:
    """One Provider's connection; all times are boottimes.

    Attributes:
        provider_type: the Provider's type as last stepped, which is the type of ``backend``.
        fingerprint: of the spec and the Secret that ``backend`` was made of; another one means a new backend.
        wants_refresh: read the Secret and probe again at the next step, as after a 401 or a ``reconcile``.
        wants_login: somebody asks to try refused credentials again, by a ``reconcile`` of a Migration.
        refusal: of these credentials; what is on record takes its place until a Secret was read.
        secret_version: of the Secret as read last.
        has_read_secret: by this process; until then it is not known whether what is on record still holds.
        quiet_until: upstream asked not to be called before.
        listing: of what goes on, where sweeps list nothing.
        counts_written: when the status was last written for new counts alone.
        limits: of the Provider's spec as last stepped.
        mirroring: what has a mirror.
        failed_sweeps: in a row; a Provider is unreachable after the third.
    """

    provider_type: ProviderType | None = None
    backend: Backend | None = None
    fingerprint: str = ""
    probe: Probe | None = None
    view: ProviderView = field(
        default_factory=lambda: ProviderView(is_ready=False, reason=Reason.PROBING, message="the Provider is probed")
    )
    rows: Rows = field(default_factory=Rows)
    limits: Limits = field(default_factory=Limits)
    mirroring: Mirroring = field(default_factory=Mirroring)
    cursor: dt.datetime | None = None
    secret_read_at: float = -math.inf
    swept_at: float = -math.inf
    probed_at: float = -math.inf
    fully_swept_at: float = -math.inf
    full_sweep_took_s: float = 0.0
    failed_sweeps: int = 0
    wants_refresh: bool = False
    wants_login: bool = False
    refusal: Refusal | None = None
    has_read_secret: bool = False
    secret_version: str = ""
    quiet_until: float = -math.inf
    is_attempted: bool = False
    listing: Listing = field(default_factory=Listing)
    counts_written: list[float] = field(default_factory=list)

    def begin_connection(self) -> None:
        """Know nothing of upstream any more, because another connection is made: it may lead elsewhere."""
        self.view = replace(Session().view, connection=next(_numbers))
        self.probe, self.cursor, self.swept_at = None, None, -math.inf
        self.rows.clear()
        self.mirroring.memory = Memory()
        self.stop_listing()

    def stop_listing(self) -> None:
        """Read no further in the list of what goes on, and know nothing of it."""
        self.listing.cancel()
        self.listing = Listing()


class Sessions:
    """All Providers' connections."""

    def __init__(self) -> None:
        self._sessions: dict[Key, Session] = {}

    def get(self, key: Key) -> Session | None:
        """Return the session of a Provider that exists."""
        return self._sessions.get(key)

    def ensure(self, key: Key) -> Session:
        """Return the session of a Provider, a fresh one the first time."""
        return self._sessions.setdefault(key, Session())

    async def open(self, key: Key, provider_type: ProviderType) -> Session:
        """Return the session of a Provider of that type; what a backend of another type said means nothing to it."""
        session = self.ensure(key)
        if session.provider_type not in {None, provider_type}:
            await self.close(key)
            session = self.ensure(key)
        session.provider_type = provider_type
        return session

    def find_backend(self, key: Key, needed: ProviderType, view: ProviderView) -> Backend:
        """Return the backend that a decision made on ground of ``view`` counts on; never another one.

        Raises:
            ProviderDisconnected: it was deleted, lost its Secret, got another one or changed its type since then.
        """
        session = self._sessions.get(key)
        if (
            session is None
            or session.backend is None
            or session.provider_type is not needed
            or session.view.connection != view.connection
        ):
            raise ProviderDisconnected(
                reason=Reason.PROVIDER_NOT_READY, message=f"Provider {key.name} has no connection"
            )
        return session.backend

    def find_service(self, key: Key) -> str | None:
        """Return the Compute service that a Provider was seen to speak to; ``None`` while that is not proven."""
        session = self._sessions.get(key)
        return session.backend.service if session is not None and session.backend is not None else None

    def view(
        self, key: Key, wanted: str, needed: ProviderType, *, exists: bool, calls_off: bool = False
    ) -> ProviderView:
        """Return what may be known of a Provider, also of one that is not there or not stepped yet.

        Args:
            key: the Provider.
            wanted: who asks: a type of Migration, or another kind.
            needed: the type of Provider that serves it; one of another type is never ready for it.
            exists: whether there is such a Provider.
            calls_off: whether the Migration is being deleted: it may use the connection that a deleted Provider left.
        """
        session = self._sessions.get(key)
        if session is not None and (exists or calls_off):
            if session.provider_type in {None, needed}:
                return session.view
            message = f"Provider {key.name} is of type {session.provider_type}; a {wanted} needs one of type {needed}"
            return ProviderView(is_ready=False, reason=Reason.WRONG_PROVIDER_TYPE, message=message)
        if exists:
            return Session().view
        return ProviderView(
            is_ready=False,
            reason=Reason.PROVIDER_NOT_FOUND,
            message=f"there is no Provider {key.name} in namespace {key.namespace}",
        )

    async def close(self, key: Key) -> None:
        """Forget a Provider that was deleted."""
        session = self._sessions.pop(key, None)
        if session is None:
            return
        session.stop_listing()
        if session.backend is not None:
            await session.backend.close()

    def stop_listing(self) -> None:
        """Read no further in any list, because the process ends."""
        for session in self._sessions.values():
            session.stop_listing()

    async def close_all(self) -> None:
        """Close every connection."""
        for key in tuple(self._sessions):
            await self.close(key)
