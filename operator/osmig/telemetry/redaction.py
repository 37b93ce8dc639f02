"""A second wall against secrets in logs: what looks like one is replaced, wherever it stands.

The first wall is that nobody logs them. This one errs on the side of replacing too much.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

REDACTED = "[redacted]"
MAX_LENGTH = 300

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_WORDS = frozenset({
    "password", "passwords", "passwd", "passphrase", "passcode", "secret", "secrets", "token", "tokens",
    "authorization", "cookie", "apikey", "jwt", "bearer",
})  # fmt: skip
# `secret_name` and `tokenRef` say where a secret is, not what it is.
_POINTER_WORDS = frozenset({"name", "namespace", "ref", "period", "timeout", "expiry", "expires", "count", "s"})
# Only from a word's first letter: from each of them, a word of n letters would be gone through n times.
_KEY = r"(?<![\w-])[\w-]*(?:password|passwd|passphrase|secret|token|authorization|cookie|api[_-]?key)[\"']?"
_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:(?:bearer|basic)\s+)?[^\s,;&"'{}()\[\]]+)"""
_PATTERNS = (
    # Header or field with its value, in any of the usual spellings.
    (re.compile(rf"(?i)({_KEY}\s*[:=]\s*){_VALUE}"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+"), rf"\1{REDACTED}"),
    # Keystone's Fernet tokens and JSON Web Tokens, such as those of service accounts, wherever they stand.
    (re.compile(r"gAAAA[\w=-]+"), REDACTED),
    # Only from the first place of a word where one may begin: from each of them, the word would be gone through again.
    (re.compile(r"(?<![\w-])((?:(?!\beyJ)[\w-])*+)eyJ[\w-]++\.[\w-]+\.[\w-]*"), rf"\1{REDACTED}"),
    (re.compile(r"(://)[^\s/@]+@"), rf"\1{REDACTED}@"),
)
_SUSPICIOUS = re.compile(
    r"(?i)password|passwd|passphrase|secret|token|authorization|cookie|api[_-]?key|bearer|gaaaa|eyj|://"
)
"""What every one of the patterns needs: text without any of it, which nearly all is, stays as it is."""
_LOCATIONS = (
    (re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://\S*[^\s:;,.)\]}'\"]", re.IGNORECASE), "[url]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "[address]"),
    (re.compile(r"(?<![\w:])\[?(?=[0-9a-fA-F:]*::|(?:[0-9a-fA-F]+:){4})[0-9a-fA-F:.]{2,}\]?"), "[address]"),
    (re.compile(r"(\bhost=|\bto host )['\"]?[\w.-]+(?::\d+)?['\"]?"), r"\1[address]"),
    (re.compile(r"(?<![\w/])(?:/[\w.@+-]+){2,}/?"), "[path]"),
    (re.compile(r"\b[0-9a-fA-F]{16,}\b"), "[id]"),
)


def is_secret_key(key: str) -> bool:
    """Whether a value under ``key`` is a secret by the look of its name, in any case style."""
    words = [word.lower() for word in _WORD.findall(key)]
    joined = "".join(words)
    if words and words[-1] in _POINTER_WORDS:
        return False
    return not _SECRET_WORDS.isdisjoint(words) or joined.endswith(("apikey", "privatekey", "accesskey"))


def redact_text(text: str) -> str:
    """Replace what looks like a secret within ``text``."""
    if _SUSPICIOUS.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


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
    line = redact_text(" ".join(text.split()))
    for pattern, replacement in _LOCATIONS:
        line = pattern.sub(replacement, line)
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"
