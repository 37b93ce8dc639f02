"""What the identity service said last to a login, where asking again would do harm: the answer stands for a while.

Many threads log in at the same moment, and again after each 401 of Nova's; a password that was refused once would be
refused to each of them, and sites lock an account after six.
"""

from __future__ import annotations

import io
import threading
import time

import requests
from urllib3 import HTTPResponse

from osmig.drivers.servers.nova.classify import is_keystone_fault
from osmig.net.bounds import LARGE_BYTES, read_retry_after

_REFUSALS = frozenset({401, 403})
"""What Keystone says to credentials that it will not take, however often they come."""

_NOT_FOUND = 404
"""What it says to a token that it does not know; a proxy says the same of itself, and may say something else soon."""


class KeptAnswer:
    """Keeps the last answer to a login for as long as it would be the same. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answer: requests.Response | None = None
        self._until = 0.0

    def find(self) -> requests.Response | None:
        """Return the answer that stands now: a refusal for good, a request to wait until its time is over."""
        with self._lock:
            return self._answer if self._answer is not None and time.monotonic() < self._until else None

    def note(self, answer: requests.Response) -> None:
        """Keep an answer to a login if it is one that stands."""
        retry_after_s = read_retry_after(answer.headers.get("Retry-After"))
        with self._lock:
            if answer.status_code in _REFUSALS or (answer.status_code == _NOT_FOUND and is_keystone_fault(answer)):
                self._answer, self._until = _shorten(answer), float("inf")
            elif not answer.ok and retry_after_s is not None:
                self._answer, self._until = _shorten(answer), time.monotonic() + retry_after_s
            else:
                self._answer = None


def _shorten(answer: requests.Response) -> requests.Response:
    """Leave out the body of a large answer: kept, it would keep of the memory that all Providers share."""
    if len(answer.content) <= LARGE_BYTES:
        return answer
    short = requests.Response()
    short.status_code, short.headers = answer.status_code, answer.headers
    short.url, short.request = answer.url, answer.request
    short.raw = HTTPResponse(body=io.BytesIO(), status=answer.status_code, preload_content=False)
    return short
