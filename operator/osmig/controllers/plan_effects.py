"""Does to the world what a plan has decided, after its status was written."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osmig.api.meta import to_wire
from osmig.api.names import Kind, Verb, verb_annotation
from osmig.controllers.announcing import refer
from osmig.controllers.keys import Key
from osmig.controllers.plan_owners import find_owner
from osmig.controllers.plan_pauses import EVERYTHING, Pauses
from osmig.domain.errors import BackendError, InvalidWrite, KubeForbidden, ObjectChanged, ObjectGone, QuotaReached
from osmig.domain.plans.decisions import CreateChild, DisableService, EnableService, OrderChild
from osmig.domain.plans.sweeps import ServiceRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osmig.controllers.inbox import Entry, Inbox
    from osmig.controllers.permits import Fence
    from osmig.controllers.publishing import Publisher
    from osmig.domain.clock import Clock
    from osmig.domain.plans.decisions import Effect
    from osmig.drivers.hosts import HostBackend

_logger = logging.getLogger(__name__)

MAX_REFUSED = 3
"""Migrations that may be refused in one step; after that the plan makes none for a while."""


@dataclass(slots=True)
class EffectResults:
    """What the next observation of one plan is told.

    Attributes:
        problems: by host, why its service could not be changed the last time.
        pauses: what the API server, or somebody else's object, kept from the plan.
    """

    problems: dict[str, str] = field(default_factory=dict)
    pauses: Pauses = field(default_factory=Pauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEffects:
    """Carries out effects."""

    inbox: Inbox
    publisher: Publisher
    fence: Fence
    clock: Clock

    async def carry_out(
        self, key: Key, effects: Iterable[Effect], port: HostBackend | None, results: EffectResults
    ) -> None:
        """Carry effects out, each once: services side by side, for a dead one holds its order up, then Migrations.

        Raises:
            ObjectChanged: the plan is not the one any more that this was decided for; nothing more is done.
            KubeFailure: no answer; what was asked may have happened, and the next step finds out.
        """
        entry = self.inbox.get(key)
        if entry is None:
            raise ObjectGone(reason="NotFound", message=f"{key.text} was deleted")
        wanted = tuple(effects)
        orders = [effect for effect in wanted if isinstance(effect, DisableService | EnableService)]
        if port is not None:
            await asyncio.gather(*(self._change_service(order, port, results) for order in orders))
        refused = 0
        for effect in wanted:
            if isinstance(effect, CreateChild) and not self._is_paused(effect, results):
                self._check_same(key, entry)
                refused += not await self._create(key, entry, effect, results)
                if refused == MAX_REFUSED:
                    results.pauses.begin(EVERYTHING, results.pauses.why, self.clock.boottime())
            elif isinstance(effect, OrderChild):
                self._check_same(key, entry)
                await self._order(key, effect, results)

    def _is_paused(self, child: CreateChild, results: EffectResults) -> bool:
        now_s = self.clock.boottime()
        return results.pauses.is_paused(EVERYTHING, now_s) or results.pauses.is_paused(child.name, now_s)

    def _check_same(self, key: Key, entry: Entry) -> None:
        now = self.inbox.get(key)
        if now is None or now.uid != entry.uid or now.is_being_deleted:
            raise ObjectChanged(reason="Changed", message=f"{key.text} was deleted, or is being deleted")

    async def _change_service(
        self, order: DisableService | EnableService, port: HostBackend, results: EffectResults
    ) -> None:
        """Change one service under a permit of its own, which counts from now: its intent was written just before."""
        service = ServiceRow(id=order.service_id, host=order.host, is_up=None, is_enabled=True)
        permit = self.fence.permit(self.clock.boottime())
        try:
            if isinstance(order, DisableService):
                after = await port.disable(service, order.reason, permit)
            else:
                after = await port.enable(service, order.marker, permit)
        except BackendError as error:
            results.problems[order.host] = error.message
            _logger.warning("plan.service_unchanged", extra={"host": order.host, "why": error.message})
            return
        results.problems.pop(order.host, None)
        _logger.info("plan.service", extra={"host": order.host, "enabled": after.is_enabled})

    async def _create(self, key: Key, entry: Entry, child: CreateChild, results: EffectResults) -> bool:
        """Make one Migration; say whether the API server did not refuse that."""
        ref = refer(key, entry.body)
        metadata = {
            "name": child.name,
            "namespace": key.namespace,
            "labels": dict(child.labels),
            # not blocking: a plan may be deleted in the foreground by who may not touch its Migrations
            "ownerReferences": [ref.make_owner_reference(blocks_owner_deletion=False)],
        }
        name = Key(Kind.MIGRATION, key.namespace, child.name)
        try:
            await self.publisher.create(name, {"metadata": metadata, "spec": to_wire(child.spec)})
        except ObjectGone:
            # it went this moment; the next step sees whether it is still wanted
            return True
        except (InvalidWrite, KubeForbidden, QuotaReached) as error:
            refused = EVERYTHING if isinstance(error, QuotaReached) else child.name
            results.pauses.begin(refused, f"no Migration can be made: {error.message}", self.clock.boottime())
            _logger.warning("plan.child_refused", extra={"migration": child.name, "why": error.message})
            return False
        results.pauses.end(child.name, EVERYTHING)
        # the one that has the name may be an earlier self's, or somebody else's
        found = self.inbox.get(name)
        owner = find_owner(found.body) if found is not None else None
        if owner is None or owner.uid != entry.uid:
            results.pauses.begin(child.name, "the name is taken", self.clock.boottime(), is_taken=True)
            _logger.warning("plan.name_taken", extra={"migration": child.name})
        return True

    async def _order(self, key: Key, order: OrderChild, results: EffectResults) -> None:
        """Give one Migration an order; one that the API server refuses holds up none of the others."""
        name = Key(Kind.MIGRATION, key.namespace, order.name)
        # what is tried again takes a place as what is made does, and lets others pass as that does
        what = order.name if order.verb is Verb.RETRY else f"{order.verb} {order.name}"
        if results.pauses.is_paused(what, self.clock.boottime()):
            return
        try:
            await self.publisher.annotate(name, {verb_annotation(order.verb): order.token})
        except ObjectGone:
            _logger.info("plan.child_gone", extra={"migration": order.name})
        except (InvalidWrite, KubeForbidden) as error:
            text = f"{order.verb} cannot be ordered of {order.name}: {error.message}"
            results.pauses.begin(what, text, self.clock.boottime())
            _logger.warning("plan.order_refused", extra={"migration": order.name, "why": error.message})
        else:
            results.pauses.end(what)
