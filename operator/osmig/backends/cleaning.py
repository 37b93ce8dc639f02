"""Upstream's words made fit for tenants: cut to one line, without what could tell of the cloud's inside."""

from __future__ import annotations

import re

MAX_CHARS = 300

_CLEANERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]*://\S+",  # URLs
        r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b",  # IPv4 addresses
        r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",  # IPv6 addresses
        r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b",  # MAC addresses
        r"(?<![\w.])(?:/[\w.@%+-]+){2,}/?",  # paths
        r"\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b",  # long hex: tokens, hashes
        r"\bgAAAA[\w=-]{16,}",  # fernet tokens
        r"<[^<>]{0,200}>",  # markup and object reprs
    )
)
_TRACEBACK = "Traceback (most recent call last)"


def clean_text(text: str) -> str:
    """Cut a text to one line of at most 300 characters without traceback, URLs, addresses, paths, markup, long hex."""
    told = text[: 20 * MAX_CHARS].partition(_TRACEBACK)[0]
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())
    for cleaner in _CLEANERS:
        line = cleaner.sub("…", line)
    return cut_text(line)


def cut_text(line: str) -> str:
    """Cut a line to at most 300 characters, and show that it was cut."""
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1].rstrip() + "…"
