"""Read a list page by page, on servers that count their rows, link their pages, or do neither."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Generic

from osmig.domain.errors import Absent
from osmig.drivers.tenants.waldur.wire import Row, read_rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from osmig.drivers.tenants.waldur.answers import Answer
    from osmig.drivers.tenants.waldur.wire import Page


class OverlongError(Exception):
    """A list has more pages than may be read."""


class _Next(Enum):
    PAGE = auto()
    """There is another one."""
    END = auto()
    MOVED = auto()
    """Rows came or went meanwhile, so that others moved from page to page and may have been missed."""


async def read_pages(
    model: type[Row], read_page: Callable[[int], Awaitable[Answer]], *, most: int
) -> tuple[Row, ...] | None:
    """Read a list to its end; ``None`` if it cannot be what it was at any one moment.

    Args:
        model: of the rows; one that cannot be read hides no other.
        read_page: asks for a page, from 1.
        most: pages to read.

    Raises:
        OverlongError: there are more pages.
        UnreadableError: an answer is no list.
        BackendError: as ``read_page``.
    """
    gathering = _Gathering[Row]()
    for number in range(1, most + 1):
        try:
            answer = await read_page(number)
        except Absent:
            if number == 1:
                raise
            return gathering.end_beyond()
        follows = gathering.take(read_rows(model, answer.content), answer)
        if follows is not _Next.PAGE:
            return tuple(gathering.rows.values()) if follows is _Next.END else None
        if gathering.must_be_beyond(most):
            break
    raise OverlongError


class _Gathering(Generic[Row]):
    """The pages that were read so far."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._known: set[str] = set()
        self._total: int | None = None
        self._seen = 0
        self._pages = 0

    def take(self, page: Page[Row], answer: Answer) -> _Next:
        """Add a page, and say what comes after it."""
        total, is_first = answer.result_count, self._pages == 0
        if not is_first and total != self._total:
            return _Next.MOVED
        news = page.keys - self._known
        self.rows.update(page.rows)
        self._known |= page.keys
        self._total, self._pages, self._seen = total, self._pages + 1, self._seen + page.count
        return self._go_on(page, news, answer) if total is None else self._go_on_counted(page, news, total)

    def end_beyond(self) -> tuple[Row, ...] | None:
        """End where the server has no such page; one that counts would have told before."""
        return tuple(self.rows.values()) if self._total is None else None

    def must_be_beyond(self, most: int) -> bool:
        """Tell by the count, after the first page, that the list has more pages than may be read."""
        return self._total is not None and self._total > self._seen + (most - self._pages) * self._seen // self._pages

    @staticmethod
    def _go_on(page: Page[Row], news: frozenset[str], answer: Answer) -> _Next:
        """Go by the link to the next page, else on until a page brings nothing new: it may be the same every time."""
        if answer.has_next is False:
            return _Next.END
        if news:
            return _Next.PAGE
        return _Next.MOVED if answer.has_next and page.count else _Next.END

    def _go_on_counted(self, page: Page[Row], news: frozenset[str], total: int) -> _Next:
        if len(news) < len(page.keys) or (page.count == 0 and self._seen < total):
            return _Next.MOVED
        return _Next.END if self._seen >= total else _Next.PAGE
