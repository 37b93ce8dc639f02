"""One step of a MigrationMapping: lint it, publish what was found, and wake the Migrations that refer to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from osmig.api.mapping import MappingStatus, parse_mapping
from osmig.api.meta import InvalidManifest, parse_metadata, parse_status
from osmig.domain.conditions import describe_mapping
from osmig.drivers.tenants.policy.linting import lint
from osmig.drivers.tenants.policy.replica_name import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.api.mapping import MigrationMapping
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.controllers.ledger import Ledger
    from osmig.controllers.publishing import Publisher
    from osmig.domain.clock import Clock

_logger = logging.getLogger(__name__)

MAX_FINDINGS = 64
"""As many as the schema takes."""


class MappingStep:
    """Steps MigrationMappings.

    Args:
        inbox: the newest bodies.
        ledger: who refers to which.
        publisher: writes status.
        clock: stamps.
        wake: makes a Migration due.
    """

    def __init__(
        self, *, inbox: Inbox, ledger: Ledger, publisher: Publisher, clock: Clock, wake: Callable[[Key], None]
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        self._wake = wake
        self._told: dict[Key, str] = {}

    async def step(self, key: Key) -> None:
        """Bring one MigrationMapping up to date; it is due again when it changes."""
        entry = self._inbox.get(key)
        if entry is None:
            self._told.pop(key, None)
            self._wake_users(key)
            return
        try:
            mapping = parse_mapping(entry.body)
        except InvalidManifest as error:
            _logger.error("mapping.invalid", extra={"why": str(error)})  # noqa: TRY400 - the message says it all
            self._tell(key, "")
            await self._put(key, entry.body, self._describe_unreadable(entry.body, str(error)))
            return
        spec_hash = digest(mapping.spec)
        self._tell(key, spec_hash)
        await self._put(key, entry.body, self._describe(mapping, spec_hash))

    async def _put(self, key: Key, body: Mapping[str, Any], after: MappingStatus) -> None:
        if after != parse_status(MappingStatus, body):
            await self._publisher.put(key, after)

    def _tell(self, key: Key, spec_hash: str) -> None:
        """Wake those who refer to the mapping unless they were told of this very content before."""
        if self._told.get(key) == spec_hash:
            return
        self._told[key] = spec_hash
        self._wake_users(key)

    def _wake_users(self, key: Key) -> None:
        for user in self._ledger.users(key):
            self._wake(user)

    def _describe(self, mapping: MigrationMapping, spec_hash: str) -> MappingStatus:
        findings, generation = lint(mapping.spec)[:MAX_FINDINGS], mapping.metadata.generation
        return MappingStatus(
            observed_generation=generation,
            conditions=describe_mapping(
                problem="",
                before=mapping.status.conditions,
                generation=generation,
                now=self._clock.now(),
            ),
            hash=spec_hash,
            findings=findings,
        )

    def _describe_unreadable(self, body: Mapping[str, Any], why: str) -> MappingStatus:
        generation, before = parse_metadata(body).generation, parse_status(MappingStatus, body) or MappingStatus()
        conditions = describe_mapping(
            problem=why, before=before.conditions, generation=generation, now=self._clock.now()
        )
        return MappingStatus(observed_generation=generation, conditions=conditions)
