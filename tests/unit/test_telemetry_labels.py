"""No cloud and no tenant makes series without end: labels are words of a list, or go with their object."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import SPEC, Lab, lab_with
from domain_samples import record
from osmig.api.names import Kind
from osmig.domain.operations import Stage
from osmig.drivers.servers.nova.translate import STAGES, to_stage
from osmig.telemetry.catalogue import FAMILIES
from osmig.telemetry.labels import HOSTS, OBJECTS, OURS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.telemetry.metrics import Metrics

HOSTILE = ("running\n", 'x"} 1', "ü" * 300, "", "RUNNING", "999", "0", "None")


def series_of(metrics: Metrics) -> Iterator[tuple[str, str, str]]:
    """Yield family, label and value of every series of ours."""
    for family in metrics.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                if family.name.startswith("osmig_") and label != "le":
                    yield family.name, label, value


def test_every_label_is_of_a_closed_list_or_the_name_of_an_object() -> None:
    for family in FAMILIES:
        for label in family.labels:
            assert sum(label in known for known in (WORDS, OBJECTS, OURS, HOSTS)) == 1, (family.name, label)


def test_whatever_words_come_those_of_a_list_stay_on_it(metrics: Metrics) -> None:
    provider = metrics.provider("shop", "one")
    for word in HOSTILE:
        provider.count_request("compute", "read-server", word, 0.1)
        metrics.count_kube_request("get", word, 0.1)
        metrics.count_outcome(
            "shop", word, migration_type="LiveMigration", outcome="Failed", reason=word, duration_s=1.0
        )
    values = {label: {value for _, name, value in series_of(metrics) if name == label} for label in WORDS}
    assert all(values[label] <= WORDS[label] | {"other"} for label in WORDS)
    assert {value for _, label, value in series_of(metrics) if label == "provider"} == {"one", ""}


async def test_a_cloud_that_thinks_of_new_words_at_each_sweep_gets_one_series_for_all() -> None:
    lab = await lab_with()
    for sweep in range(7):
        words = [f"{word}-{sweep}-{number}" for number, word in enumerate(HOSTILE)] + [" Running ", "queued"]
        lab.cloud.rows = tuple(
            replace(record("running", number=number + 100), server_id=f"s-{number}", status=word, stage=to_stage(word))
            for number, word in enumerate(words)
        )
        await lab.clock.pass_by(10)
        await lab.step(PROVIDER)
    statuses = {value for family, label, value in series_of(lab.metrics) if label == "status" and "foreign" in family}
    assert statuses == {"other", "running", "queued"}
    assert statuses <= {*STAGES, "other"}
    assert Stage.UNKNOWN not in STAGES.values(), "else a word of the table would be `other`"


async def test_series_go_with_their_object_and_none_come_of_one_that_never_was() -> None:
    lab = Lab()
    ghost = migration_body(spec=SPEC | {"providerRef": {"name": "ghost"}})
    lab.offer(Kind.MIGRATION, ghost)
    lab.annotate(MIGRATION, abort="1")
    await lab.step(MIGRATION)
    assert lab.api.status(MIGRATION)["phase"] == "Aborted"
    assert lab.count("osmig_migration_outcomes_total", provider="") == 1
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.step(PROVIDER)
    late = lab.metrics.provider(PROVIDER.namespace, PROVIDER.name)
    for key in (MIGRATION, PROVIDER):
        lab.controllers.intake.remove(key.kind, lab.api.objects.pop(key))
        await lab.step(key)
    late.count_request("compute", "read-server", 200, 0.1)
    late.set_up(up=True)
    late.set_foreign({"running": 1})
    late.set_stale_foreign(1)
    late.set_granted_slot_age(1)
    left = {(label, value) for _, label, value in series_of(lab.metrics) if label in OBJECTS}
    assert left == {("namespace", "team-a"), ("provider", "")}
