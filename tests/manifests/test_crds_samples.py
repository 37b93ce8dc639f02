"""Every sample of deploy/ is taken by a real API server as it is, and says what its name promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from manifests.crd_files import ROOT
from osmig.api.mapping import parse_mapping
from osmig.api.migration import ConfirmBy, MigrationType, Mode, parse_migration
from osmig.api.plan import parse_plan
from osmig.api.provider import Limits, parse_provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.cluster import Cluster
    from osmig.api.migration import MigrationSpec
    from osmig.api.plan import PlanSpec

MORE = ROOT / "deploy" / "samples" / "more"
MIGRATIONS: dict[str, Callable[[MigrationSpec], bool]] = {
    "cold-manual": lambda spec: _is_cold(spec, ConfirmBy.MANUAL),
    "cold-automatic": lambda spec: _is_cold(spec, ConfirmBy.AUTOMATIC),
    "validate": lambda spec: spec.mode is Mode.VALIDATE,
    "adopt": lambda spec: spec.adopt is not None,
    "policies": lambda spec: spec.retries.limit > 0,
    "mailboxes": lambda spec: spec.mailboxes is not None and spec.mailboxes.second_execution_time is not None,
    "tenant": lambda spec: spec.tenant is not None and spec.tenant.mapping_ref is not None,
}

PLANS: dict[str, Callable[[PlanSpec], bool]] = {
    "plan": lambda spec: spec.disables and spec.times.not_after_time is not None,
    "plan-project": lambda spec: spec.targets.project_id is not None and spec.times.not_after_time is not None,
    "plan-servers": lambda spec: len(spec.targets.servers or ()) == 2,
    "plan-validate": lambda spec: spec.mode is Mode.VALIDATE and spec.targets.aggregate is not None,
}

BOUNDS = ("admission-sizes", "quota")
"""Their tests are in ``test_namespace_bounds.py``."""


def _is_cold(spec: MigrationSpec, confirm: ConfirmBy) -> bool:
    return spec.type is MigrationType.COLD_MIGRATION and spec.cold_options.confirm is confirm


@pytest.mark.parametrize("sample", MIGRATIONS)
def test_a_sample_of_a_migration_is_taken_and_read(crds: Cluster, namespace: str, sample: str) -> None:
    crds.kubectl("apply", "-f", str(MORE / f"{sample}.yaml"), "-n", namespace, "--validate=strict")

    (taken,) = crds.get("osmig", "-n", namespace)["items"]
    assert MIGRATIONS[sample](parse_migration(taken).spec)


def test_the_sample_of_limits_is_taken_and_read(crds: Cluster, namespace: str) -> None:
    crds.kubectl("apply", "-f", str(MORE / "provider-limits.yaml"), "-n", namespace, "--validate=strict")

    spec = parse_provider(crds.get("osprov", "region-one", "-n", namespace)).spec
    assert spec.limits not in (None, Limits())
    assert spec.auto_confirm_s == 86_400


def test_the_sample_of_mirrors_is_taken_and_read(crds: Cluster, namespace: str) -> None:
    crds.kubectl("apply", "-f", str(MORE / "provider-mirror.yaml"), "-n", namespace, "--validate=strict")

    discovery = parse_provider(crds.get("osprov", "region-one", "-n", namespace)).spec.effective_discovery
    assert (discovery.mode, discovery.max_mirrored) == ("Mirror", 100)
    assert discovery.filters is not None
    assert discovery.filters.hosts == ("cmp1", "cmp2")


def test_the_samples_of_a_replication_belong_together(crds: Cluster, namespace: str) -> None:
    for sample in ("provider-waldur", "mapping", "tenant"):
        crds.kubectl("apply", "-f", str(MORE / f"{sample}.yaml"), "-n", namespace, "--validate=strict")

    (taken,) = crds.get("osmig", "-n", namespace)["items"]
    spec = parse_migration(taken).spec
    assert spec.tenant is not None
    assert spec.tenant.mapping_ref is not None
    assert parse_provider(crds.get("osprov", spec.provider_ref.name, "-n", namespace)).spec.waldur is not None
    assert parse_mapping(crds.get("osmap", spec.tenant.mapping_ref.name, "-n", namespace)).spec.subnets


def test_the_sample_of_a_hosting_provider_is_taken_and_is_the_one_that_mailboxes_name(
    crds: Cluster, namespace: str
) -> None:
    for sample in ("provider-hosting", "mailboxes"):
        crds.kubectl("apply", "-f", str(MORE / f"{sample}.yaml"), "-n", namespace, "--validate=strict")

    (taken,) = crds.get("osmig", "-n", namespace)["items"]
    name = parse_migration(taken).spec.provider_ref.name
    assert parse_provider(crds.get("osprov", name, "-n", namespace)).spec.hosting is not None


@pytest.mark.parametrize("sample", PLANS)
def test_a_sample_of_a_plan_is_taken_and_read(crds: Cluster, namespace: str, sample: str) -> None:
    crds.kubectl("apply", "-f", str(MORE / f"{sample}.yaml"), "-n", namespace, "--validate=strict")

    (taken,) = crds.get("osplan", "-n", namespace)["items"]
    assert PLANS[sample](parse_plan(taken).spec)


def test_every_sample_has_its_test() -> None:
    named = {"provider-limits", "provider-mirror", "provider-waldur", "provider-hosting", "mapping"}
    assert {path.stem for path in MORE.iterdir()} == {*MIGRATIONS, *PLANS, *named, *BOUNDS}


@pytest.mark.parametrize("sample", sorted(MORE.iterdir()), ids=lambda path: path.stem)
def test_every_sample_begins_with_what_it_is_for(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert len(list(yaml.safe_load_all(text))) == (2 if sample.stem == "admission-sizes" else 1)
