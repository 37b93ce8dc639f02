"""Why no connection came about: the cause lies deep in what openstacksdk, keystoneauth and requests wrap round it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from keystoneauth1 import exceptions as keystone
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from osmig.net.failures import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_CAUSES = 20


def find_connect_error(failure: Exception) -> str | None:
    """Say why no connection came about, in words fit to show; ``None`` if it was for something else."""
    return next((text for text in map(_connect_error, _causes(failure)) if text), None)


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Walk down to the causes, also those that requests and urllib3 keep in ``args`` and ``reason``."""
    seen: set[int] = set()
    waiting: list[object] = [failure]
    while waiting and len(seen) < _MAX_CAUSES:
        error = waiting.pop()
        if isinstance(error, BaseException) and id(error) not in seen:
            seen.add(id(error))
            yield error
            waiting += [error.__context__, error.__cause__, getattr(error, "reason", None), *error.args]


def _connect_error(error: BaseException) -> str | None:
    match error:
        case NoAnswerError():
            return error.sentence
        case NameResolutionError():
            return "The name of the endpoint cannot be resolved"
        case NewConnectionError():
            return "The endpoint refused the connection"
        case ConnectTimeoutError():
            return "The endpoint did not accept a connection in time"
        case keystone.SSLError() | requests.exceptions.SSLError():
            return "The endpoint's certificate is not trusted, or it speaks no TLS"
        case requests.exceptions.ReadTimeout():
            return "The endpoint did not answer in time"
        case _:
            return None
