"""What docs/waldur.md says of replications is what the code does."""

from __future__ import annotations

import re

import yaml

from doc_pages import KINDS, list_tenant_checks, rows_of
from doc_tables import DOCS, RUN_WORDS
from osmig.api.mapping import parse_mapping
from osmig.api.mappings import Mappings
from osmig.api.migration import parse_migration
from osmig.api.names import Verb
from osmig.api.provider import parse_provider
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from osmig.drivers.tenants.waldur.probing import OLDEST
from osmig.drivers.tenants.waldur.translate import read_replica_stage, read_run_stage

PAGE = DOCS / "waldur.md"


def test_the_words_of_waldurs_in_the_table_of_states_are_read_as_the_table_says() -> None:
    assert {read_run_stage(word): word for word in RUN_WORDS.values()} == RUN_WORDS
    assert {read_run_stage(word) for word in ("Pondering", "")} == {*RunStage} - {*RUN_WORDS}
    assert all(read_replica_stage(stage) is stage for stage in ReplicaStage)


def test_the_example_of_a_replication_is_one_that_osmig_follows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    meta = {"uid": "u"}
    bodies = {body["kind"]: body | {"metadata": body["metadata"] | meta} for body in yaml.safe_load_all(shown)}
    mapping = parse_mapping(bodies["MigrationMapping"])
    migration = parse_migration(bodies["Migration"])
    options = migration.spec.tenant

    assert bodies.keys() == KINDS - {"MigrationPlan"}
    assert parse_provider(bodies["Provider"]).metadata.name == migration.spec.provider_ref.name
    assert options is not None
    assert options.mapping_ref is not None
    assert options.mapping_ref.name == mapping.metadata.name
    assert f"{migration.metadata.name}-" in text.partition("destinationName}")[2], "the result is of another Migration"


def test_every_field_of_mappings_is_told_with_what_its_absence_means() -> None:
    told = [row[0] for row in rows_of(PAGE, "## Mappings")[1:]]

    assert told == [f"`{field.alias or name}`" for name, field in Mappings.model_fields.items()]


def test_every_check_before_a_replication_is_told_in_its_order_and_so_is_the_oldest_server() -> None:
    told = [row[0] for row in rows_of(PAGE, "### Before the order: preflight")[1:]]

    assert told == [f"`{name}`" for name in list_tenant_checks()]
    assert f"* Servers from {'.'.join(map(str, OLDEST))} on." in PAGE.read_text(encoding="utf-8")


def test_every_verb_is_told_of_for_replications_too() -> None:
    told = " ".join(row[0] for row in rows_of(PAGE, "## Orders")[1:])

    assert [verb for verb in Verb if f"`{verb}`" not in told] == []
