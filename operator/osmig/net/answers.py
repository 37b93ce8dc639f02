"""What a request came to: an answer within bounds, or none. Free of any HTTP library, so that judging is, too."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.net.bounds import read_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.net.answer_memory import Share
    from osmig.net.permits import Permit

_MAX_COUNT_DIGITS = 9
_NEXT = re.compile(r'rel\s*=\s*"?next\b')


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end.

    Attributes:
        status: the HTTP status.
        content: the body; bounded by the transport.
        headers: those that are of use, names in lower case.
        share: what it took of the memory for large answers, given back with it.
    """

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    share: Share | None = field(default=None, repr=False, compare=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the range is the definition

    @property
    def retry_after_s(self) -> float | None:
        """Retry-After in seconds; ``None`` where the server asks for no pause."""
        return read_retry_after(self.headers.get("retry-after"))

    def read_count(self, header: str) -> int | None:
        """Read how many rows the whole list has, from a header in lower case; ``None`` where it does not say."""
        value = self.headers.get(header, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_COUNT_DIGITS else None

    @property
    def has_next(self) -> bool | None:
        """Whether another page follows; ``None`` where the server does not link its pages."""
        link = self.headers.get("link")
        return None if link is None else _NEXT.search(link) is not None


@dataclass(slots=True)
class Call:
    """One request on its way.

    Attributes:
        operation: in our words, for metrics and errors.
        permit: the right to change something; ``None`` for a request that only reads.
        has_left: its first byte was about to be written, and nothing forbade it.
        waits_for_memory: its answer is large, and there is no memory for it yet.
    """

    operation: str
    permit: Permit | None = None
    has_left: bool = False
    waits_for_memory: bool = False
