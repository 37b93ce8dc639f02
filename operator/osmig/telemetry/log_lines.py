"""From a log record to one line: JSON for machines, aligned text for a terminal; secrets are replaced in both."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from typing_extensions import override

from osmig.domain.errors import OperatorError
from osmig.domain.redacting import redact_text
from osmig.telemetry.log_context import read_bound
from osmig.telemetry.redaction import redact, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_HEAD = frozenset({"time", "level", "event"})
_RESERVED = _HEAD | {"logger", "error", "at", "traceback"}
_FOREIGN_EXTRAS = frozenset({"k8s_ref"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = re.compile(r"[^\s\"'=\\]+")
_COLOURS = {"debug": "2", "info": "36", "warning": "33", "error": "31", "critical": "31"}
_EVENT_WIDTH = 32

Render = Callable[[dict[str, object]], str]


class StructuredFormatter(logging.Formatter):
    """Turns a record into fields without secrets, and these into a line."""

    def __init__(self, render: Render, *, verbose: bool) -> None:
        """Take how fields become a line, and whether errors bring tracebacks and libraries' words stay whole."""
        super().__init__()
        self._render = render
        self._verbose = verbose

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``; the record itself stays as it is."""
        message = _compose_message(record, verbose=self._verbose)
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "event": redact_text(message) if self._verbose or _is_ours(record.name) else summarise(message),
            "logger": record.name,
        }
        # the formatter runs in the task or thread that logs, so what is bound there is what it reads
        fields.update({key: redact(value, key=key) for key, value in read_bound().items()})
        fields.update(_read_extras(record))
        if record.exc_info and record.exc_info[1]:
            fields.update(self._describe(record.exc_info[1]))
        return self._render(fields)

    def _describe(self, error: BaseException) -> Iterator[tuple[str, str]]:
        kind = type(error).__name__
        if isinstance(error, OperatorError):
            yield "error", redact_text(f"{kind}: {error}")
        else:
            yield "error", f"{kind}: {summarise(str(error))}"
            yield "at", _locate(error.__traceback__)
        if self._verbose:
            yield "traceback", redact_text("".join(traceback.format_exception(error)))


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "osmig"


def _compose_message(record: logging.LogRecord, *, verbose: bool) -> str:
    args = record.args
    if isinstance(args, Mapping):
        args = {key: redact(value, key=str(key)) for key, value in args.items()}
    elif args:
        args = tuple(_clean(arg, verbose=verbose) for arg in args)
    try:
        return str(record.msg) % args if args else str(record.msg)
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} (its arguments do not fit)"


def _clean(arg: object, *, verbose: bool) -> object:
    # Numbers and whatever else a format like %.1f asks for stay; text is covered once the message is whole.
    match arg:
        case Mapping() | list() | tuple():
            return redact(arg)
        case BaseException() if not verbose and not isinstance(arg, OperatorError):
            return summarise(str(arg))
        case _:
            return arg


def _read_extras(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    extras = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
    if not _is_ours(record.name):
        # kopf hangs all its settings on each record of an object, and libraries may hang on anything.
        extras = {key: value for key, value in extras.items() if key in _FOREIGN_EXTRAS}
    for key, value in extras.items():
        yield f"{key}_" if key in _RESERVED else key, redact(value, key=key)


def _locate(trace: TracebackType | None) -> str:
    found = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if not found or _is_ours(module):
            found = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def render_json(fields: dict[str, object]) -> str:
    """Render one JSON object."""
    return json.dumps(fields, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def text_renderer(*, coloured: bool) -> Render:
    """Return what renders time, level and event in columns, then ``key=value``; a traceback follows, indented."""

    def render(fields: dict[str, object]) -> str:
        level = str(fields["level"])
        shown = f"{level.upper():<7}"
        if coloured:
            shown = f"\x1b[{_COLOURS.get(level, '0')}m{shown}\x1b[0m"
        trace = str(fields.pop("traceback", "")).rstrip()
        rest = " ".join(f"{key}={_quote(value)}" for key, value in fields.items() if key not in _HEAD)
        line = f"{fields['time']} {shown} {_escape(str(fields['event'])):<{_EVENT_WIDTH}} {rest}".rstrip()
        return "\n    ".join([line, *(_escape(part) for part in trace.splitlines())])

    return render


def _quote(value: object) -> str:
    is_plain = isinstance(value, str) and _PLAIN.fullmatch(value)
    return _escape(str(value) if is_plain else json.dumps(value, ensure_ascii=False, allow_nan=False))


def _escape(text: str) -> str:
    # A server's name must neither forge a line nor steer the terminal.
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
