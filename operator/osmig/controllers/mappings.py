"""One step of a MigrationMapping: lint it, publish what was found, and wake the Migrations that refer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.api.mapping import MappingStatus, parse_mapping
from osmig.api.meta import parse_metadata, parse_status
from osmig.domain.conditions import describe_mapping
from osmig.drivers.tenants.policy.linting import lint
from osmig.drivers.tenants.policy.replica_name import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.mapping import MigrationMapping
    from osmig.controllers.inbox import Entry
    from osmig.controllers.keys import Key
    from osmig.controllers.parts import Parts

MAX_FINDINGS = 64
"""As many as the schema takes."""


class MappingController:
    """Steps MigrationMappings."""

    parse = staticmethod(parse_mapping)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._told: dict[Key, str] = {}

    async def step(self, key: Key, entry: Entry, parsed: MigrationMapping) -> None:
        """Bring one MigrationMapping up to date; it is due again when it changes."""
        spec_hash = digest(parsed.spec)
        self._tell(key, spec_hash)
        await self._put(key, entry.body, self._describe(parsed, spec_hash))

    async def reject(self, key: Key, entry: Entry, why: str) -> None:
        """Say in status why the mapping cannot be used, and wake those who refer to it."""
        self._tell(key, "")
        await self._put(key, entry.body, self._describe_unreadable(entry.body, why))

    async def forget(self, key: Key) -> None:
        """Wake those who refer to a mapping that is gone."""
        self._told.pop(key, None)
        self._wake_users(key)

    async def _put(self, key: Key, body: Mapping[str, Any], after: MappingStatus) -> None:
        if after != parse_status(MappingStatus, body):
            await self._parts.publisher.put(key, after)

    def _tell(self, key: Key, spec_hash: str) -> None:
        """Wake those who refer to the mapping unless they were told of this very content before."""
        if self._told.get(key) == spec_hash:
            return
        self._told[key] = spec_hash
        self._wake_users(key)

    def _wake_users(self, key: Key) -> None:
        for user in self._parts.ledger.users(key):
            self._parts.wake(user)

    def _describe(self, mapping: MigrationMapping, spec_hash: str) -> MappingStatus:
        findings, generation = lint(mapping.spec)[:MAX_FINDINGS], mapping.metadata.generation
        return MappingStatus(
            observed_generation=generation,
            conditions=describe_mapping(
                problem="",
                before=mapping.status.conditions,
                generation=generation,
                now=self._parts.given.clock.now(),
            ),
            hash=spec_hash,
            findings=findings,
        )

    def _describe_unreadable(self, body: Mapping[str, Any], why: str) -> MappingStatus:
        generation, before = parse_metadata(body).generation, parse_status(MappingStatus, body) or MappingStatus()
        conditions = describe_mapping(
            problem=why, before=before.conditions, generation=generation, now=self._parts.given.clock.now()
        )
        return MappingStatus(observed_generation=generation, conditions=conditions)


build = MappingController
