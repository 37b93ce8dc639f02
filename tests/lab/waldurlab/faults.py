"""Rules that break the next requests: before or after the effect, with or without an answer, late or never."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lab.waldurlab.answers import answer_fault

if TYPE_CHECKING:
    from lab.waldurlab.answers import Answer
    from lab.waldurlab.routes import Arrival


@dataclass(slots=True)
class Fault:
    """One rule.

    Attributes:
        path: Regular expression, searched in path and query.
        method: The HTTP method; empty for any.
        body_match: Regular expression, searched in the body.
        user: Only requests of this user; empty for any.
        when: Before the effect, which then happens only if the action is ``pass``, or after it.
        action: Answer with ``status``, close without a word (``cut``), or go on (``pass``).
        status: What to answer; without ``body`` with the words that the real server has for it.
        delay_s: Wait so long first, in seconds.
        hold: Wait until released first.
        skip: Let so many matching requests through before.
        count: Break so many.
    """

    id: int
    path: str = ""
    method: str = ""
    body_match: str = ""
    user: str = ""
    when: Literal["before", "after"] = "before"
    action: Literal["status", "cut", "pass"] = "status"
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    hold: bool = False
    skip: int = 0
    count: int = 1

    def matches(self, arrival: Arrival, user: str | None) -> bool:
        """Whether the rule is meant for a request."""
        return (
            self.method in {"", arrival.method}
            and self.user in {"", user}
            and re.search(self.path, arrival.target) is not None
            and re.search(self.body_match, arrival.content.decode(errors="replace")) is not None
        )

    def answer(self) -> Answer:
        """Return what the rule answers."""
        return answer_fault(self.status, self.body, self.headers)

    def show(self) -> dict[str, Any]:
        """Return the rule for a test to read."""
        names = ("id", "path", "method", "body_match", "user", "when", "action", "status", "delay_s", "hold")
        return {name: getattr(self, name) for name in (*names, "skip", "count")}


class Faults:
    """The armed rules, the oldest first."""

    def __init__(self) -> None:
        """Arm nothing."""
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._waiting: set[threading.Event] = set()
        self._last = 0
        self.is_closed = False

    def arm(self, **rule: Any) -> int:  # noqa: ANN401 - the fields of Fault
        """Arm one more rule; return its number."""
        with self._lock:
            self._last += 1
            self._armed.append(Fault(id=self._last, **rule))
            return self._last

    def take(self, arrival: Arrival, user: str | None) -> Fault | None:
        """Return the rule that this request is broken by, and count it."""
        with self._lock:
            for fault in self._armed:
                if not fault.matches(arrival, user):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.count -= 1
                if not fault.count:
                    self._armed.remove(fault)
                return fault
        return None

    def wait(self, fault: Fault) -> None:
        """Let the calling thread wait as the rule says; ``release`` ends that early."""
        if fault.hold or fault.delay_s:
            self.pause(None if fault.hold else fault.delay_s)

    def pause(self, seconds: float | None) -> None:
        """Let the calling thread wait, None for ever; ``release`` ends that early."""
        if seconds == 0:
            return
        event = threading.Event()
        with self._lock:
            if self.is_closed:
                return
            self._waiting.add(event)
        event.wait(seconds)
        with self._lock:
            self._waiting.discard(event)

    def release(self) -> int:
        """Let all go on that wait now; return how many."""
        with self._lock:
            for event in self._waiting:
                event.set()
            return len(self._waiting)

    def clear(self) -> None:
        """Disarm all rules; those that wait go on waiting."""
        with self._lock:
            self._armed.clear()

    def close(self) -> None:
        """Disarm, and let nobody wait any more."""
        self.clear()
        self.is_closed = True
        self.release()

    def show(self) -> list[dict[str, Any]]:
        """Return the armed rules."""
        with self._lock:
            return [fault.show() for fault in self._armed]
