"""The one door for bodies: from the watch, from lists, from answers to own writes; keeps Inbox and Ledger in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.engine.inbox import key_of
from osmig.engine.keys import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.engine.inbox import Inbox
    from osmig.engine.keys import Key
    from osmig.engine.ledger import Ledger


class Intake:
    """Takes bodies in."""

    def __init__(self, inbox: Inbox, ledger: Ledger, wake: Callable[[Key], None]) -> None:
        """Feed ``inbox`` and ``ledger``; ``wake`` makes a key due."""
        self._inbox = inbox
        self._ledger = ledger
        self._wake = wake

    def offer(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Take a body that somebody else may have changed: its object is stepped if it is new."""
        if self.take(kind, body):
            self._wake(key_of(kind, body))

    def take(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Take a body without waking its object; say whether it brought anything new."""
        key = key_of(kind, body)
        if not self._inbox.offer(kind, body):
            return False
        entry = self._inbox.get(key)
        if kind is Kind.MIGRATION and entry is not None:
            self._ledger.note(key, entry.body)
        return True

    def remove(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Take note that this very object was deleted; one of the same name that came later stays."""
        key = key_of(kind, body)
        if self._inbox.forget(key, uid=str(body["metadata"]["uid"])):
            self.drop(key)

    def drop(self, key: Key) -> None:
        """Forget an object that is gone, and let its step clean up."""
        self._inbox.forget(key)
        self._ledger.drop(key)
        self._wake(key)
