"""When the token expires, where a server tells: of personal access tokens alone.

From the published description of 8.1.3; no server was asked yet. So anything unexpected means that nothing is told.
A user's own token, whose lifetime counts from its last use, is kept alive by every request and is no matter of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.domain.errors import BackendError
from osmig.drivers.tenants.waldur.requests import LIST_TOKENS
from osmig.drivers.tenants.waldur.wire import TokenRow

if TYPE_CHECKING:
    import datetime as dt

    from osmig.drivers.tenants.waldur.session import WaldurSession
    from osmig.net.limiting import Priority

SINCE = (8, 1, 0)
"""Servers before it have no personal access tokens, and are not asked."""

_SHORTEST = 8
"""A shorter prefix may be the same for every token of a server."""


async def read_expiry(session: WaldurSession, priority: Priority) -> dt.datetime | None:
    """Return when the token in use expires; ``None`` where it is not told, or not told of exactly one."""
    try:
        rows = await session.rows(TokenRow, LIST_TOKENS.about(), priority)
    except BackendError:
        # the account may not look, or there is no such list: it says nothing of what else the token can do
        return None
    ours = [row for row in rows if _is_ours(row, session)]
    return ours[0].expires_at if len(ours) == 1 else None


def _is_ours(row: TokenRow, session: WaldurSession) -> bool:
    prefix = row.token_prefix or ""
    return len(prefix) >= _SHORTEST and row.is_active is not False and session.has_token(prefix)
