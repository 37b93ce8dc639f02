"""Lists of any server: to their end, and no further than their bounds."""

from __future__ import annotations

import pytest

from osmig.domain.errors import Absent
from osmig.net.json_reading import UnreadableError, parse_json
from osmig.net.paging import OverlongError, Page, read_pages
from osmig.net.wire import WireModel, read_rows

PER_PAGE = 2


class JobRow(WireModel):
    """A row of some server."""

    code: str


def page_of(first: int, count: int = PER_PAGE, *, total: int | None = None, has_next: bool | None = None) -> Page[int]:
    rows = {str(number): number for number in range(first, first + count)}
    return Page(rows, frozenset(rows), count, total, has_next)


@pytest.mark.parametrize(("total", "links"), [(4, False), (None, True), (None, False)], ids=["count", "link", "bare"])
async def test_a_list_ends_by_count_by_link_or_when_a_page_brings_nothing_new(
    total: int | None,
    links: bool,  # noqa: FBT001
) -> None:
    asked: list[int] = []

    async def read(number: int) -> Page[int]:
        asked.append(number)
        first = min(number - 1, 1) * PER_PAGE
        return page_of(first, total=total, has_next=number < 2 if links else None)

    assert await read_pages(read, max_pages=9, max_rows=99) == (0, 1, 2, 3)
    assert asked == ([1, 2] if total or links else [1, 2, 3])


async def test_a_page_that_is_not_there_ends_a_list_but_for_the_first() -> None:
    async def read(number: int) -> Page[int]:
        if number > 1:
            raise Absent("gone", "no such page", operation="list")
        return page_of(0)

    assert await read_pages(read, max_pages=9, max_rows=99) == (0, 1)


@pytest.mark.parametrize(("max_pages", "max_rows", "bound"), [(3, 99, "3 pages"), (9, 5, "5 rows")])
async def test_an_endless_list_is_told_by_the_bound_that_it_exceeds(max_pages: int, max_rows: int, bound: str) -> None:
    asked: list[int] = []

    async def read(number: int) -> Page[int]:
        asked.append(number)
        return page_of(number * PER_PAGE)

    with pytest.raises(OverlongError) as caught:
        await read_pages(read, max_pages=max_pages, max_rows=max_rows)

    assert caught.value.bound == bound
    assert len(asked) == 3


async def test_as_many_rows_as_the_bound_are_read_and_one_fat_page_is_not() -> None:
    async def read(_number: int) -> Page[int]:
        return page_of(0, 5, has_next=False)

    assert await read_pages(read, max_pages=1, max_rows=5) == (0, 1, 2, 3, 4)
    with pytest.raises(OverlongError, match="4 rows"):
        await read_pages(read, max_pages=1, max_rows=4)


def test_an_odd_row_hides_no_other_and_counts_all_the_same() -> None:
    page = read_rows(JobRow, [{"code": "a"}, 42], lambda row: row["code"] if isinstance(row, dict) else None)

    assert [row.code for row in page.rows.values()] == ["a"]
    assert page.keys == frozenset({"a", "42"})
    assert page.count == 2


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_json(content)
