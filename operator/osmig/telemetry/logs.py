"""Where log records go."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, TextIO

from osmig.telemetry.log_lines import StructuredFormatter, render_json, text_renderer

if TYPE_CHECKING:
    from collections.abc import Mapping

LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]

# At info and below these print one line per event or request, some with headers and bodies.
_QUIET = (
    "kopf", "kopf.objects", "kubernetes", "aiohttp", "asyncio", "urllib3", "keystoneauth", "openstack", "stevedore",
    "httpcore",
)  # fmt: skip
_SILENT = "aiohttp.access"


def configure_logging(
    *, log_format: LogFormat, level: LogLevel, stream: TextIO, environ: Mapping[str, str]
) -> logging.Handler:
    """Send every record of the process to ``stream``, and only there; return the one handler, to be flushed at the end.

    Args:
        log_format: ``auto`` is text on a terminal and JSON elsewhere.
        level: least important level; at ``debug`` an error comes with its traceback.
        stream: usually standard error.
        environ: read for ``NO_COLOR`` (https://no-color.org).
    """
    is_tty = stream.isatty()
    as_text = log_format == "text" or (log_format == "auto" and is_tty)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        StructuredFormatter(
            text_renderer(coloured=is_tty and not environ.get("NO_COLOR")) if as_text else render_json,
            verbose=level == "debug",
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_SILENT).disabled = True
    return handler
