"""Replace what looks like a secret in a text: the one set of patterns, for status, Events, metrics and logs alike.

The first wall is that nobody shows secrets. This one errs on the side of replacing too much, but a sentence that only
speaks of a token stays readable: after a mere space only what no word looks like is taken for a secret.

Every pattern takes linear time: a stranger chooses the text.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

_STEMS = (
    r"passw(?:or)?d|passphrase|passcode|(?:admin|user|root|db)[_-]?pass|\bpwd|secret|token|jwt|auth|authori[sz]ation|"
    r"cookie|session[_-]?id|(?:api|access|private|secret|signing|encryption)[_-]?key|apikey"
)
# Only from a word's first letter: from each of them, a word of n letters would be gone through n times.
_BEFORE = r"(?<![\w-])[\w-]*"
_KEY = rf"{_BEFORE}(?:{_STEMS})(?:s|[_-]?(?:id|value|string|hash|data))?"
_SEPARATOR = r"""(?:\\*["'`])?\s{0,8}(?:=>|->|:=|[:=]|%3[ad])\s{0,8}"""
_SCHEME = r"(?:(?:bearer|basic|digest|token)\s{1,8})?"
# A quoted value whose end was cut off goes on to the end of the text.
_QUOTED = r"""\\+["'`][^\\"'`]*|[bu]?"(?:\\.|[^"\\])*+"?|[bu]?'(?:\\.|[^'\\])*+'?|`[^`]*`?"""
_BARE = r"""[^\s,;&"'`{}()\[\]<>\\]+"""
# What a sentence may go on with after a colon; a list of these is no list of passwords.
_SENTENCE = (
    r"(?:an?|the|it|its|this|that|is|was|are|has|have|must|may|can|cannot|could|should|not?|none|null|nil|true|false|"
    r"ok|expired?|expires|invalid|missing|required|unknown|failed|failure|refused|rejected|revoked|disabled|unable|"
    r"error|empty|wrong|user|http|request|service|connection|timed?|too|only|please|nothing|there)"
    r"(?![\w-])"
)
_ODD = (
    r"(?:"
    r"(?=[^\s,;&]*\d)(?=[^\s,;&]*[a-z])[^\s,;&\"'`{}()\[\]<>\\]{4,}"  # letters and digits
    r"|\d{6,}"
    r"|[\w-]{20,}"
    r"|(?=[\w.+/=-]*(?-i:[a-z][A-Z]))[\w.+/=-]{10,}"  # base64 has capitals in the middle
    r"|[^\s,;&\"'`{}()\[\]<>\\]*[+~$%^*!@#|][^\s,;&\"'`{}()\[\]<>\\]+"
    r")"
)
_WORD = rf"(?:{_KEY}|(?<![\w-])bearer)"
# A Secret of Kubernetes has a name, which may look like anything.
_NAMED = r"(?<=\b(?-i:Secret) )\S{1,253} in namespace "
_SAID = r"""(?<!secret )(?<!secrets )["'`](?=[^"'`\s]*\w)[^"'`\s]{1,200}["'`]"""
_PATTERNS = (
    (re.compile(r"-----BEGIN[^-]{0,40}-----[^-]*(?:-----END[^-]{0,40}-----)?"), REDACTED),
    (re.compile(rf"(?i)(<[\w:.-]{{0,64}}(?:{_STEMS})[^<>]{{0,99}}>)[^<]+"), rf"\1{REDACTED}"),
    # a header in a list of pairs, as Python prints it
    (
        re.compile(rf"(?i)([\"'](?:x-[\w-]*token|[\w-]*authorization|(?:set-)?cookie)[\"'],\s{{0,8}})(?:{_QUOTED})"),
        rf"\1{REDACTED}",
    ),
    # header, field, parameter or assignment, in any of the usual spellings
    (
        re.compile(rf"(?i)({_KEY}{_SEPARATOR})(?!{_SENTENCE}){_SCHEME}(?:{_QUOTED}|{_BARE})"),
        rf"\1{REDACTED}",
    ),
    # an option of a command
    (re.compile(rf"(?i)(?<![\w-])(--?[\w-]*(?:{_STEMS})\s{{1,8}})(?!-)(?:{_QUOTED}|{_BARE})"), rf"\1{REDACTED}"),
    # a word, a space, and what is no word
    (
        re.compile(rf"(?i)({_WORD}\s{{1,8}}(?:(?:is|was|value|string)\s{{1,8}})?)(?!{_NAMED})(?:{_SAID}|{_ODD})"),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(?i)(\bbasic\s{1,8})(?=[\w+/]*(?-i:[a-z][A-Z]|=))[\w+/]{8,}={0,2}"), rf"\1{REDACTED}"),
    # Keystone's Fernet tokens and JSON Web Tokens, such as those of service accounts, wherever they stand
    (re.compile(r"gAAAA[\w=-]+"), REDACTED),
    (re.compile(r"(?<![\w-])eyJ[\w-]++\.[\w-]++\.[\w-]*"), REDACTED),
    (re.compile(r"(://)[^\s/@]+@"), rf"\1{REDACTED}@"),
)
_SUSPICIOUS = re.compile(rf"(?i){_STEMS}|bearer|basic|gaaaa|eyj|://|-----begin")
"""What every one of the patterns needs: text without any of it, which nearly all is, stays as it is."""


def redact_text(text: str) -> str:
    """Replace what looks like a secret within ``text``."""
    if _SUSPICIOUS.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


_PLACES = (
    (re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://\S*[^\s:;,.)\]}'\"]", re.IGNORECASE), "[url]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "[address]"),
    (re.compile(r"(?<![\w:])\[?(?=[0-9a-fA-F:]*::|(?:[0-9a-fA-F]+:){4})[0-9a-fA-F:.]{2,}\]?"), "[address]"),
    (re.compile(r"(?<![\w/])(?:/[\w.@%+-]+){2,}/?"), "[path]"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,}\b"), "[id]"),
)


def hide_places(text: str, word: str = "") -> str:
    """Replace URLs, addresses, paths and long hexadecimal, each by a word for its kind, or all by ``word``."""
    for pattern, kind in _PLACES:
        text = pattern.sub(word or kind, text)
    return text
