"""Post the Events about what goes on, or stays, upstream after its object was deleted, once per object.

The watch, the periodic list and answers to writes all report a deletion here. The deletion of an object without a
finalizer is seen no earlier; objects with a finalizer take the same way.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from osmig.api.meta import InvalidManifest
from osmig.api.migration import parse_migration
from osmig.api.names import EventReason, Kind
from osmig.api.plan import parse_plan
from osmig.controllers.announcing import post, refer
from osmig.controllers.keys import Key
from osmig.domain import finalizer
from osmig.domain.observation import Note
from osmig.domain.plans.services import describe_left
from osmig.telemetry.log_context import bind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.controllers.inbox import Inbox
    from osmig.controllers.ledger import Ledger
    from osmig.kube.events import EventRecorder

_logger = logging.getLogger(__name__)

_PROVIDER_GONE = (
    "moves of its Migrations are under way: they go on upstream, and are followed again once there is a Provider of "
    "this name"
)


class DeletionEvents:
    """Posts Events about what no object of ours follows any more: moves, and hosts that are out of service."""

    def __init__(self, *, inbox: Inbox, ledger: Ledger, events: EventRecorder) -> None:
        """Start with nothing posted."""
        self._inbox = inbox
        self._ledger = ledger
        self._events = events
        self._expected: dict[str, Note] = {}

    def expect(self, uid: str, note: Note | None) -> None:
        """Keep why an object is let go, until it is gone; others' finalizers may hold it."""
        self._expected.pop(uid, None)
        if note is not None:
            self._expected[uid] = note

    def report(self, key: Key, body: Mapping[str, Any]) -> None:
        """Post what a deleted object leaves behind upstream, by its newest ``body``."""
        if key.kind is Kind.MIGRATION:
            self._report_migration(key, body)
        elif key.kind is Kind.PLAN:
            self._report_plan(key, body)
        elif key.kind is Kind.PROVIDER and any(self._is_acting(follower) for follower in self._ledger.followers(key)):
            note = Note(reason=EventReason.PROVIDER_GONE, text=_PROVIDER_GONE, is_warning=True)
            post(self._events, refer(key, body), note)

    def _report_migration(self, key: Key, body: Mapping[str, Any]) -> None:
        expected = self._expected.pop(str(body["metadata"]["uid"]), None)
        try:
            migration = parse_migration(body)
        except InvalidManifest:
            return
        note = finalizer.describe_left(migration, why=expected)
        if note is None:
            return
        post(self._events, refer(key, body), note)
        with bind(**key.log_fields, uid=migration.metadata.uid):
            _logger.info("migration.gone", extra={"why": note.text})
        provider = Key(Kind.PROVIDER, key.namespace, migration.spec.provider_ref.name)
        if (entry := self._inbox.get(provider)) is not None:
            # the Migration's own Events are not found by its name for long
            told = replace(note, text=f"Migration {key.name}: {note.text}")
            post(self._events, refer(provider, entry.body), told)

    def _report_plan(self, key: Key, body: Mapping[str, Any]) -> None:
        """Name the hosts that stay disabled: no plan enables any by being deleted."""
        try:
            plan = parse_plan(body)
        except InvalidManifest:
            return
        note = describe_left(plan)
        if note is None:
            return
        post(self._events, refer(key, body), note)
        with bind(**key.log_fields, uid=plan.metadata.uid):
            _logger.warning("plan.gone", extra={"why": note.text})

    def _is_acting(self, key: Key) -> bool:
        entry = self._inbox.get(key)
        if entry is None:
            return False
        try:
            return finalizer.is_under_way(parse_migration(entry.body).status)
        except InvalidManifest:
            return False
