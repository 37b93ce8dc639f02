"""Names of hosts, looked up in threads of their own: the system's resolver blocks for as long as it likes.

Nothing can end such a look-up. So nobody waits for it longer than his own deadline, and while one hangs, all who ask
for the same name wait for that very one.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LOOKUPS = 4
"""Of one Provider at once, each for another name or port; a cloud has one or two. Each that hangs keeps a thread."""

Addresses = tuple[str, ...]


class Lookups:
    """The look-ups of one Provider. Safe to share between threads.

    Args:
        resolve: blocks until a host and port have addresses, or raises.
    """

    def __init__(self, resolve: Callable[[str, int], Addresses]) -> None:
        self._resolve = resolve
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Addresses]] = {}

    def begin(self, host: str, port: int) -> Future[Addresses]:
        """Look a host up, or join the look-up for it that is under way; what is raised is as ``resolve`` says.

        Raises:
            OSError: so many others hang that there is no thread for this one.
        """
        place = (host, port)
        with self._lock:
            found = self._under_way.get(place)
            if found is not None:
                return found
            if len(self._under_way) >= MAX_LOOKUPS:
                message = f"{MAX_LOOKUPS} other names are still being looked up"
                raise OSError(message)
            begun: Future[Addresses] = Future()
            begun.set_running_or_notify_cancel()  # one who gives up must not cancel it for the others
            self._under_way[place] = begun
        try:
            # a daemon, for a process that ends must not wait for it
            threading.Thread(target=self._look_up, args=(place, begun), name="look up a name", daemon=True).start()
        except RuntimeError as error:
            self._end(place)
            message = "there is no thread to look it up in"
            raise OSError(message) from error
        return begun

    def _look_up(self, place: tuple[str, int], begun: Future[Addresses]) -> None:
        try:
            found = self._resolve(*place)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._end(place)
            begun.set_exception(error)
        else:
            self._end(place)
            begun.set_result(found)

    def _end(self, place: tuple[str, int]) -> None:
        with self._lock:
            del self._under_way[place]
