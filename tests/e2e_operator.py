"""The operator of end-to-end tests: with the rights of deploy/, and every period as short as the lab allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.osmig_run import OsmigRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cluster import Cluster

ROOT = Path(__file__).parent.parent
API_VERSION = "osmig.dev/v1alpha1"
OPERATOR_NAMESPACE = "osmig-system"
OPERATOR = f"system:serviceaccount:{OPERATOR_NAMESPACE}:osmig"
"""The operator as the API server knows it: a service account with the rights of deploy/rbac.yaml, no more."""
CALL_BEFORE_S, CONNECT_S, READ_S, START_GRACE_S = 2, 1, 5, 4
VERB_REPEAT_S = 1.0
FAST: Final = (
    *("--http-host", "127.0.0.1"),
    *("--allow-endpoint", "127.0.0.1"),
    *("--sweep-period", "1"),
    *("--progress-period", "0.5"),
    *("--record-poll", "0.3"),
    *("--verb-repeat", str(VERB_REPEAT_S)),
    *("--secret-period", "3"),
    *("--call-before", str(CALL_BEFORE_S)),
    *("--connect-timeout", str(CONNECT_S)),
    *("--read-timeout", str(READ_S)),
    *("--adopt-after", str(CALL_BEFORE_S + CONNECT_S + READ_S)),
    *("--start-grace", str(START_GRACE_S)),
    *("--retry-period", "1"),
    *("--start-lost", "5"),
    # the lab's Nova writes a record some time after its server; on a busy machine that takes seconds
    *("--stale-record-after", "15"),
    *("--confirm-margin", "3"),
    # a busy Nova takes seconds to call a move off
    *("--finalizer-timeout", "20"),
    *("--run-poll", "0.3"),
    *("--run-poll-max", "1"),
    *("--not-started", "3"),
)
"""Every period as short as the lab answers reliably; the relations between them are those of the defaults."""
UNRESOLVED_S = CALL_BEFORE_S + CONNECT_S + READ_S
"""With ``FAST``: how long the effect of an unanswered start is looked for."""


def run_operator(
    cluster: Cluster, *flags: str, log: Path | None = None, env: Mapping[str, str] | None = None
) -> OsmigRun:
    """Prepare the operator with fast timings and the rights of deploy/; a context manager that starts and ends it."""
    kubeconfig = cluster.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")
    return OsmigRun(*FAST, "--lease-namespace", OPERATOR_NAMESPACE, *flags, kubeconfig=kubeconfig, log=log, env=env)


def install(cluster: Cluster) -> Cluster:
    """Bring the CRDs and the rights of deploy/ to a cluster of the test's own."""
    for part in ("crds", "deploy/namespace.yaml", "deploy/rbac.yaml"):
        cluster.kubectl("apply", "--server-side", "-f", str(ROOT / part))
    cluster.await_established("-f", str(ROOT / "crds"))
    return cluster
