"""A MigrationMapping and the operator as a process: it watches the kind, with the rights of deploy/ and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e_operator import run_operator
from e2e_tenant import Tenant
from lab.waiting import eventually
from tenant_fakes import mapping_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cluster import Cluster

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


def apply(tenant: Tenant, **spec: Any) -> None:  # noqa: ANN401 - fields of a spec
    body = mapping_body(**spec)
    manifest = body | {"metadata": {"name": body["metadata"]["name"]}}
    tenant.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


def test_a_mapping_is_linted_when_it_comes_and_when_it_changes(crds: Cluster, namespace: str, tmp_path: Path) -> None:
    for manifest in ("namespace.yaml", "rbac.yaml"):
        crds.kubectl("apply", "--server-side", "-f", str(DEPLOY / manifest))
    tenant = Tenant(crds, namespace)

    def read(generation: int) -> Mapping[str, Any] | None:
        """Return the status once it is about that generation; the operator lists once only, so the watch told it."""
        found = json.loads(tenant.kubectl("get", "migrationmapping", "dc1-to-dc2", "-o", "json"))
        status: Mapping[str, Any] = found.get("status") or {}
        return status if status.get("observedGeneration") == generation else None

    with run_operator(crds, "--namespace", namespace, log=tmp_path / "osmig.log") as operator:
        operator.wait_ready()
        apply(tenant)
        first = eventually(lambda: read(1), what="the mapping linted")
        apply(tenant, volumeTypes=[])
        anew = eventually(lambda: read(2), what="the changed mapping linted")
        assert operator.logs("step.crashed") == []
    assert [condition["reason"] for condition in first["conditions"] if condition["type"] == "Ready"] == ["Linted"]
    assert "findings" not in first
    assert [found["path"] for found in anew["findings"]] == ["spec.volumeTypes"]
    assert anew["hash"] != first["hash"]
