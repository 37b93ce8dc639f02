"""What a step is for, as far as that shows before it is made: it says whose places the step takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import Kind
from osmig.controllers.turns import Lane, Sort

if TYPE_CHECKING:
    from osmig.controllers.claims import Claims
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Lanes:
    """Finds the lane of each key, by the newest body and what it claims."""

    inbox: Inbox
    ledger: Ledger

    def find(self, key: Key) -> Lane:
        """Return the lane that a key belongs into now."""
        if key.kind is Kind.PLAN and (plan := self.inbox.get(key)) is not None:
            return Lane(key.namespace, Sort.PLAN, plan.provider_name)
        claims = self.ledger.get(key)
        if key.kind is not Kind.MIGRATION or claims is None:
            # one whose object is gone has no more to do than to be forgotten
            return Lane(key.namespace, Sort.OTHER_KIND, key.name)
        return Lane(key.namespace, self._sort(key, claims), claims.provider.name)

    def has_order(self, key: Key) -> bool:
        """Whether somebody gave an order about an object that no step has recorded."""
        entry = self.inbox.get(key)
        return entry is not None and bool(entry.verb_requests)

    def _sort(self, key: Key, claims: Claims) -> Sort:
        entry = self.inbox.get(key)
        is_new = entry is not None and bool(entry.verb_requests or entry.is_being_deleted)
        if is_new or claims.has_order:
            return Sort.ORDER
        return Sort.POLL if claims.is_acting or claims.is_over else Sort.START
