"""Every bad manifest of the table is refused by a real API server, in words that name the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api_samples import migration_body, named, provider_body
from manifests.bad_manifests import MIGRATIONS, PROVIDERS
from manifests.bad_statuses import STATUSES
from manifests.crd_files import load_schema, paths, walk
from manifests.kubectl_words import create, patch

if TYPE_CHECKING:
    from lab.cluster import Cluster


@pytest.fixture(scope="module")
def place(crds: Cluster, place: str) -> str:
    """A namespace for the whole table: what is refused leaves nothing behind. It holds one good Migration, db-07."""
    assert create(crds, place, migration_body()) == ""
    return place


@pytest.mark.parametrize("mistake", MIGRATIONS)
def test_a_bad_migration_is_refused_with_the_name_of_its_field(crds: Cluster, place: str, mistake: str) -> None:
    row = MIGRATIONS[mistake]

    assert row.words in create(crds, place, named(migration_body(spec=row.change), mistake.lower()))


@pytest.mark.parametrize("mistake", PROVIDERS)
def test_a_bad_provider_is_refused_with_the_name_of_its_field(crds: Cluster, place: str, mistake: str) -> None:
    row = PROVIDERS[mistake]

    assert row.words in create(crds, place, named(provider_body(spec=row.change), mistake))


@pytest.mark.parametrize("mistake", STATUSES)
def test_a_bad_status_is_refused_with_the_name_of_its_field(crds: Cluster, place: str, mistake: str) -> None:
    row = STATUSES[mistake]

    assert row.words in patch(crds, place, {"status": row.change}, status=True)


def test_the_table_left_nothing_behind(crds: Cluster, place: str) -> None:
    found = crds.get("osmig,osprov", "-n", place)["items"]

    assert [item["metadata"]["name"] for item in found] == ["db-07"]
    assert found[0]["status"] == {"observedGeneration": -1}


def test_three_mistakes_are_told_at_once(crds: Cluster, place: str) -> None:
    spec = {"server": {"name": ""}, "providerRef": {"name": "A"}, "placement": {"sourceHost": ""}}

    refusal = create(crds, place, migration_body(spec=spec))

    assert all(path in refusal for path in ("spec.server.name", "spec.providerRef.name", "spec.placement.sourceHost"))


@pytest.mark.parametrize(
    ("plural", "table"), [("migrations", MIGRATIONS), ("providers", PROVIDERS)], ids=["migrations", "providers"]
)
def test_every_field_that_users_write_has_a_row(plural: str, table: dict[str, tuple[dict[str, object], str]]) -> None:
    """A new field is no row's until somebody adds one."""
    # test_crds_tenants and test_crds_mailboxes have their rows
    elsewhere = (".tenant", ".waldur", ".mailboxes", ".hosting")
    fields = walk(load_schema(plural)["properties"]["spec"])
    written = {field.path for field in fields if not field.path.startswith(elsewhere)}

    touched = {path for change, _ in table.values() for path in paths(change)}

    assert written - touched == set()
