"""The one door for bodies: from the watch, from lists, from answers to own writes; keeps Inbox and Ledger in step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from osmig.api.names import Kind
from osmig.controllers.inbox import key_of, read_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.ledger import Ledger


class OwnWrite:
    """One write of ours while its answer is awaited.

    The watch may show its effect first. Only the answer tells which resourceVersion was ours, so an object whose
    write is under way is not woken before that: a pause that a step asked for must not be cut short by its own write.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def note_seen(self, body: Mapping[str, Any]) -> None:
        """Keep in mind what came while the answer was awaited."""
        self._seen.add(read_version(body))

    def recognise(self, body: Mapping[str, Any]) -> None:
        """Take the answer: what it shows was not somebody else."""
        self._seen.discard(read_version(body))

    @property
    def has_seen_others(self) -> bool:
        """Whether something came that is not our own write, or that no answer told to be."""
        return bool(self._seen)


class Intake:
    """Takes bodies in.

    Args:
        inbox: gets the bodies.
        ledger: gets what they claim.
        wake: makes a key due.
        on_claims: told of each Provider whose slots may have changed hands, and by which Migration.
        on_gone: told once of each object that is gone, with its newest body.
        followers: by kind, who is told of each object that has changed, with its newest body, and with ``None`` when
            it is gone.
    """

    def __init__(
        self,
        inbox: Inbox,
        ledger: Ledger,
        wake: Callable[[Key], object],
        *,
        on_claims: Callable[[Key, Key], object] = lambda *_: None,
        on_gone: Callable[[Key, Mapping[str, Any]], object] = lambda *_: None,
        followers: Mapping[Kind, Callable[[Key, Mapping[str, Any] | None], object]] | None = None,
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._wake = wake
        self._on_claims = on_claims
        self._on_gone = on_gone
        self._followers = followers or {}
        self._writes: dict[Key, OwnWrite] = {}

    def offer(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Take a body that somebody else may have changed: its object is stepped if it is new."""
        if not self.take(kind, body):
            return
        key = key_of(kind, body)
        write = self._writes.get(key)
        if write is None:
            self._wake(key)
        else:
            write.note_seen(body)

    def knows(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Whether to take this body would bring nothing, as of one that the answer to an own write brought first."""
        return self._inbox.knows(kind, body)

    def take(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Take a body without waking its object; say whether it brought anything new."""
        key = key_of(kind, body)
        before = self._inbox.get(key)
        if not self._inbox.offer(kind, body):
            return False
        entry = self._inbox.get(key)
        if before is not None and entry is not None and before.uid != entry.uid:
            # nobody told us that the earlier object of this name was deleted
            self._on_gone(key, before.body)
        if entry is not None:
            # What the Inbox kept, not what came: an older body may have brought no more than a verb.
            newest = entry.body
            if kind is Kind.MIGRATION:
                self._tell(key, self._ledger.note(key, newest))
            self._follow(key, newest)
        return True

    def take_back(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Take a body that was read because a write of ours met another version.

        What made the other version may be an order: the watch brings nothing new of it any more, and the step that
        failed comes again only after a pause.
        """
        key = key_of(kind, body)
        entry = self._inbox.get(key)
        known = len(entry.verb_requests) if entry is not None else 0
        self.take(kind, body)
        entry = self._inbox.get(key)
        if entry is not None and len(entry.verb_requests) > known:
            self._wake(key)

    @contextmanager
    def own_write(self, key: Key) -> Iterator[OwnWrite]:
        """Hold back the wakes of one object while a write of ours is under way; there is one at a time."""
        write = self._writes[key] = OwnWrite()
        try:
            yield write
        finally:
            del self._writes[key]
            if write.has_seen_others:
                self._wake(key)

    def remove(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Take note that this very object was deleted; one of the same name that came later stays."""
        key = key_of(kind, body)
        if self._inbox.forget(key, uid=str(body["metadata"]["uid"])) is not None:
            self._part(key, body)

    def drop(self, key: Key) -> None:
        """Forget an object that is gone, and let its step clean up."""
        entry = self._inbox.forget(key)
        if entry is not None:
            self._part(key, entry.body)

    def _part(self, key: Key, body: Mapping[str, Any]) -> None:
        self._on_gone(key, body)
        self._follow(key, None)
        self._tell(key, self._ledger.drop(key))
        self._wake(key)

    def _follow(self, key: Key, body: Mapping[str, Any] | None) -> None:
        if (follower := self._followers.get(key.kind)) is not None:
            follower(key, body)

    def _tell(self, key: Key, providers: Iterable[Key]) -> None:
        # The Ledger is up to date before anybody is woken: a step that runs at once must find what was let go.
        for provider in providers:
            self._on_claims(provider, key)
        for waiting in self._ledger.next_waiters():
            self._wake(waiting)
