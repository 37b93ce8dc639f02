"""Read a list page by page, on servers that count their rows, link their pages, or do neither."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Generic, TypeVar

from osmig.domain.errors import Absent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """What one answer holds of a list.

    Attributes:
        rows: what can be read of it, by key.
        keys: of all rows, also of those that cannot be read: their ids, or they themselves where they have none.
        count: of all rows.
        total: rows of the whole list; ``None`` where the server does not count.
        has_next: whether another page follows; ``None`` where the server does not link its pages.
    """

    rows: Mapping[str, Row]
    keys: frozenset[str]
    count: int
    total: int | None = None
    has_next: bool | None = None


class OverlongError(Exception):
    """A list has more than may be read of it.

    Attributes:
        bound: that it exceeds, such as ``200 pages``.
    """

    def __init__(self, bound: str) -> None:
        """Keep the bound."""
        super().__init__(f"a list has more than {bound}")
        self.bound = bound


class _Next(Enum):
    PAGE = auto()
    """There is another one."""
    END = auto()
    MOVED = auto()
    """Rows came or went meanwhile, so that others moved from page to page and may have been missed."""


async def read_pages(
    read_page: Callable[[int], Awaitable[Page[Row]]], *, max_pages: int, max_rows: int
) -> tuple[Row, ...] | None:
    """Read a list to its end; ``None`` if it cannot be what it was at any one moment.

    Args:
        read_page: asks for a page, from 1; raises ``Absent`` where there is no such page.
        max_pages: to read.
        max_rows: to keep; a server may put more rows into a page than it was asked for.

    Raises:
        OverlongError: there are more pages, or more rows.
        BackendError: as ``read_page``.
    """
    gathering = _Gathering[Row]()
    for number in range(1, max_pages + 1):
        try:
            page = await read_page(number)
        except Absent:
            if number == 1:
                raise
            return gathering.end_beyond()
        follows = gathering.take(page)
        if gathering.count_rows() > max_rows:
            bound = f"{max_rows} rows"
            raise OverlongError(bound)
        if follows is not _Next.PAGE:
            return tuple(gathering.rows.values()) if follows is _Next.END else None
        if gathering.must_be_beyond(max_pages):
            break
    bound = f"{max_pages} pages"
    raise OverlongError(bound)


class _Gathering(Generic[Row]):
    """The pages that were read so far."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._known: set[str] = set()
        self._total: int | None = None
        self._seen = 0
        self._pages = 0

    def count_rows(self) -> int:
        """Count the rows so far, also those that cannot be read."""
        return len(self._known)

    def take(self, page: Page[Row]) -> _Next:
        """Add a page, and say what comes after it."""
        total, is_first = page.total, self._pages == 0
        if not is_first and total != self._total:
            return _Next.MOVED
        news = page.keys - self._known
        self.rows.update(page.rows)
        self._known |= page.keys
        self._total, self._pages, self._seen = total, self._pages + 1, self._seen + page.count
        return self._go_on(page, news) if total is None else self._go_on_counted(page, news, total)

    def end_beyond(self) -> tuple[Row, ...] | None:
        """End where the server has no such page; one that counts would have told before."""
        return tuple(self.rows.values()) if self._total is None else None

    def must_be_beyond(self, max_pages: int) -> bool:
        """Tell by the count, after the first page, that the list has more pages than may be read."""
        return (
            self._total is not None and self._total > self._seen + (max_pages - self._pages) * self._seen // self._pages
        )

    @staticmethod
    def _go_on(page: Page[Row], news: frozenset[str]) -> _Next:
        """Go by the link to the next page, else on until a page brings nothing new: it may be the same every time."""
        if page.has_next is False:
            return _Next.END
        if news:
            return _Next.PAGE
        return _Next.MOVED if page.has_next and page.count else _Next.END

    def _go_on_counted(self, page: Page[Row], news: frozenset[str], total: int) -> _Next:
        if len(news) < len(page.keys) or (page.count == 0 and self._seen < total):
            return _Next.MOVED
        return _Next.END if self._seen >= total else _Next.PAGE
