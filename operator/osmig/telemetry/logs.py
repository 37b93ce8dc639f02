"""Where log records go, and the logger that carries who is being worked on."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TextIO

from osmig.telemetry.log_lines import CONTEXT, StructuredFormatter, render_json, text_renderer

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


@dataclass(frozen=True, slots=True)
class BoundLogger:
    """An immutable context on top of a standard logger.

    Fields of a call win over the context. Unlike ``extra`` any field name is legal, ``name`` too.
    """

    logger: logging.Logger
    context: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def bind(self, **context: object) -> BoundLogger:
        """Return a logger that knows more; this one stays as it is."""
        return BoundLogger(self.logger, MappingProxyType({**self.context, **context}))

    def debug(self, event: str, /, **fields: object) -> None:
        """Log a decision or a detail."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log what a user should be able to follow: a change of phase, a start, an end."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, *, error: BaseException | None = None, **fields: object) -> None:
        """Log what will be tried again."""
        self._log(logging.WARNING, event, fields, error)

    def error(self, event: str, /, *, error: BaseException | None = None, **fields: object) -> None:
        """Log what needs a person; ``error`` brings its traceback at debug level only."""
        self._log(logging.ERROR, event, fields, error)

    def _log(self, level: int, event: str, fields: Mapping[str, object], error: BaseException | None = None) -> None:
        if self.logger.isEnabledFor(level):
            self.logger.log(level, "%s", event, exc_info=error, extra={CONTEXT: {**self.context, **fields}})


def bind(logger: logging.Logger, **context: object) -> BoundLogger:
    """Start a context on ``logger``, such as uid, namespace, name and attempt."""
    return BoundLogger(logger).bind(**context)
