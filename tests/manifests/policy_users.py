"""What tests of admission policies begin with: objects to be judged, and users with rights in a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.cluster import Cluster

MIGRATION: dict[str, Any] = {
    "apiVersion": "osmig.dev/v1alpha1",
    "kind": "Migration",
    "metadata": {"name": "db-07"},
    "spec": {"providerRef": {"name": "cloud"}, "type": "LiveMigration", "server": {"name": "db-07"}},
}
PLAN: dict[str, Any] = {
    "apiVersion": "osmig.dev/v1alpha1",
    "kind": "MigrationPlan",
    "metadata": {"name": "db-07"},
    "spec": {"providerRef": {"name": "cloud"}, "targets": {"hosts": ["cmp1"]}},
}


def grant(cluster: Cluster, namespace: str, user: str, rules: list[dict[str, Any]]) -> None:
    """Give a user rights in a namespace."""
    of_rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": user, "namespace": namespace}}
    subjects = [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]
    reference = {"kind": "Role", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    cluster.apply({**of_rbac, "kind": "Role", "rules": rules})
    cluster.apply({**of_rbac, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects})
