"""Mirrors: Migrations that osmig makes itself, for operations that nobody here declared (ADR 0032)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from osmig.api.discovery import DiscoveryMode
from osmig.api.migration import DeletionPolicy, OnDeadline
from osmig.api.names import Kind, Reason
from osmig.controllers.announcing import refer
from osmig.controllers.keys import Key
from osmig.controllers.sessions import Mirroring
from osmig.domain.capabilities import Capability
from osmig.domain.conditions import Mirrored
from osmig.domain.errors import InvalidWrite, KubeForbidden, OperatorError, QuotaReached
from osmig.domain.mirroring import (
    DISCOVERED_LABEL,
    TTL_S,
    KnownHere,
    MirrorState,
    decide_mirrors,
    describe,
    name_mirror,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import Provider
    from osmig.controllers.parts import Parts
    from osmig.controllers.sessions import Session
    from osmig.domain.mirroring import MirrorDecision
    from osmig.domain.operations import RecordView

_logger = logging.getLogger(__name__)

_NO_RIGHT_UPSTREAM = Mirrored(
    reason=Reason.NOT_PERMITTED,
    message="the credentials may not list the cloud's migrations, so none is mirrored; give them that right",
)


class Mirrors:
    """Makes the mirrors of all Providers, and never changes one."""

    def __init__(self, parts: Parts) -> None:
        self._inbox, self._ledger, self._publisher = parts.inbox, parts.ledger, parts.publisher
        self._drivers, self._clock = parts.given.drivers, parts.given.clock

    async def keep(self, key: Key, provider: Provider, session: Session) -> None:
        """Make the mirrors that are due after a sweep; a failure is told by the session and harms nothing else."""
        discovery = provider.spec.effective_discovery
        if discovery.mode is not DiscoveryMode.MIRROR:
            session.mirroring = Mirroring()
            return
        mirroring = session.mirroring
        if not session.view.is_ready or provider.metadata.deletion_timestamp or session.probe is None:
            return
        if Capability.ALL_MIGRATIONS not in session.probe.capabilities:
            session.mirroring = Mirroring(verdict=_NO_RIGHT_UPSTREAM)
            return
        if session.rows.revision == mirroring.revision:
            return
        uid = provider.metadata.uid
        here = KnownHere(
            is_ours=lambda row: self._ledger.knows(key, row),
            find_mirror=lambda row: self._find(key.namespace, name_mirror(row, uid), uid),
            can_follow=lambda row: self._adopt(provider, row) is not None,
            mirrors=self._count(key),
        )
        now = session.rows.tell_time(self._clock.now())
        decision = decide_mirrors(session.rows, discovery, here, mirroring.memory, now=now)
        mirroring.memory, mirroring.revision = decision.memory, session.rows.revision
        made, error = await self._create(key, provider, decision, mirroring)
        mirroring.has = decision.mirrored + made
        mirroring.lacks = sum(decision.obstacles.values()) + len(decision.create) - made
        verdict = _judge(decision, error)
        if error is not None and verdict != mirroring.verdict:
            # else it would be logged after every sweep
            _logger.warning("mirror.refused", extra={"reason": error.reason, "why": error.message})
        mirroring.verdict = verdict

    def _find(self, namespace: str, name: str, provider_uid: str) -> MirrorState:
        claims = self._ledger.get(Key(Kind.MIGRATION, namespace, name))
        if claims is None:
            return MirrorState.ABSENT
        if claims.mirror_of != provider_uid:
            return MirrorState.STRANGER
        return MirrorState.ENDED if claims.is_over else MirrorState.LIVE

    def _count(self, provider: Key) -> int:
        claims = (self._ledger.get(follower) for follower in self._ledger.followers(provider))
        return sum(claim is not None and claim.mirror_of is not None for claim in claims)

    async def _create(
        self,
        key: Key,
        provider: Provider,
        decision: MirrorDecision,
        mirroring: Mirroring,
    ) -> tuple[int, OperatorError | None]:
        """Create one after the other; return how many are there then, and what was in the way last."""
        entry, uid = self._inbox.get(key), provider.metadata.uid
        if entry is None or entry.uid != uid:
            return 0, None
        owner = refer(key, entry.body).make_owner_reference(blocks_owner_deletion=False)
        made, refused = 0, None
        for row in decision.create:
            mirror = Key(Kind.MIGRATION, key.namespace, name_mirror(row, uid))
            try:
                await self._publisher.create(mirror, _describe_mirror(mirror, key, owner, self._adopt(provider, row)))
            except InvalidWrite as error:
                # perhaps this one alone: it must not keep the others waiting for ever
                refused, mirroring.memory = error, mirroring.memory.give_up(row)
            except OperatorError as error:
                return made, error
            else:
                made += self._find(key.namespace, mirror.name, uid) is not MirrorState.STRANGER
                _logger.info("mirror.created", extra={"mirror": mirror.name, "record": row.id})
        return made, refused

    def _adopt(self, provider: Provider, row: RecordView) -> Mapping[str, Any] | None:
        adopt = self._drivers.of_provider(provider.spec.type).adopt
        return adopt(row) if adopt is not None else None


def _describe_mirror(
    mirror: Key, provider: Key, owner: Mapping[str, Any], adopted: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the whole manifest; nothing in it lets osmig act by itself."""
    return {
        "metadata": {
            "name": mirror.name,
            "namespace": mirror.namespace,
            "labels": {DISCOVERED_LABEL: "true"},
            "ownerReferences": [owner],
        },
        "spec": {
            "providerRef": {"name": provider.name},
            **(adopted or {}),
            "onDeadline": OnDeadline.ALERT.value,
            "deletionPolicy": DeletionPolicy.DETACH.value,
            "ttlSecondsAfterFinished": TTL_S,
        },
    }


def _judge(decision: MirrorDecision, error: OperatorError | None) -> Mirrored:
    match error:
        case None:
            message = describe(decision)
            return Mirrored(reason=Reason.PARTLY_MIRRORED if message else Reason.MIRRORED, message=message)
        case KubeForbidden():
            return Mirrored(reason=Reason.NOT_PERMITTED, message=error.message)
        case QuotaReached() | InvalidWrite():
            return Mirrored(reason=Reason.NAMESPACE_REFUSES, message=error.message)
        case _:
            return Mirrored(reason=Reason.PARTLY_MIRRORED, message=error.message)
