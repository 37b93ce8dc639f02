"""A driver that `operator/` does not know goes through the controllers: admission, intent, lost answer, look, end."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from controller_lab import Lab
from osmig.api.names import Kind
from osmig.api.provider import ProviderType
from osmig.domain.calls import Receipt
from osmig.domain.capabilities import Probe, Scope
from osmig.domain.errors import OutcomeUnknown
from osmig.domain.operations import Sweep
from osmig.drivers import servers
from osmig.drivers.entries import Drivers, enter
from tenant_fakes import SHOP, WALDUR, replication_body, waldur_body, waldur_secret
from toy_driver import DRIVER
from toy_driver.upstream import COPY, EMPTY, Boxes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from controller_fakes import ApiServer
    from osmig.api.provider import ProviderSpec
    from osmig.net.permits import Permit
    from toy_driver.views import CopyView


class Connection:
    """The boxes without HTTP (`toy_driver.ports.BoxBackend`)."""

    service = None

    def __init__(self, boxes: Boxes) -> None:
        self.boxes = boxes

    async def probe(self) -> Probe:
        """Say who answers."""
        return Probe(endpoint="http://boxes", api_version="1", capabilities=frozenset(), scope=Scope.PROJECT)

    async def sweep(self, since: datetime | None) -> Sweep:
        """List nothing."""
        return Sweep(records=(), cursor=since, is_full=True)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def copies(self) -> tuple[CopyView, ...]:
        """Read every copy."""
        return self.boxes.list()

    async def copy(self, copy_id: str) -> CopyView:
        """Read one copy."""
        return self.boxes.read(copy_id)

    async def begin_copy(self, name: str, permit: Permit) -> Receipt[CopyView]:
        """Begin a copy."""
        assert permit.is_valid()
        return await self._answer(COPY, self.boxes.begin(name))

    async def empty_source(self, copy_id: str, permit: Permit) -> Receipt[CopyView]:
        """Empty the source."""
        assert permit.is_valid()
        return await self._answer(EMPTY, self.boxes.empty(copy_id))

    async def _answer(self, call: str, row: CopyView) -> Receipt[CopyView]:
        if call in self.boxes.held:
            await asyncio.Event().wait()
        if self.boxes.loses(call):
            raise OutcomeUnknown("NoAnswer", "the answer to the call is lost", operation=call)
        return Receipt(request_id=None, made=row)


async def box_lab(boxes: Boxes, *, api: ApiServer | None = None, holder: str = "me") -> Lab:
    """An engine whose Provider of boxes is ready."""

    async def connect(key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> Connection:
        del key, spec, secret
        return Connection(boxes)

    lab = Lab(
        api=api,
        holder=holder,
        drivers=Drivers((enter(servers.DRIVER), enter(DRIVER))),
        factories={ProviderType.WALDUR: connect},
    )
    if api is None:
        lab.api.secrets["team-a", "waldur"] = waldur_secret()
        lab.offer(Kind.PROVIDER, waldur_body())
    else:
        lab.show(WALDUR)
    await lab.step(WALDUR)
    return lab


async def test_nothing_is_called_for_a_migration_that_is_only_validated() -> None:
    boxes = Boxes()
    lab = await box_lab(boxes)
    lab.offer(Kind.MIGRATION, replication_body(mode="Validate"))
    await lab.run(seconds=30)
    assert (lab.api.status(SHOP)["phase"], boxes.calls) == ("Succeeded", [])


async def test_an_answer_that_is_lost_is_looked_for_and_the_call_not_repeated() -> None:
    boxes = Boxes(lost={COPY, EMPTY})
    lab = await box_lab(boxes)
    lab.offer(Kind.MIGRATION, replication_body())
    await lab.run(seconds=60)
    assert (lab.api.status(SHOP)["phase"], boxes.calls) == ("Succeeded", [COPY, EMPTY])


async def test_the_successor_of_a_process_that_died_in_a_call_finds_its_effect() -> None:
    for call in (COPY, EMPTY):
        boxes = Boxes(held={call})
        dying = await box_lab(boxes)
        dying.offer(Kind.MIGRATION, replication_body())
        await dying.run(seconds=30)
        status: dict[str, Any] = copy.deepcopy(dict(dying.api.status(SHOP)))
        assert (boxes.calls[-1], status["pendingCall"]["holder"]) == (call, "me")
        boxes.held.clear()
        next_one = await box_lab(boxes, api=dying.api, holder="next")
        next_one.show(SHOP)
        await next_one.run(seconds=60)
        assert (next_one.api.status(SHOP)["phase"], boxes.calls) == ("Succeeded", [COPY, EMPTY])
        await dying.bury()
