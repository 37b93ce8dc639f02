"""A second wall against secrets in logs: structured values are walked, and texts go through the domain's patterns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from osmig.domain.redacting import REDACTED, hide_places, redact_text

MAX_LENGTH = 300

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_WORDS = frozenset({
    "password", "passwords", "passwd", "passphrase", "passcode", "secret", "secrets", "token", "tokens",
    "authorization", "cookie", "apikey", "jwt", "bearer",
})  # fmt: skip
# `secret_name` and `tokenRef` say where a secret is, not what it is.
_POINTER_WORDS = frozenset({"name", "namespace", "ref", "period", "timeout", "expiry", "expires", "count", "s"})
_HOST = re.compile(r"(\bhost=|\bto host )['\"]?[\w.-]+(?::\d+)?['\"]?")


def is_secret_key(key: str) -> bool:
    """Whether a value under ``key`` is a secret by the look of its name, in any case style."""
    words = [word.lower() for word in _WORD.findall(key)]
    joined = "".join(words)
    if words and words[-1] in _POINTER_WORDS:
        return False
    return not _SECRET_WORDS.isdisjoint(words) or joined.endswith(("apikey", "privatekey", "accesskey", "adminpass"))


def redact(value: object, *, key: str = "") -> object:
    """Return ``value`` fit for JSON and without secrets: containers are walked, other objects become text."""
    if value is None or isinstance(value, bool):
        return value
    if is_secret_key(key):
        return REDACTED
    match value:
        case Mapping():
            found: object = {str(name): redact(item, key=str(name)) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            found = [redact(item) for item in value]
        case int() | float() if math.isfinite(value):
            found = value
        case _:
            found = redact_text(str(value))
    return found


def summarise(text: str) -> str:
    """Return foreign ``text`` as one short line without secrets, URLs, addresses, paths and long hexadecimal."""
    line = _HOST.sub(r"\1[address]", hide_places(redact_text(" ".join(text.split()))))
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"
