"""Logging into a stream of one's own, and what was written there."""

from __future__ import annotations

import io
import json
import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from osmig.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.telemetry.logs import LogFormat, LogLevel


NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    @override
    def isatty(self) -> bool:
        """Say so."""
        return True


def configured(
    stream: io.StringIO,
    log_format: LogFormat = "json",
    *,
    level: LogLevel = "info",
    environ: Mapping[str, str] = NO_VARIABLES,
) -> logging.Logger:
    """Log into a stream; return a logger of ours."""
    configure_logging(log_format=log_format, level=level, stream=stream, environ=environ)
    return logging.getLogger("osmig.test")


def read_line(stream: io.StringIO) -> dict[str, Any]:
    """Return the one line that was written."""
    (line,) = stream.getvalue().splitlines()
    read: dict[str, Any] = json.loads(line)
    return read


def fail_with(log: logging.Logger, error: Exception) -> None:
    """Log an error where it is caught."""
    try:
        raise error
    except type(error):
        log.exception("step.crashed")
