"""What a log line looks like."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

import pytest

from log_reading import Terminal, configured, read_line
from osmig.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from osmig.telemetry.logs import LogFormat

pytestmark = pytest.mark.usefixtures("logging_as_before")


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
    configured(stream).info("seen", extra={"level": "low", "event": "other"})

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
    log.warning("step.failed", extra={"namespace": "shop", "server": "db 07", "empty": "", "nothing": None})

    first, second = stream.getvalue().splitlines()

    assert first[25:] == "INFO    http.listening                   logger=osmig.test port=8080"
    assert second[25:] == (
        'WARNING step.failed                      logger=osmig.test namespace=shop server="db 07" empty="" nothing=null'
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
    configured(stream, log_format, environ=environ).info("seen")

    written = stream.getvalue()
    assert written.startswith("{") != is_text
    assert ("\x1b[" in written) == is_coloured


def test_arguments_that_do_not_fit_cost_no_line_and_print_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configured(stream).info("%d of %d", "one")

    assert read_line(stream)["event"] == "%d of %d (its arguments do not fit)"
    assert capsys.readouterr().err == ""


def test_number_formats_keep_working() -> None:
    stream = io.StringIO()
    configured(stream).info("%.1f s, %d %s", 1.25, 3, ("a", "b"))

    assert read_line(stream)["event"] == "1.2 s, 3 ['a', 'b']"


def test_configuring_again_replaces_the_first_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    configured(first)
    configured(second).info("seen")

    assert first.getvalue() == ""
    assert read_line(second)["event"] == "seen"
