"""Secrets in foreign texts: one table of spellings for status, Events, metrics and logs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from osmig.domain.redacting import REDACTED, redact_text
from osmig.drivers.tenants.waldur.texts import describe
from osmig.drivers.tenants.waldur.translate import cut_word, view_run
from osmig.drivers.tenants.waldur.wire import RunRow
from osmig.net.cleaning import clean_text
from osmig.telemetry.redaction import redact, summarise
from secret_spellings import LONG, SENTENCES, SPELLINGS, VALUE

if TYPE_CHECKING:
    from collections.abc import Callable

CPU_S = 2.0
"""Each text takes a tenth of that; a pattern whose time grows with the square of its text, minutes."""


def _fail_run(text: str) -> str:
    return view_run(RunRow(uuid="0" * 32, error_message=text)).error


WALLS: dict[str, Callable[[str], str]] = {
    "texts of both engines in status and Events": clean_text,
    "why a run of Waldur failed": _fail_run,
    "an objection of Waldur's": lambda text: describe("", text),
    "a state that nobody knows": cut_word,
    "our own logs": redact_text,
    "fields of logs": lambda text: str(redact({"why": text})),
    "logs of libraries": summarise,
}


@pytest.mark.parametrize("wall", WALLS.values(), ids=WALLS)
@pytest.mark.parametrize("text", SPELLINGS)
def test_no_spelling_of_a_secret_comes_through(text: str, wall: Callable[[str], str]) -> None:
    assert VALUE not in wall(text)
    assert VALUE not in wall(f"Error in call: {text}, and so on")


@pytest.mark.parametrize("text", SPELLINGS)
def test_what_was_replaced_is_said(text: str) -> None:
    assert REDACTED in redact_text(text)


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_about_a_token_stays_readable(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_no_text_of_a_cloud_keeps_the_operator_from_renewing_its_lease(text: str) -> None:
    begin = time.process_time()
    redact_text(text)
    summarise(text)
    clean_text(text)
    assert time.process_time() - begin < CPU_S
