"""What is read for a decision about a tenant: in a fixed order, once, and what a failure to read means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from decided import Observed, find_no_secret, look_at
from domain_samples import HOLDER, NOW, READY
from domain_world import has
from osmig.api.mappings import Mappings
from osmig.api.migration import Migration, MigrationStatus, TenantFacts, UpstreamFacts, parse_migration
from osmig.domain.errors import Absent, NotPermitted, Transient, Unauthorized
from osmig.drivers import tenants
from osmig.drivers.driver import Sources
from osmig.drivers.tenants.facts import ReplicationFacts
from osmig.drivers.tenants.reading import READERS
from osmig.drivers.tenants.views import ReplicaJob, ReplicaStage, ReplicaView
from tenant_fakes import OFFERING, PLAN, REPLICA, RUN, SOURCE, FakeTenants, FakeWaldur, mapping_body, replication_body

if TYPE_CHECKING:
    from osmig.domain.errors import BackendError

LATER = Transient("Unreachable", "x", operation="o")
GONE = Absent("RecordGone", "no", operation="o")
FIRST = f"{RUN[:-2]}00"
COPY = f"{REPLICA[:-2]}00"


def observe(migration: Migration | None = None, **changes: Any) -> Observed:  # noqa: ANN401 - its fields
    migration = migration or parse_migration(replication_body())
    return look_at(migration, ReplicationFacts, now=NOW, holder=HOLDER, provider=READY, **changes)


async def read(backend: FakeTenants, observation: Observed, *names: str) -> Observed:
    found = await tenants.DRIVER.read(
        observation, names, Sources(backend=backend, claimed=frozenset, read_secret=find_no_secret)
    )
    assert isinstance(found, Observed)
    return found


def followed(*, replica: str | None = COPY, order: str | None = None) -> Observed:
    """A run is on record."""
    status = MigrationStatus(
        upstream=UpstreamFacts(id=FIRST), tenant=TenantFacts(destination_resource=replica, cleanup_order=order)
    )
    return observe(parse_migration(replication_body()).model_copy(update={"status": status}))


def backend_with_run() -> FakeTenants:
    waldur = FakeWaldur()
    waldur.orders.append(
        ReplicaJob(source_resource=SOURCE, destination_offering=OFFERING, destination_plan=PLAN, name="shop-1")
    )
    waldur.owners["shop-1"] = "user-1"
    return waldur.connect("good")


async def test_facts_are_read_in_a_fixed_order_and_none_twice() -> None:
    backend = backend_with_run()
    observation = await read(backend, followed(), *READERS)
    expected = ["preflight runs", "runs", "run", f"replica {COPY} None"]
    assert backend.calls == expected
    assert all(has(observation, name) for name in READERS)
    assert observation.facts.run is not None
    assert observation.facts.run.id == FIRST
    assert observation.facts.runs == (observation.facts.run,)
    again = await read(backend, observation, *READERS)
    assert (again, backend.calls) == (observation, expected)


async def test_the_checks_are_made_with_the_mappings_that_are_referred_to() -> None:
    backend = backend_with_run()
    mappings = Mappings.model_validate(mapping_body()["spec"])
    referring = parse_migration(replication_body(mapping="dc1-to-dc2"))
    await read(backend, observe(referring, referenced=mappings), "preflight")
    assert [job.mappings for job in backend.jobs] == [mappings]
    assert [job.name for job in backend.jobs] == [""]


async def test_the_checks_are_made_with_the_runs_that_were_read_for_the_start() -> None:
    backend = backend_with_run()
    known = await read(backend, observe(), "runs")
    await read(backend, known, "preflight")
    assert backend.calls == ["runs", "preflight"]


@pytest.mark.parametrize("error", [GONE, LATER])
async def test_a_run_that_is_gone_is_trouble_like_any_other(error: BackendError) -> None:
    backend = backend_with_run()
    backend.fail["run"] = [error]
    observation = await read(backend, followed(), "run", "replica")
    assert (observation.read_error, observation.facts.run, observation.facts.replica) == (error, None, None)
    assert backend.calls == ["run"]


@pytest.mark.parametrize("error", [GONE, NotPermitted("NotPermitted", "no", operation="o")])
async def test_a_replica_that_may_not_be_seen_is_of_no_known_stage(error: BackendError) -> None:
    backend = backend_with_run()
    backend.fail[f"replica {COPY} None"] = [error]
    observation = await read(backend, followed(), "replica")
    assert observation.facts.replica == ReplicaView(id=COPY, stage=ReplicaStage.UNKNOWN, status="")
    assert observation.read_error is None


@pytest.mark.parametrize("error", [Unauthorized("Unauthorized", "401", operation="o"), LATER])
async def test_refused_credentials_and_an_outage_are_trouble_for_a_replica_too(error: BackendError) -> None:
    backend = backend_with_run()
    backend.fail[f"replica {COPY} None"] = [error]
    observation = await read(backend, followed(), "replica")
    assert (observation.facts.replica, observation.read_error) == (None, error)


async def test_a_replica_is_asked_about_with_the_order_that_terminates_it() -> None:
    backend = backend_with_run()
    await read(backend, followed(order="order-1"), "replica")
    assert backend.calls == [f"replica {COPY} order-1"]


async def test_a_replica_that_is_not_on_record_yet_is_the_one_that_the_run_names() -> None:
    backend = backend_with_run()
    await read(backend, followed(replica=None), "run", "replica")
    assert backend.calls == ["run", f"replica {COPY} None"]


async def test_without_any_name_no_replica_is_asked_for_and_the_question_is_answered_all_the_same() -> None:
    backend = backend_with_run()
    observation = await read(backend, followed(replica=None), "replica")
    assert has(observation, "replica")
    assert backend.calls == []
