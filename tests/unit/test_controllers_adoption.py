"""What an observation knows of the other Migrations, of the Provider and of the orders that this process sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, OTHER, PROVIDER
from controller_lab import SPEC, Lab
from domain_samples import SERVER_ID, record, server
from osmig.api.names import Kind
from osmig.domain.capabilities import Capability
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

UUID = "0d0e0f00-0000-4000-8000-000000000007"
RUNNING = record("running", uuid=UUID)


async def lab_with_running_move(*, limits: dict[str, int] | None = None) -> Lab:
    """An engine on a cloud where somebody moves our server."""
    lab = Lab(cloud=FakeBackend(view=server(busy=True), rows=(RUNNING,)))
    lab.offer(Kind.PROVIDER, provider_body(spec={"limits": limits or {}}))
    await lab.step(PROVIDER)
    return lab


def offer(lab: Lab, key: Key, adopt: str | None = "7", status: dict[str, Any] | None = None) -> None:
    body = migration_body(spec=SPEC | ({"adopt": {"id": adopt}} if adopt else {}), status=status)
    body["metadata"] |= {"name": key.name, "namespace": key.namespace, "uid": f"uid-{key.name}"}
    lab.offer(Kind.MIGRATION, body)


def failure_of(lab: Lab, key: Key) -> str:
    return str(lab.api.status(key)["failure"]["message"])


@pytest.mark.parametrize("name", ["7", UUID])
async def test_a_running_move_is_adopted_by_number_or_uuid_and_nothing_is_sent(name: str) -> None:
    lab = await lab_with_running_move()
    offer(lab, MIGRATION, name)
    await lab.step(MIGRATION)
    status = lab.api.status(MIGRATION)
    assert (status["upstream"]["id"], status["server"]["id"]) == ("7", SERVER_ID)
    assert "start" not in lab.cloud.calls


async def test_a_running_move_is_adopted_though_every_slot_is_taken_for_it_has_one() -> None:
    lab = await lab_with_running_move(limits={"maxInFlight": 1})
    offer(lab, MIGRATION)
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["upstream"]["id"] == "7"


@pytest.mark.parametrize("name", ["7", UUID])
async def test_the_migration_that_follows_it_already_is_named(name: str) -> None:
    lab = await lab_with_running_move()
    offer(lab, OTHER)
    await lab.step(OTHER)
    offer(lab, MIGRATION, name)
    await lab.step(MIGRATION)
    assert "Migration db-08 follows it already" in failure_of(lab, MIGRATION)


async def test_of_two_that_adopt_the_same_move_at_once_one_follows_it() -> None:
    lab = await lab_with_running_move()
    offer(lab, MIGRATION)
    offer(lab, OTHER)
    lab.controllers.scheduler.wake(MIGRATION)
    await lab.run(seconds=5)
    owners = [key for key in (MIGRATION, OTHER) if "upstream" in lab.api.status(key)]
    assert len(owners) == 1
    other = OTHER if owners == [MIGRATION] else MIGRATION
    assert "follows it already" in failure_of(lab, other)


async def test_two_adoptions_that_race_to_their_writes_are_kept_apart() -> None:
    lab = await lab_with_running_move()
    offer(lab, MIGRATION)
    offer(lab, OTHER)
    results = await asyncio.gather(lab.step(MIGRATION), lab.step(OTHER), return_exceptions=True)
    assert len([key for key in (MIGRATION, OTHER) if "upstream" in lab.api.status(key)]) == 1, results


async def test_a_move_of_another_server_is_told_from_one_that_does_not_exist() -> None:
    lab = await lab_with_running_move()
    lab.cloud.rows = (replace(RUNNING, server_id="another"),)
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    offer(lab, MIGRATION)
    offer(lab, OTHER, "99")
    await lab.step(MIGRATION)
    await lab.step(OTHER)
    assert "another" in failure_of(lab, MIGRATION)
    assert failure_of(lab, MIGRATION) != failure_of(lab, OTHER).replace("99", "7")


async def test_a_migration_knows_what_the_cloud_can_do_and_when_it_confirms_by_itself() -> None:
    lab = Lab(cloud=FakeBackend(capabilities=frozenset({Capability.LIVE_MIGRATION})))
    body = provider_body()
    body["spec"]["openstack"]["autoConfirmSeconds"] = 86_400
    lab.offer(Kind.PROVIDER, body)
    await lab.step(PROVIDER)
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    assert session.view.possible == {Capability.LIVE_MIGRATION}
    assert session.view.auto_confirm_s == 86_400


async def test_a_changed_spec_is_swept_with_at_once_so_that_migrations_know_it() -> None:
    lab = await lab_with_running_move()
    body = provider_body()
    body["spec"]["openstack"]["autoConfirmSeconds"] = 600
    lab.api.add(Kind.PROVIDER, body | {"status": lab.api.status(PROVIDER)})
    lab.show(PROVIDER)
    await lab.step(PROVIDER)
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    assert session.view.auto_confirm_s == 600
