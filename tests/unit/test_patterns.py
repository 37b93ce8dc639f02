"""No pattern of osmig's goes back and forth over a stranger's text: each is run on hostile ones within some CPU."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import osmig

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT, LONG = 4_000, 200_000
"""Signs of the texts that tell which are the worst, and of those that these are repeated to: what is quadratic takes
2,500 times as long then, what is linear 50 times."""

STEEP = 350
"""Times as long: between the two, so that it does not matter how fast a machine is."""

WORST = 8
"""So many texts are tried at their full length."""

TRIES = 3
"""The fastest counts, for it was disturbed least."""

CPU_S = 1.0
"""What takes longer is too slow, however it grows."""

PIECES = (
    "a", "A", "0", " ", "\\", "/", "-", ".", ":", "<", "[", "{", "'", '"', "`", "=", "@", "_", "(", "\n", "\x00", "é",
    "x1", "aB", "a.", "a/", "/a", "a:", "::", "1.", "1:", '\\"', "\\'", "--", "-a", "a-", "://", "a://", "://a",
    "token=", "token: ", "token ", "<token>", "<token", "eyJa.", "gAAAA", "basic ", "bearer ", "Secret ", "[a:",
    "-----BEGIN", "-----BEGIN-----", '"authorization", ', "cookie'", "https://a ",
)  # fmt: skip
STARTS = ("", 'token="')
NESTED = 4
"""How deep a table of patterns may be."""


def find_patterns() -> dict[re.Pattern[str] | re.Pattern[bytes], str]:
    """Return every pattern that a module of osmig's has, alone or within tuples, lists and dicts, and where."""
    found: dict[re.Pattern[str] | re.Pattern[bytes], str] = {}
    for module in pkgutil.walk_packages(osmig.__path__, "osmig."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                for number, pattern in enumerate(walk(value, NESTED)):
                    found.setdefault(pattern, f"{module.name}.{name} {number}")
    return found


def walk(value: object, depth: int) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for inner in (*value.keys(), *value.values()):
            yield from walk(inner, depth - 1)
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for inner in value:
            yield from walk(inner, depth - 1)


def list_hostile(source: str) -> Iterator[tuple[str, str]]:
    """List how texts begin and what is repeated in them: the same for all, and the words of the pattern itself."""
    words = re.findall(r"[A-Za-z][A-Za-z _-]{2,}", source)
    own = [f"{word}{end}" for word in words for end in ("", " ", "a ", '"')] + [f" {word}" for word in words]
    for start in STARTS:
        for piece in dict.fromkeys((*PIECES, *own)):
            yield start, piece


class TooSlowError(Exception):
    """The time was up."""


@contextmanager
def limited(cpu_s: float) -> Iterator[None]:
    """End whatever takes longer: ``re`` looks for signals while it searches."""

    def stop(*_: object) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def find_slow(pattern: re.Pattern[str] | re.Pattern[bytes]) -> str | None:
    """Return what a pattern takes too long for."""
    given = pattern.pattern
    pieces = list_hostile(given.decode("latin-1") if isinstance(given, bytes) else given)
    worst = sorted(pieces, key=lambda piece: measure(pattern, piece, SHORT))[-WORST:]
    return next(("".join(piece) for piece in worst if is_slow(pattern, piece)), None)


def is_slow(pattern: re.Pattern[str] | re.Pattern[bytes], piece: tuple[str, str]) -> bool:
    """Return whether a pattern takes too long for a long text, or much more of it than for a short one."""
    steep_s = STEEP * min(measure(pattern, piece, SHORT) for _ in range(TRIES))
    try:
        return all(measure_within(CPU_S, pattern, piece) > steep_s for _ in range(TRIES))
    except TooSlowError:
        return True


def measure_within(cpu_s: float, pattern: re.Pattern[str] | re.Pattern[bytes], piece: tuple[str, str]) -> float:
    """Return what a pattern takes for a long text, or raise TooSlowError."""
    with limited(cpu_s):
        return measure(pattern, piece, LONG)


def measure(pattern: re.Pattern[str] | re.Pattern[bytes], of: tuple[str, str], length: int) -> float:
    """Search a text from end to end; return the seconds of CPU."""
    start, piece = of
    text = (start + piece * (length // len(piece)))[: length - 1] + "!"  # what is close to a match is dearest
    subject, empty = (text.encode(), b"") if isinstance(pattern.pattern, bytes) else (text, "")
    began = time.thread_time()
    pattern.sub(empty, subject)  # type: ignore[arg-type] # of its own kind
    return time.thread_time() - began


PATTERNS = find_patterns()


def test_the_patterns_are_found_wherever_they_stand() -> None:
    places = " ".join(PATTERNS.values())
    for place in ("redacting._PATTERNS 9", "texts._PATTERNS 7", "json_reading._TEXTS", "cleaning._MARKUP"):
        assert place in places


@pytest.mark.parametrize("pattern", PATTERNS, ids=PATTERNS.values())
def test_no_hostile_text_takes_a_pattern_long(pattern: re.Pattern[str] | re.Pattern[bytes]) -> None:
    assert find_slow(pattern) is None


@pytest.mark.parametrize("source", [r"unable to migrate instance .* to current host", r"\s+$"])
def test_a_pattern_that_takes_quadratic_time_is_found(source: str) -> None:
    assert find_slow(re.compile(source)) is not None
