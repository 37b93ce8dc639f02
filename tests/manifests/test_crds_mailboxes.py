"""Mailboxes to copy and their Providers: the API server and osmig refuse the same and take the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api_samples import migration_body, named, provider_body
from manifests.bad_mailboxes import GOOD, MIGRATIONS, PROVIDERS
from manifests.crd_files import load_schema, paths, walk
from manifests.kubectl_words import assert_refused, create
from osmig.api.migration import parse_migration
from osmig.api.provider import parse_provider

if TYPE_CHECKING:
    from lab.cluster import Cluster


@pytest.mark.parametrize("mistake", MIGRATIONS)
def test_bad_mailboxes_are_refused_with_the_name_of_their_field(crds: Cluster, place: str, mistake: str) -> None:
    row = MIGRATIONS[mistake]

    assert_refused(crds, place, named(migration_body(spec=row.change), mistake), row.words, parse_migration)


@pytest.mark.parametrize("mistake", PROVIDERS)
def test_a_bad_hosting_provider_is_refused_with_the_name_of_its_field(crds: Cluster, place: str, mistake: str) -> None:
    row = PROVIDERS[mistake]

    assert_refused(crds, place, named(provider_body(spec=row.change), mistake), row.words, parse_provider)


@pytest.mark.parametrize("case", GOOD)
def test_good_mailboxes_are_taken(crds: Cluster, place: str, case: str) -> None:
    name = f"good-{case}"

    assert create(crds, place, named(migration_body(spec=GOOD[case]), name)) == ""
    assert parse_migration(crds.get("osmig", name, "-n", place)).spec.mailboxes is not None


@pytest.mark.parametrize(
    ("plural", "member", "table"), [("migrations", "mailboxes", MIGRATIONS), ("providers", "hosting", PROVIDERS)]
)
def test_every_field_has_a_row(plural: str, member: str, table: dict[str, Any]) -> None:
    fields = {field.path for field in walk(load_schema(plural)["properties"]["spec"]["properties"][member])}

    assert fields - {path for row in table.values() for path in paths(row.change.get(member))} == set()
