"""Upstream's words made fit for tenants: cut to one line, without what could tell of the cloud's inside."""

from __future__ import annotations

import re

from osmig.domain.redacting import hide_places, redact_text

MAX_CHARS = 300
MAX_RAW_CHARS = 20 * MAX_CHARS
"""As much of a stranger's text is looked at, by whatever pattern."""

_HIDDEN = "…"
_MARKUP = re.compile(r"<[^<>]{0,200}>")
_TRACEBACK = "Traceback (most recent call last)"


def clean_text(text: str) -> str:
    """Cut a text to one line of at most 300 characters, as far as it is fit for status.

    Left out are tracebacks, URLs, addresses, paths, markup, long hexadecimal, and what looks like a secret.
    """
    told = cut_raw(text).partition(_TRACEBACK)[0]
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())
    return cut_text(_MARKUP.sub(_HIDDEN, hide_places(redact_text(line), _HIDDEN)))


def cut_raw(text: str) -> str:
    """Cut a stranger's text to what is looked at, before any pattern sees it."""
    return text[:MAX_RAW_CHARS]


def cut_text(line: str) -> str:
    """Cut a line to at most 300 characters, and show that it was cut."""
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1].rstrip() + "…"
