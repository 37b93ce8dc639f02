"""What a log line looks like, and what never stands in one."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from osmig.domain.errors import OperatorError
from osmig.telemetry.logs import bind, configure_logging
from osmig.telemetry.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.telemetry.logs import LogFormat, LogLevel

FERNET = "gAAAAABmB-Zs_1q2w3e4r5t6y7u8i9o0="


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def all_loggers() -> list[logging.Logger]:
    return [logging.getLogger(name) for name in logging.root.manager.loggerDict]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Logging is the process's: give back what pytest and other tests rely on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = {logger.name: (logger.level, logger.disabled) for logger in all_loggers()}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger in all_loggers():
        level, logger.disabled = before.get(logger.name, (logging.NOTSET, False))
        logger.setLevel(level)


def configured(
    stream: io.StringIO, log_format: LogFormat = "json", level: LogLevel = "info", **environ: str
) -> logging.Logger:
    configure_logging(log_format=log_format, level=level, stream=stream, environ=environ)
    return logging.getLogger("osmig.test")


def read_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    read: dict[str, Any] = json.loads(line)
    return read


def fail_with(log: logging.Logger, error: Exception) -> None:
    try:
        raise error
    except type(error):
        log.exception("step.crashed")


def test_a_line_is_one_json_object_in_a_fixed_order() -> None:
    stream = io.StringIO()
    configured(stream).info("http.listening", extra={"port": 8080})

    line = read_line(stream)

    assert list(line) == ["time", "level", "event", "logger", "port"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {"level": "info", "event": "http.listening", "logger": "osmig.test", "port": 8080}


def test_the_time_is_utc_to_the_millisecond() -> None:
    stream = io.StringIO()
    handler = configure_logging(log_format="json", level="info", stream=stream, environ={})
    handler.handle(logging.makeLogRecord({"created": 1_900_000_000.0625, "name": "osmig", "msg": "x"}))

    assert read_line(stream)["time"] == "2030-03-17T17:46:40.062Z"


def test_a_message_of_many_lines_stays_one_line_in_both_forms() -> None:
    for log_format in ("json", "text"):
        stream = io.StringIO()
        configured(stream, log_format).info("first\nsecond\x1b[31m\u2028", extra={"server": "a\nb\x9b"})
        assert stream.getvalue().isascii()
        assert len(stream.getvalue().splitlines()) == 1


def test_a_field_cannot_take_the_place_of_the_line_s_own() -> None:
    stream = io.StringIO()
    bind(configured(stream), level="low", event="other").info("seen")

    line = read_line(stream)
    assert (line["level"], line["event"]) == ("info", "seen")
    assert (line["level_"], line["event_"]) == ("low", "other")


def test_values_that_json_does_not_know_become_text() -> None:
    stream = io.StringIO()
    configured(stream).info("odd", extra={"nan": float("nan"), "object": {1: {2}}, "lone": "\ud800"})

    line = read_line(stream)
    assert (line["nan"], line["object"], line["lone"]) == ("nan", {"1": [2]}, "\ud800")


def test_text_is_aligned_and_quotes_only_what_needs_it() -> None:
    stream = io.StringIO()
    log = configured(stream, "text")
    log.info("http.listening", extra={"port": 8080})
    bind(log, namespace="shop", name="db 07").warning("step.failed", empty="", nothing=None)

    first, second = stream.getvalue().splitlines()

    assert first[25:] == "INFO    http.listening                   logger=osmig.test port=8080"
    assert second[25:] == (
        'WARNING step.failed                      logger=osmig.test namespace=shop name="db 07" empty="" nothing=null'
    )


@pytest.mark.parametrize(
    ("stream", "log_format", "environ", "is_text", "is_coloured"),
    [
        (io.StringIO(), "auto", {}, False, False),
        (Terminal(), "auto", {}, True, True),
        (Terminal(), "auto", {"NO_COLOR": "1"}, True, False),
        (Terminal(), "auto", {"NO_COLOR": ""}, True, True),
        (io.StringIO(), "text", {}, True, False),
        (Terminal(), "json", {}, False, False),
    ],
)
def test_form_and_colour_follow_the_terminal(
    stream: io.StringIO, log_format: LogFormat, environ: dict[str, str], *, is_text: bool, is_coloured: bool
) -> None:
    configured(stream, log_format, **environ).info("seen")

    written = stream.getvalue()
    assert written.startswith("{") != is_text
    assert ("\x1b[" in written) == is_coloured


def test_secrets_are_replaced_in_message_arguments_fields_and_errors() -> None:
    stream = io.StringIO()
    log = configured(stream, level="debug")
    log.info("token=%s body %s", "hunter2", {"auth": {"password": "hunter2"}})
    log.info("by name %(password)s", {"password": "hunter2"})
    log.info("fields", extra={"password": "hunter2", "nested": {"X-Auth-Token": "hunter2"}, "raw": FERNET})
    bind(log, **{"client-secret": "hunter2"}).info("bound")
    fail_with(log, ValueError("Authorization: Bearer hunter2"))

    assert "hunter2" not in stream.getvalue()
    assert FERNET not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") >= 8


def test_the_record_itself_stays_as_it_was_for_other_handlers() -> None:
    stream = io.StringIO()
    log = configured(stream)
    seen: list[logging.LogRecord] = []
    collector = logging.Handler()
    collector.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(collector)

    log.info("password=%s", "hunter2")

    assert seen[0].getMessage() == "password=hunter2"


def test_an_unexpected_error_is_one_line_with_the_place_in_our_code_and_no_traceback() -> None:
    stream = io.StringIO()
    fail_with(configured(stream), ValueError("could not reach\nhttps://nova.example.org:8774/v2.1 at 10.0.0.1"))

    line = read_line(stream)

    assert line["error"] == "ValueError: could not reach [url] at [address]"
    assert re.fullmatch(r"[\w.]*test_telemetry_logs:\d+", line["at"])
    assert "Traceback" not in stream.getvalue()


def test_the_place_of_an_error_is_the_innermost_line_of_ours() -> None:
    class Broken:
        def __str__(self) -> str:
            message = "no text"
            raise ValueError(message)

    stream = io.StringIO()
    log = configured(stream)
    try:
        redact(Broken())
    except ValueError:
        log.exception("step.crashed")

    assert re.fullmatch(r"osmig\.telemetry\.redaction:\d+", read_line(stream)["at"])


def test_an_expected_error_is_told_in_its_own_words() -> None:
    stream = io.StringIO()
    fail_with(configured(stream), OperatorError("Unreachable", "https://nova.example.org does not answer"))

    line = read_line(stream)
    assert line["error"] == "OperatorError: Unreachable: https://nova.example.org does not answer"
    assert "at" not in line


def test_debug_adds_the_traceback_in_both_forms() -> None:
    json_stream, text_stream = io.StringIO(), io.StringIO()
    fail_with(configured(json_stream, level="debug"), ValueError("boom"))
    fail_with(configured(text_stream, "text", level="debug"), ValueError("boom"))

    assert read_line(json_stream)["traceback"].startswith("Traceback (most recent call last):\n")
    first, *others = text_stream.getvalue().splitlines()
    assert first.endswith(f"at={read_line(json_stream)['at']}")
    assert others[0] == "    Traceback (most recent call last):"
    assert others[-1] == "    ValueError: boom"


def test_an_error_as_an_argument_is_summarised_unless_it_is_ours_or_we_debug() -> None:
    foreign, ours = OSError("10.0.0.1 refused"), OperatorError("Unreachable", "10.0.0.1 refused")
    stream = io.StringIO()
    configured(stream).info("%s, %s", foreign, ours)
    assert read_line(stream)["event"] == "[address] refused, Unreachable: 10.0.0.1 refused"

    verbose = io.StringIO()
    configured(verbose, level="debug").info("%s", foreign)
    assert read_line(verbose)["event"] == "10.0.0.1 refused"


def test_arguments_that_do_not_fit_cost_no_line_and_print_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configured(stream).info("%d of %d", "one")

    assert read_line(stream)["event"] == "%d of %d (its arguments do not fit)"
    assert capsys.readouterr().err == ""


def test_number_formats_keep_working() -> None:
    stream = io.StringIO()
    configured(stream).info("%.1f s, %d %s", 1.25, 3, ("a", "b"))

    assert read_line(stream)["event"] == "1.2 s, 3 ['a', 'b']"


def test_places_are_taken_out_of_the_words_of_libraries_unless_debugging() -> None:
    for level, said in (
        ("info", "cannot reach [url]: [address]"),
        ("debug", "cannot reach https://k8s:6443: 10.0.0.1"),
    ):
        stream = io.StringIO()
        configured(stream, level=level)
        logging.getLogger("kopf.clients").warning("cannot reach %s: %s", "https://k8s:6443", OSError("10.0.0.1"))
        assert read_line(stream)["event"] == said


def test_of_the_fields_of_libraries_only_the_object_is_kept() -> None:
    stream = io.StringIO()
    configured(stream)
    logging.getLogger("kopf.objects").warning("failed", extra={"cause": "all", "k8s_ref": {"name": "db-07"}})

    line = read_line(stream)
    assert line["k8s_ref"] == {"name": "db-07"}
    assert "cause" not in line


@pytest.mark.parametrize("name", ["kopf", "kopf.objects", "urllib3", "keystoneauth", "openstack", "asyncio"])
def test_libraries_are_heard_from_warning_on_even_at_debug(name: str) -> None:
    stream = io.StringIO()
    configured(stream, level="debug")
    logging.getLogger(name).info("REQ: curl -g -i …")
    logging.getLogger(name).warning("worth knowing")

    assert read_line(stream)["event"] == "worth knowing"


def test_access_logs_are_off_and_the_level_holds_for_our_own() -> None:
    stream = io.StringIO()
    log = configured(stream, level="warning")
    logging.getLogger("aiohttp.access").error("GET /livez")
    log.info("not told")
    log.warning("told")

    assert read_line(stream)["event"] == "told"


def test_configuring_again_replaces_the_first_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    configured(first)
    configured(second).info("seen")

    assert first.getvalue() == ""
    assert read_line(second)["event"] == "seen"


def test_bound_context_is_on_every_line_and_never_changes() -> None:
    stream = io.StringIO()
    log = bind(configured(stream, level="debug"), uid="u-1", namespace="shop", name="db-07")
    attempt = log.bind(attempt=2)
    attempt.debug("decided", phase="Running")
    log.info("seen", namespace="other")
    attempt.error("failed", error=OperatorError("StartLost", "the start was lost"))

    first, second, third = (json.loads(line) for line in stream.getvalue().splitlines())

    assert first.items() >= {"uid": "u-1", "name": "db-07", "attempt": 2, "phase": "Running", "level": "debug"}.items()
    assert "attempt" not in second
    assert second["namespace"] == "other"
    assert third["error"] == "OperatorError: StartLost: the start was lost"
    assert third["attempt"] == 2


def test_percent_signs_in_a_bound_event_are_no_format() -> None:
    stream = io.StringIO()
    bind(configured(stream)).warning("100 % done", error=None)

    assert read_line(stream)["event"] == "100 % done"
