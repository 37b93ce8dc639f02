"""What is kept of one Provider's rows has a bound, also where each sweep alone keeps to it."""

from __future__ import annotations

import pytest

from osmig.api.names import Reason
from osmig.controllers.sweeping import Rows
from osmig.domain.errors import TooManyRows
from osmig.domain.operations import RecordView, Stage, Sweep
from osmig.net.bounds import MAX_ROWS


def sweep_of(first: int, count: int, *, is_full: bool = False) -> Sweep:
    records = tuple(RecordView(id=str(number), stage=Stage.RUNNING) for number in range(first, first + count))
    return Sweep(records=records, cursor=None, is_full=is_full)


def test_rows_that_gather_beyond_the_bound_are_none() -> None:
    rows = Rows()
    rows.merge(sweep_of(0, MAX_ROWS), is_ours=lambda _: False)

    with pytest.raises(TooManyRows) as caught:
        rows.merge(sweep_of(MAX_ROWS, 1), is_ours=lambda _: False)

    assert caught.value.reason == Reason.TOO_MANY_ROWS
    assert list(rows) == []


def test_a_full_sweep_replaces_what_gathered() -> None:
    rows = Rows()
    rows.merge(sweep_of(0, MAX_ROWS), is_ours=lambda _: False)

    rows.merge(sweep_of(MAX_ROWS, MAX_ROWS, is_full=True), is_ours=lambda _: False)

    assert len(list(rows)) == MAX_ROWS
