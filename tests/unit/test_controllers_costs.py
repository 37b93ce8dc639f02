"""What the budgets of docs/benchmarks.md rest on: what is not kept, not read, and not woken for."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from decided import decide
from domain_samples import NOW, observe, record, server, started
from domain_world import with_facts
from osmig.api.names import Kind, Verb
from osmig.controllers.inbox import Inbox, keep_read
from osmig.controllers.keys import Key
from osmig.controllers.sweeping import Rows
from osmig.domain.operations import Sweep
from osmig.domain.verbs import bound_token
from osmig.drivers.servers.views import ProgressView

KEY = Key(Kind.MIGRATION, "team-a", "db-07")
OWNED = [{"manager": "kubectl-annotate", "fieldsV1": {"f:metadata": {"f:annotations": {"f:osmig.dev/abort": {}}}}}]


def _body(**metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of metadata
    named = {"namespace": "team-a", "name": "db-07", "uid": "u-1", "resourceVersion": "1", "managedFields": OWNED}
    return {"metadata": named | metadata, "spec": {}}


def test_managed_fields_are_read_for_orders_and_not_kept() -> None:
    inbox, first = Inbox(), _body()

    inbox.offer(Kind.MIGRATION, first)
    inbox.offer(Kind.MIGRATION, _body(resourceVersion="2", annotations={"osmig.dev/abort": "now"}))

    entry = inbox.get(KEY)
    assert entry is not None
    assert [(ask.verb, ask.field_manager) for ask in entry.verb_requests] == [(Verb.ABORT, "kubectl-annotate")]
    assert entry.resource_version == "2"
    assert "managedFields" not in entry.body["metadata"]
    assert "managedFields" in first["metadata"], "what others gave is not changed in place"


def test_a_row_that_was_only_touched_wakes_nobody_and_is_kept_as_it_is_now() -> None:
    rows, running = Rows(), record("running", updated=NOW)
    rows.merge(Sweep(records=(running,), cursor=NOW, is_full=True), is_ours=lambda _: True)
    touched = replace(running, updated=NOW + timedelta(seconds=5))

    assert rows.merge(Sweep(records=(touched,), cursor=NOW, is_full=False), is_ours=lambda _: True) == frozenset()
    assert rows.get(running.id) == touched

    ended = replace(record("completed"), updated=NOW + timedelta(seconds=6))
    assert rows.merge(Sweep(records=(ended,), cursor=NOW, is_full=False), is_ours=lambda _: True) == {running.id}


def test_a_start_whose_record_is_there_does_not_read_its_server() -> None:
    awaiting = observe(started(id=None))

    assert decide(awaiting).wants == {"records"}
    assert decide(with_facts(awaiting, records=())).wants == {"server"}
    assert decide(with_facts(awaiting, records=(record("running"),))).wants == {"progress"}


def test_words_of_a_server_that_were_read_before_its_move_are_not_shown_while_it_moves() -> None:
    known = decide(observe(started(id=None), records=(), server=server(busy=True))).status
    assert known.server is not None
    assert known.server.status is not None

    moving = decide(observe(known, records=(record("running"),), progress=ProgressView(percent=5))).status

    assert moving.server is not None
    assert (moving.server.id, moving.server.status, moving.server.task_state) == (known.server.id, None, None)


CONDITION = {"type": "Succeeded", "status": "True", "reason": "Succeeded", "message": "", "observedGeneration": 1}
CONDITIONS = {"conditions": [CONDITION | {"type": f"T{n}"} for n in range(8)]}
RUNNING = CONDITIONS | {"phase": "Running", "upstream": {"id": "7"}}
FINISHED = RUNNING | {"phase": "Succeeded", "completionTime": "2026-11-21T10:00:00Z"}
QUEUED = CONDITIONS | {"phase": "Queued"}
SPEC = {"providerRef": {"name": "region-one"}, "server": {"id": "s-1"}, "placement": {"sourceHost": "cmp1"}}


def _measure_kib(status: dict[str, Any], **metadata: Any) -> float:  # noqa: ANN401 - fields of metadata
    """Return the memory that one of 500 objects of this status takes."""
    texts = [
        json.dumps({**_body(name=f"db-{n}", managedFields=[], **metadata), "spec": SPEC, "status": status})
        for n in range(500)
    ]
    inbox = Inbox()
    tracemalloc.start()
    for text in texts:
        inbox.offer(Kind.MIGRATION, json.loads(text))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / len(texts) / 1024


@pytest.mark.parametrize("status", [FINISHED, QUEUED], ids=["finished", "waiting"])
def test_what_is_not_under_way_takes_a_fraction_of_the_memory_and_reads_the_same(status: dict[str, Any]) -> None:
    assert _measure_kib(status) < _measure_kib(RUNNING) / 4

    inbox, body = Inbox(), {**_body(managedFields=[]), "status": status}
    inbox.offer(Kind.MIGRATION, body)
    entry = inbox.get(KEY)
    assert entry is not None
    assert entry.body == {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "managedFields"}}


@pytest.mark.parametrize("status", [FINISHED, QUEUED, RUNNING], ids=["finished", "waiting", "running"])
def test_the_metadata_of_others_takes_no_memory(status: dict[str, Any]) -> None:
    manifest = {
        "kubectl.kubernetes.io/last-applied-configuration": "x" * 2_000,
        "team.example.org/notes": "y" * 250_000,
    }
    fat = {"annotations": manifest, "labels": {"app": "z" * 60}, "ownerReferences": [{"name": "n" * 200}]}
    assert _measure_kib(status, **fat) < _measure_kib(status) * 1.02


def test_the_value_of_a_verb_is_kept_no_longer_than_it_is_compared() -> None:
    inbox = Inbox()
    inbox.offer(Kind.MIGRATION, _body(annotations={"osmig.dev/abort": "long" * 50_000}))
    entry = inbox.get(KEY)
    assert entry is not None
    (ask,) = entry.verb_requests
    assert ask.token == bound_token("long" * 50_000) == entry.body["metadata"]["annotations"]["osmig.dev/abort"]
    assert not inbox.offer(Kind.MIGRATION, _body(annotations={"osmig.dev/abort": "long" * 50_000}))


def test_managed_fields_are_kept_on_the_way_only_while_a_verb_is_set() -> None:
    assert "managedFields" not in keep_read(_body())["metadata"]
    assert "managedFields" in keep_read(_body(annotations={"osmig.dev/abort": "now"}))["metadata"]
