"""A body while it comes: how much of the memory it takes, and when it is too long."""

from __future__ import annotations

import pytest

from osmig.net.body_size import BodySize
from osmig.net.bounds import LARGE_BYTES, MAX_ANSWER_BYTES, MAX_PIECES
from osmig.net.failures import TooLongError

MIB = 2**20


@pytest.mark.parametrize(
    ("told", "read", "size"),
    [
        (None, LARGE_BYTES, None),
        (None, LARGE_BYTES + 1, MAX_ANSWER_BYTES),
        ("100", 10, None),
        (str(MIB), 10, MIB),
        (str(MAX_ANSWER_BYTES), 10, MAX_ANSWER_BYTES),
        ("-1", LARGE_BYTES + 1, MAX_ANSWER_BYTES),
        ("x", 1, None),
    ],
)
def test_a_large_answer_says_how_large_or_counts_as_the_largest(told: str | None, read: int, size: int | None) -> None:
    assert BodySize(told).add(b"x" * read) == size


@pytest.mark.parametrize("told", [str(MAX_ANSWER_BYTES + 1), "9" * 5000])
def test_one_that_tells_to_be_longer_is_refused_before_it_is_read(told: str) -> None:
    with pytest.raises(TooLongError):
        BodySize(told)


@pytest.mark.parametrize("told", [None, "100"])
def test_one_that_turns_out_to_be_longer_is_read_no_further(told: str | None) -> None:
    body_size = BodySize(told)
    body_size.add(b"x" * MAX_ANSWER_BYTES)
    with pytest.raises(TooLongError):
        body_size.add(b"x")


def test_one_in_many_pieces_is_read_no_further_however_short_they_are() -> None:
    body_size = BodySize(None)
    for _ in range(MAX_PIECES):
        body_size.add(b"x")
    with pytest.raises(TooLongError):
        body_size.add(b"x")
