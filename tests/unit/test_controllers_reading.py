"""What is read for a decision: in a fixed order, once, and what a failure to read means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api_samples import migration_body
from controller_lab import GONE
from decided import Observed, find_no_secret
from domain_samples import SERVER_ID, migration, observe, record, sent, server, started
from domain_world import has
from osmig.api.migration import PlacementFacts, PreflightCheck, parse_migration
from osmig.api.names import CheckResult
from osmig.domain.errors import Absent, NotPermitted, Transient, Unauthorized
from osmig.domain.operations import MoveKind
from osmig.drivers import servers
from osmig.drivers.driver import Sources
from osmig.drivers.servers.jobs import describe_job
from osmig.drivers.servers.reading import READERS
from osmig.drivers.servers.views import Explanation, HostView, ProgressView
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from osmig.domain.errors import BackendError

LATER = Transient("Unreachable", "x", operation="o")
ASKED = tuple(name for name in READERS if name != "call_lookup")
"""All but what needs an intent."""


async def read(backend: FakeBackend, observation: Observed, *names: str) -> Observed:
    found = await servers.DRIVER.read(
        observation, names, Sources(backend=backend, claimed=frozenset, read_secret=find_no_secret)
    )
    assert isinstance(found, Observed)
    return found


async def test_facts_are_read_in_a_fixed_order_and_none_twice() -> None:
    backend = FakeBackend(rows=(record(),))
    observation = await read(backend, observe(started()), *ASKED)
    expected = [
        "pre_start",
        "named_hosts",
        "server",
        "records",
        "start_trace",
        "progress",
        "explain",
        "preflight",
        "host cmp1",
    ]
    assert backend.calls == expected
    assert {name for name in READERS if has(observation, name)} == set(ASKED)
    again = await read(backend, observation, *ASKED)
    assert again == observation
    assert backend.calls == expected


async def test_a_start_is_looked_for_by_its_intent() -> None:
    backend = FakeBackend()
    assert (await read(backend, observe(sent()), "call_lookup")).facts.call_lookup is not None
    assert backend.calls == ["find"]


async def test_the_first_failure_ends_the_reading_and_what_was_read_stays() -> None:
    backend = FakeBackend(fail={"records": [GONE]})
    observation = await read(backend, observe(started()), "server", "records", "progress")
    assert (observation.read_error, observation.failed_fact) == (GONE, "records")
    assert observation.facts.server == server()
    assert backend.calls == ["server", "records"]


async def test_an_outcome_that_cannot_be_explained_is_certain_all_the_same() -> None:
    backend = FakeBackend(fail={"explain": [LATER]})
    observation = await read(backend, observe(started()), "explanation")
    assert (observation.read_error, observation.facts.explanation) == (None, Explanation(reason=None, message=""))


async def test_an_empty_sample_comes_with_the_records_because_the_move_may_just_have_ended() -> None:
    backend = FakeBackend(rows=(record("completed"),))
    observation = await read(backend, observe(started()), "progress")
    assert (observation.facts.progress, observation.facts.records) == (ProgressView(), backend.rows)
    assert backend.calls == ["progress", "records"]


async def test_a_sample_needs_no_records_and_records_are_read_once() -> None:
    backend = FakeBackend(sample=ProgressView(percent=3))
    assert (await read(backend, observe(started()), "progress")).facts.records is None
    known = observe(started(id=None), records=(record(),))
    backend.calls.clear()
    await read(backend, known, "progress")
    assert backend.calls == []


async def test_without_anything_recorded_nothing_is_explained_by_a_request() -> None:
    backend = FakeBackend()
    observation = await read(backend, observe(sent()), "explanation", "progress")
    assert observation.facts.explanation is not None
    assert backend.calls == ["records", "explain"]


def test_the_id_that_was_resolved_once_wins() -> None:
    job = describe_job(migration(started(), source="cmp1", destination="cmp2"))
    assert (job.server_id, job.source_host, job.destination_host, job.block_migration) == (
        SERVER_ID,
        "cmp1",
        "cmp2",
        "Auto",
    )
    assert describe_job(migration()).server_id == SERVER_ID


@pytest.mark.parametrize(("type_", "kind"), [("LiveMigration", MoveKind.LIVE), ("ColdMigration", MoveKind.COLD)])
def test_the_kind_of_the_move_is_told(*, type_: str, kind: MoveKind) -> None:
    assert describe_job(parse_migration(migration_body(spec={"type": type_}))).kind is kind


def test_an_adopted_move_has_its_server_though_its_spec_gives_a_name() -> None:
    adopted = started(start_time=None)
    named: dict[str, Any] = migration_body(spec={"server": {"name": "db-07"}})
    job = describe_job(parse_migration(named).model_copy(update={"status": adopted}))
    assert job.server_id == SERVER_ID


async def test_checks_before_a_start_are_read() -> None:
    check = PreflightCheck(check="Rights", result=CheckResult.PASS)
    backend = FakeBackend(checks=(check,))
    observation = await read(backend, observe(), "preflight")
    assert observation.facts.preflight == (check,)
    assert backend.jobs[0].server_id == SERVER_ID


@pytest.mark.parametrize(
    ("recorded", "ordered", "name"), [("cmp1", "cmp9", "cmp1"), (None, "cmp9", "cmp9"), (None, None, "")]
)
async def test_the_source_host_is_the_recorded_one_else_the_ordered_one(
    *, recorded: str | None, ordered: str | None, name: str
) -> None:
    down = HostView(name=name, is_up=False)
    backend = FakeBackend(hosts={name: down} if name else {})
    status = started(placement=PlacementFacts(source_host=recorded))
    observation = await read(backend, observe(status, source=ordered), "source_host")
    assert observation.facts.source_host == (down if name else HostView(name=""))
    assert backend.calls == ([f"host {name}"] if name else [])


@pytest.mark.parametrize(
    "error", [NotPermitted("NotPermitted", "no", operation="o"), Absent("HostNotFound", "no", operation="o")]
)
async def test_a_source_host_that_cannot_be_looked_at_is_no_verdict(error: BackendError) -> None:
    backend = FakeBackend(fail={"host cmp1": [error]})
    observation = await read(backend, observe(started()), "source_host")
    assert (observation.facts.source_host, observation.read_error) == (HostView(name="cmp1", is_up=True), None)


@pytest.mark.parametrize("error", [Unauthorized("Unauthorized", "401", operation="o"), LATER])
async def test_refused_credentials_and_an_outage_are_trouble_here_as_everywhere(error: BackendError) -> None:
    backend = FakeBackend(fail={"host cmp1": [error]})
    observation = await read(backend, observe(started()), "source_host")
    assert (observation.facts.source_host, observation.read_error) == (None, error)
