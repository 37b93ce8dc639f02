"""Nova's blocking requests, run from the event loop: each job in its turn, in a thread of the Provider's share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.net.threads import ThreadShare

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.drivers.servers.nova.session import ComputeSession
    from osmig.net.limiting import Limiter, Priority

T = TypeVar("T")


class BlockingCalls:
    """Runs jobs of one Provider.

    Args:
        session: counts what each job sends; closed with the calls.
        limiter: grants the Provider's requests.
        threads: requests that may be under way at once.
        name: shown in thread names, for stack dumps.
    """

    def __init__(self, session: ComputeSession, *, limiter: Limiter, threads: int, name: str) -> None:
        self._session = session
        self._limiter = limiter
        self._threads = ThreadShare(threads, name)
        self._is_closed = False

    async def run(self, job: Callable[[], T], priority: Priority, requests: int = 1) -> T:
        """Run a job when its turn has come; what it sent beyond ``requests`` is paid for afterwards.

        Raises:
            BackendError: as the job; ``Transient`` if the connection was replaced while it waited.
        """
        sent = requests

        def counted() -> T:
            nonlocal sent
            self._check_open()
            self._session.take_count()
            try:
                return job()
            finally:
                sent = self._session.take_count()

        await self._limiter.acquire(priority, requests)
        try:
            self._check_open()
            return await self._threads.run(counted, priority)
        finally:
            self._limiter.settle(sent - requests)

    def close(self) -> None:
        """Take no more jobs; what is under way ends by itself."""
        self._is_closed = True
        self._session.close()

    def _check_open(self) -> None:
        """Refuse what waited until the connection was replaced; asked again in the thread, which is waited for, too."""
        if self._is_closed:
            text = "The connection to the cloud was replaced"
            raise Transient(Reason.PROVIDER_NOT_READY, text, operation="call")
