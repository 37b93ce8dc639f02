"""Replications through the whole engine: who is called, with which mappings, under which token, in which slot."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import SPEC, Lab
from fake_clock import settle
from osmig.api.migration import MigrationType
from osmig.api.names import FINALIZER, Kind
from osmig.api.provider import ProviderType
from osmig.controllers.keys import Key
from osmig.controllers.sessions import Sessions
from osmig.domain.errors import StaleView, Unauthorized
from osmig.drivers import DRIVERS
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from tenant_fakes import MAPPING, SHOP, WALDUR, mapping_body, replication_body, waldur_body, waldur_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

BAD_TOKEN = Unauthorized("Unauthorized", "the token is refused", operation="o")
OTHER_SUBNETS = [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.2.0/24"}]


async def tenant_lab(*names: str, **spec: Any) -> Lab:  # noqa: ANN401 - fields of the Provider's spec
    """An engine whose Waldur is ready, and new replications."""
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = waldur_secret()
    lab.offer(Kind.PROVIDER, waldur_body(**spec))
    await lab.step(WALDUR)
    for name in names or ("shop",):
        lab.offer(Kind.MIGRATION, replication_body(name=name))
    lab.api.puts.clear()
    return lab


def condition(lab: Lab, key: Key, kind: str = "Succeeded") -> Mapping[str, str]:
    return next(c for c in lab.api.status(key)["conditions"] if c["type"] == kind)


async def test_a_tenant_is_checked_ordered_once_under_a_written_intent_and_followed_to_its_end() -> None:
    lab = await tenant_lab()
    written: list[Mapping[str, Any]] = []
    lab.waldur.on_order = lambda: written.append(lab.api.status(SHOP)["pendingCall"])
    await lab.run(seconds=30)
    assert [call["operation"] for call in written] == ["replicate"]
    assert (written[0]["mark"]["name"], written[0]["mark"]["userID"]) == (lab.waldur.orders[0].name, "user-1")
    assert lab.tenants[0].permits == [True]
    assert lab.api.status(SHOP)["upstream"]["userID"] == "user-1"
    lab.waldur.stage, lab.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
    await lab.run(seconds=60)
    assert lab.api.status(SHOP)["phase"] == "Succeeded"
    assert len(lab.waldur.orders) == 1


async def test_nothing_is_ordered_for_an_object_that_was_suspended_while_it_was_checked() -> None:
    lab = await tenant_lab()

    lab.waldur.on_preflight = lambda: lab.suspend(SHOP)
    with pytest.raises(StaleView):
        await lab.step(SHOP)
    await lab.step(SHOP)
    assert (lab.waldur.orders, lab.api.status(SHOP)["phase"]) == ([], "Suspended")


async def test_what_was_read_before_the_finalizer_is_not_read_again_after_it() -> None:
    lab = await tenant_lab("other")
    lab.offer(Kind.MIGRATION, replication_body(deletionPolicy="Abort"))
    lab.tenants[0].calls.clear()
    await lab.step(SHOP)
    assert lab.api.objects[SHOP]["metadata"]["finalizers"] == [FINALIZER]
    assert lab.tenants[0].calls == ["runs", "preflight", "replicate"]


# --- the type of the Provider


async def test_a_provider_of_the_wrong_type_is_not_ready_and_is_never_called() -> None:
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.step(PROVIDER)
    lab.cloud.calls.clear()
    lab.offer(Kind.MIGRATION, replication_body(provider="region-one"))
    await lab.step(SHOP)
    found = condition(lab, SHOP, "ProviderReady")
    assert (found["status"], found["reason"]) == ("False", "WrongProviderType")
    assert found["message"] == (
        "Provider region-one is of type OpenStack; a TenantReplication needs one of type Waldur"
    )
    assert lab.cloud.calls == []


async def test_a_server_is_not_moved_through_waldur() -> None:
    lab = await tenant_lab()
    lab.tenants[0].calls.clear()
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC | {"providerRef": {"name": "waldur"}}))
    await lab.step(MIGRATION)
    assert condition(lab, MIGRATION, "ProviderReady")["reason"] == "WrongProviderType"
    assert lab.tenants[0].calls == []


async def test_a_backend_of_the_wrong_type_is_not_even_handed_out() -> None:
    lab = await tenant_lab()
    view = lab.controllers.sessions.ensure(WALDUR).view
    assert lab.controllers.sessions.find_backend(WALDUR, ProviderType.WALDUR, view) is lab.tenants[0]
    with pytest.raises(StaleView):
        lab.controllers.sessions.find_backend(WALDUR, ProviderType.OPENSTACK, view)


def test_every_type_of_migration_has_a_type_of_provider() -> None:
    assert {DRIVERS.of_migration(kind).provider_type for kind in MigrationType} == set(ProviderType)
    assert {DRIVERS.of_provider(kind).provider_type for kind in ProviderType} == set(ProviderType)


async def test_a_provider_that_becomes_another_engines_begins_anew() -> None:
    sessions = Sessions()
    first = await sessions.open(PROVIDER, ProviderType.OPENSTACK)
    lab = Lab()
    first.backend = lab.cloud
    assert await sessions.open(PROVIDER, ProviderType.OPENSTACK) is first
    anew = await sessions.open(PROVIDER, ProviderType.WALDUR)
    assert (anew is first, anew.backend, anew.provider_type, lab.cloud.is_closed) == (
        False,
        None,
        ProviderType.WALDUR,
        True,
    )


# --- mappings


async def test_a_missing_mapping_is_waited_for_and_its_coming_starts_the_replication() -> None:
    lab = await tenant_lab("other")
    lab.offer(Kind.MIGRATION, replication_body(mapping="dc1-to-dc2"))
    await lab.run(seconds=1)
    assert condition(lab, SHOP)["reason"] == "MappingNotFound"
    lab.offer(Kind.MAPPING, mapping_body())
    await lab.run(seconds=1)
    assert [pair.destination_cidr for job in lab.waldur.orders for pair in job.mappings.subnets] == ["10.9.1.0/24"]


async def test_a_mapping_that_cannot_be_read_is_as_good_as_none() -> None:
    lab = await tenant_lab("other")
    lab.offer(Kind.MAPPING, mapping_body(subnets="x"))
    lab.offer(Kind.MIGRATION, replication_body(mapping="dc1-to-dc2"))
    await lab.step(SHOP)
    assert condition(lab, SHOP)["reason"] == "MappingNotFound"


async def test_checks_of_mappings_that_changed_meanwhile_are_made_again_before_anything_is_ordered() -> None:
    lab = await tenant_lab("other")
    lab.offer(Kind.MAPPING, mapping_body())
    lab.offer(Kind.MIGRATION, replication_body(mapping="dc1-to-dc2"))

    def edit_once() -> None:
        lab.waldur.on_preflight = lambda: None
        lab.api.objects[MAPPING]["spec"]["subnets"] = OTHER_SUBNETS
        lab.api.change(MAPPING, generation=2)
        lab.show(MAPPING)

    lab.waldur.on_preflight = edit_once
    await lab.step(SHOP)
    checked = [job.mappings.subnets[0].destination_cidr for job in lab.tenants[0].jobs]
    assert checked == ["10.9.1.0/24", "10.9.2.0/24"]
    assert [job.mappings.subnets[0].destination_cidr for job in lab.waldur.orders] == ["10.9.2.0/24"]


# --- slots


async def test_replications_take_turns_where_the_provider_allows_one_at_a_time() -> None:
    lab = await tenant_lab("shop", "bank", limits={"maxInFlight": 1})
    await lab.run(seconds=5)
    keys = [SHOP, Key(Kind.MIGRATION, "team-a", "bank")]
    assert len(lab.waldur.orders) == 1
    assert sorted(condition(lab, key)["reason"] == "SlotsTaken" for key in keys) == [False, True]
    lab.waldur.stage, lab.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
    await lab.run(seconds=90)
    assert len(lab.waldur.orders) == 2
    assert [lab.api.status(key)["phase"] for key in keys] == ["Succeeded", "Succeeded"]


async def test_two_intents_that_are_written_at_once_do_not_both_take_the_last_slot() -> None:
    lab = await tenant_lab("shop", "bank", limits={"maxInFlight": 1})
    bank = Key(Kind.MIGRATION, "team-a", "bank")
    results = await asyncio.gather(lab.step(SHOP), lab.step(bank), return_exceptions=True)
    assert len(lab.waldur.orders) == 1
    assert all(result is None or isinstance(result, (float, StaleView)) for result in results)


# --- tokens


def rotate(lab: Lab, token: str, user: str) -> None:
    lab.waldur.users = {token: user}
    lab.api.secrets["team-a", "waldur"] = waldur_secret(token.encode())


async def test_a_new_token_in_the_secret_is_used_within_the_secret_period() -> None:
    lab = await tenant_lab()
    lab.waldur.users["new"] = "user-1"
    lab.api.secrets["team-a", "waldur"] = waldur_secret(b"new")
    await lab.run(seconds=59)
    assert [tenants.token for tenants in lab.tenants] == ["good"]
    await lab.run(seconds=15)
    assert [tenants.token for tenants in lab.tenants] == ["good", "new"]
    assert [tenants.is_closed for tenants in lab.tenants] == [True, False]


async def test_a_refused_token_makes_the_secret_be_read_at_once() -> None:
    lab = await tenant_lab()
    await lab.run(seconds=3)
    rotate(lab, "new", "user-1")
    await lab.run(seconds=15)
    assert lab.tenants[-1].token == "new"  # noqa: S105 - no secret
    lab.waldur.stage, lab.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
    await lab.run(seconds=60)
    assert lab.api.status(SHOP)["phase"] == "Succeeded"


async def test_a_token_of_another_user_proves_nothing_and_the_first_users_token_wakes_who_waits() -> None:
    lab = await tenant_lab()
    await lab.run(seconds=3)
    rotate(lab, "theirs", "user-2")
    await lab.run(seconds=180)
    assert condition(lab, SHOP)["reason"] == "TokenOfAnotherUser"
    rotate(lab, "mine", "user-1")
    lab.waldur.stage, lab.waldur.replica_stage = RunStage.OK, ReplicaStage.OK
    await lab.run(seconds=75)
    assert lab.api.status(SHOP)["phase"] == "Succeeded"
    assert len(lab.waldur.orders) == 1


async def test_an_order_is_marked_with_the_user_whose_token_it_is_sent_with() -> None:
    lab = await tenant_lab()
    marked: list[str] = []
    lab.waldur.on_order = lambda: marked.append(lab.api.status(SHOP)["pendingCall"]["mark"]["userID"])

    def become_another() -> None:
        session = lab.controllers.sessions.get(WALDUR)
        assert session is not None
        session.view = replace(session.view, user_id="user-2")

    lab.waldur.on_preflight = become_another
    await lab.step(SHOP)
    assert marked == ["user-2"]


async def test_until_it_is_known_whose_a_new_token_is_nobody_reads_with_it() -> None:
    lab = await tenant_lab()
    await lab.run(seconds=3)
    lab.waldur.gate = asyncio.Event()
    rotate(lab, "theirs", "user-2")
    session = lab.controllers.sessions.get(WALDUR)
    assert session is not None
    session.wants_refresh = True
    probing = asyncio.create_task(lab.step(WALDUR))
    await settle()
    await lab.step(SHOP)
    assert (len(lab.tenants), lab.tenants[-1].calls) == (2, [])
    lab.waldur.gate.set()
    await probing
    assert lab.tenants[-1].calls == ["probe", "sweep"]
    await lab.run(seconds=1)
    assert condition(lab, SHOP)["reason"] == "TokenOfAnotherUser", "the probe wakes who waits"


async def test_reconcile_reads_the_secret_and_the_run_anew() -> None:
    lab = await tenant_lab()
    await lab.run(seconds=3)
    lab.tenants[0].calls.clear()
    lab.annotate(SHOP, reconcile="1")
    await lab.run()
    assert {"probe", "run"} <= set(lab.tenants[0].calls)


async def test_a_token_that_expires_soon_is_a_condition_and_one_event_and_keeps_its_provider_ready() -> None:
    lab = await tenant_lab()
    lab.waldur.expires = lab.clock.now() + timedelta(days=8)
    lab.controllers.sessions.ensure(WALDUR).wants_refresh = True
    await lab.step(WALDUR)
    assert lab.events.reasons.count("CredentialsExpiring") == 0
    await lab.clock.pass_by(86_400)
    for _ in range(3):
        await lab.step(WALDUR)
    assert condition(lab, WALDUR, "CredentialsExpiring")["reason"] == "ExpiresSoon"
    assert condition(lab, WALDUR, "Ready")["status"] == "True"
    assert lab.events.reasons.count("CredentialsExpiring") == 1, "time passes, and nobody has to ask for it again"
    lab.waldur.expires = None
    rotate(lab, "anew", "user-1")
    await lab.clock.pass_by(60)
    await lab.step(WALDUR)
    kinds = [found["type"] for found in lab.api.status(WALDUR)["conditions"]]
    assert "CredentialsExpiring" not in kinds
