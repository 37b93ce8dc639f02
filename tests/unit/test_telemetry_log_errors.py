"""What of an error, a secret or a library's words stands in a log line, and what never does."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from log_reading import configured, fail_with, read_line
from osmig.domain.errors import OperatorError
from osmig.telemetry.redaction import redact

if TYPE_CHECKING:
    from osmig.telemetry.logs import LogLevel

pytestmark = pytest.mark.usefixtures("logging_as_before")
FERNET = "gAAAAABmB-Zs_1q2w3e4r5t6y7u8i9o0="


def test_secrets_are_replaced_in_message_arguments_fields_and_errors() -> None:
    stream = io.StringIO()
    log = configured(stream, level="debug")
    log.info("token=%s body %s", "hunter2", {"auth": {"password": "hunter2"}})
    log.info("by name %(password)s", {"password": "hunter2"})
    log.info("fields", extra={"password": "hunter2", "nested": {"X-Auth-Token": "hunter2"}, "raw": FERNET})
    log.info("hyphened", extra={"client-secret": "hunter2"})
    fail_with(log, ValueError("Authorization: Bearer hunter2"))

    assert "hunter2" not in stream.getvalue()
    assert FERNET not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") >= 8


def test_the_record_itself_stays_as_it_was_for_other_handlers() -> None:
    stream = io.StringIO()
    log = configured(stream)
    seen: list[logging.LogRecord] = []

    class Collector(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logging.getLogger().addHandler(Collector())

    log.info("password=%s", "hunter2")

    assert seen[0].getMessage() == "password=hunter2"


def test_an_unexpected_error_is_one_line_with_the_place_in_our_code_and_no_traceback() -> None:
    stream = io.StringIO()
    fail_with(configured(stream), ValueError("could not reach\nhttps://nova.example.org:8774/v2.1 at 10.0.0.1"))

    line = read_line(stream)

    assert line["error"] == "ValueError: could not reach [url] at [address]"
    assert re.fullmatch(r"[\w.]*log_reading:\d+", line["at"])
    assert "Traceback" not in stream.getvalue()


def test_the_place_of_an_error_is_the_innermost_line_of_ours() -> None:
    class Broken:
        @override
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


@pytest.mark.parametrize(
    ("level", "said"),
    [("info", "cannot reach [url]: [address]"), ("debug", "cannot reach https://k8s:6443: 10.0.0.1")],
)
def test_places_are_taken_out_of_the_words_of_libraries_unless_debugging(level: LogLevel, said: str) -> None:
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
