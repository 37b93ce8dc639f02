"""One server's API of JSON over HTTP: each request paced, counted, sent once, and judged by its driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from osmig.api.names import Reason
from osmig.domain.errors import Transient
from osmig.net.answers import Call
from osmig.net.bounds import LARGE_BYTES
from osmig.net.failures import FAILURES, TooManyRowsError
from osmig.net.json_reading import UnreadableError
from osmig.net.paging import OverlongError, read_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.domain.errors import BackendError
    from osmig.net.answers import Answer
    from osmig.net.connection import Connection
    from osmig.net.limiting import Priority
    from osmig.net.paging import Page
    from osmig.net.permits import Permit
    from osmig.net.requests import Request

T = TypeVar("T")
R = TypeVar("R")

ROUNDS = 3
"""How often a list that changes while it is read is read anew."""


class Judge(Protocol):
    """What a driver makes of answers and of failures; its module ``classify`` is one."""

    def judge_failure(self, failure: Exception, call: Call) -> BackendError:
        """Say what it means that no answer came; ``failure`` is one of ``osmig.net.failures.FAILURES``."""
        ...

    def judge_overlong(self, operation: str, bound: str) -> BackendError:
        """Say that a list is longer than what is read of any."""
        ...

    def judge_unreadable(self, call: Call) -> BackendError:
        """Say what a 2xx means that is not in the server's form."""
        ...

    def judge_read(self, answer: Answer, operation: str) -> BackendError:
        """Judge an answer, not a 2xx, to a request that only reads."""
        ...

    def judge_change(self, answer: Answer, operation: str) -> BackendError:
        """Judge an answer, not a 2xx, to a request that changes something."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging(Generic[R]):
    """How one list is read.

    Attributes:
        turn_to: asks for one page of it, from 1.
        read_page: reads an answer; raises ``UnreadableError`` and ``TooManyRowsError``.
        page_rows: that are asked for at once.
        max_pages: of a list; a longer one is not read.
    """

    turn_to: Callable[[Request, int], Request]
    read_page: Callable[[Answer], Page[R]]
    page_rows: int
    max_pages: int


class JsonApi:
    """The way to one server."""

    def __init__(self, connection: Connection, judge: Judge) -> None:
        """Work over ``connection``, which is closed with this; sends nothing yet."""
        self._connection = connection
        self._judge = judge

    async def read(self, request: Request, priority: Priority, parse: Callable[[Answer], T]) -> T:
        """Read one answer by ``parse``, which raises ``UnreadableError`` and ``TooManyRowsError``.

        Raises:
            BackendError: as the judge says.
        """
        try:
            return await self._read(request, priority, parse)
        except UnreadableError:
            raise self._judge.judge_unreadable(Call(request.operation)) from None
        except TooManyRowsError as error:
            raise self._judge.judge_overlong(request.operation, error.bound) from None

    async def read_list(self, request: Request, priority: Priority, paging: Paging[R]) -> tuple[R, ...]:
        """Read a list to its end, as one state of it: what follows from a gap would be wrong.

        Raises:
            BackendError: as the judge says.
            Transient: the list changed each time it was read.
        """

        async def read_page(number: int) -> Page[R]:
            return await self._read(paging.turn_to(request, number), priority, paging.read_page)

        try:
            for _ in range(ROUNDS):
                max_rows = paging.max_pages * paging.page_rows
                found = await read_pages(read_page, max_pages=paging.max_pages, max_rows=max_rows)
                if found is not None:
                    return found
        except UnreadableError:
            raise self._judge.judge_unreadable(Call(request.operation)) from None
        except (OverlongError, TooManyRowsError) as error:
            raise self._judge.judge_overlong(request.operation, error.bound) from None
        text = f"The list changed while it was read, in {request.operation}"
        raise Transient(Reason.RETRYING, text, operation=request.operation)

    async def change(self, request: Request, priority: Priority, permit: Permit) -> Answer:
        """Send exactly one request that changes something; return its 2xx.

        Raises:
            BackendError: as the judge says.
        """
        call = Call(request.operation, permit)
        answer = await self._send(request, call, priority)
        if not answer.is_success:
            raise self._judge.judge_change(answer, request.operation)
        if len(answer.content) > LARGE_BYTES:
            raise self._judge.judge_unreadable(call)
        return answer

    async def close(self) -> None:
        """Take no more requests; what is under way ends by itself, and the last one closes the connections."""
        await self._connection.close()

    async def _read(self, request: Request, priority: Priority, parse: Callable[[Answer], T]) -> T:
        call = Call(request.operation)
        answer = await self._send(request, call, priority)
        if not answer.is_success:
            raise self._judge.judge_read(answer, request.operation)
        try:
            return await self._connection.parse(answer, parse)
        except FAILURES as failure:
            raise self._judge.judge_failure(failure, call) from failure

    async def _send(self, request: Request, call: Call, priority: Priority) -> Answer:
        try:
            return await self._connection.send(request, call, priority)
        except FAILURES as failure:
            raise self._judge.judge_failure(failure, call) from failure
