"""The double itself: its API behind faults and the request log, and its control API, each on a port of its own."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lab.waldurlab.access import identify
from lab.waldurlab.catalogue import make_world
from lab.waldurlab.cloud import Cloud
from lab.waldurlab.door import Door
from lab.waldurlab.faults import Faults
from lab.waldurlab.journal import Journal
from lab.waldurlab.recorded_catalogue import make_recorded_world
from lab.waldurlab.routes import route
from lab.waldurlab.steering import Steering, answer_verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.waldurlab.answers import Answer
    from lab.waldurlab.routes import Arrival

Age = Literal["current", "before-7.7", "before-7.6.4"]
VERSIONS: dict[Age, str] = {"current": "7.8.2", "before-7.7": "7.6.9", "before-7.6.4": "7.5.9"}
WorldName = Literal["small", "recorded"]
"""small: ``catalogue``, with one tenant worth replicating; recorded: ``recorded_catalogue``."""
ORDERS = "/api/openstack-migrations/"


def read_clock() -> datetime:
    """Return the time that the server writes into its rows."""
    return datetime.now(UTC)  # noqa: TID251 - this is no test's clock but the one of the server that it talks to


class WaldurServer:
    """A running double; ``close`` ends it.

    Attributes:
        url: The API, without ``/api``.
        control: The control API.
    """

    def __init__(
        self, age: Age = "current", world: WorldName = "small", *, now: Callable[[], datetime] = read_clock
    ) -> None:
        """Listen on two free ports."""
        start = make_world() if world == "small" else make_recorded_world()
        self._cloud = Cloud(start, VERSIONS[age], now=now, new_id=lambda: uuid.uuid4().hex)
        self._lock = threading.Lock()
        self._faults = Faults()
        self._journal = Journal(time.monotonic)
        self._verbs = self._list_verbs()
        self._doors = Door(self._respond), Door(lambda arrival, _: self._obey(arrival))
        self.url, self.control = (door.url for door in self._doors)

    @property
    def tokens(self) -> dict[str, str]:
        """The token of each user by name."""
        return {user.name: user.token for user in self._cloud.users.values()}

    def close(self) -> None:
        """Cut what waits, and stop listening."""
        self._faults.close()
        for door in self._doors:
            door.close()

    def _respond(self, arrival: Arrival, user_agent: str | None) -> Answer | None:
        with self._lock:
            user = identify(self._cloud, arrival.authorization)
        entry = self._journal.open(arrival, user.name if user else None, user_agent)
        fault = self._faults.take(arrival, entry.user)
        answer = None
        if fault:
            entry.fault = fault.id
        if fault and fault.when == "before":
            self._faults.wait(fault)
        if not fault or fault.when == "after" or fault.action == "pass":
            if arrival.method == "POST" and arrival.target == ORDERS:
                # One transaction: nothing is there before all of it is.
                self._faults.pause(self._cloud.order_s)
            with self._lock:
                answer = route(self._cloud, arrival)
            entry.real_status = answer.status
        if fault and fault.when == "after":
            self._faults.wait(fault)
        if fault and fault.action != "pass":
            answer = fault.answer() if fault.action == "status" else None
        if self._faults.is_closed:
            answer = None
        self._journal.close(entry, answer.status if answer else "cut")
        return answer

    def _obey(self, arrival: Arrival) -> Answer:
        verb = arrival.target.strip("/")
        if hasattr(Steering, verb):
            with self._lock:
                return answer_verb(self._verbs, verb, arrival.content)
        return answer_verb(self._verbs, verb, arrival.content)

    def _list_verbs(self) -> dict[str, Callable[..., object]]:
        steering = Steering(self._cloud)
        verbs = {name: getattr(steering, name) for name in vars(Steering) if not name.startswith("_")}
        return verbs | {
            "fault": self._faults.arm,
            "faults": self._faults.show,
            "clear_faults": self._faults.clear,
            "release": self._faults.release,
            "requests": self._journal.read,
            "request_mark": lambda: self._journal.total,
            "clear_requests": self._journal.clear,
        }
