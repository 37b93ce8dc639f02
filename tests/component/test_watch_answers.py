"""No answer and no watch event of the API server ends the operator, and after each it sees what changes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e_operator import FAST, OPERATOR_NAMESPACE
from e2e_tenant import Tenant
from kube_proxy import Fault, KubeProxy
from lab.osmig_run import OsmigRun
from lab.waiting import eventually
from tenant_fakes import mapping_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.cluster import Cluster

pytestmark = pytest.mark.timeout(600)
"""Many faults in a row, each with a pause after it."""

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
KINDS = 4
JSON = {"Content-Type": "application/json"}
DEEP = b"[" * 100_000


def status_of(code: int, reason: str = "Odd") -> bytes:
    return json.dumps({"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason}).encode()


ANSWERS: Mapping[str, Fault] = {
    **{
        f"{code} as Status": Fault(code, status_of(code), JSON)
        for code in (400, 401, 403, 404, 409, 410, 422, 429, 500, 503)
    },
    "404 in plain text": Fault(404, b"404 page not found\n"),
    "429 with a word for a time": Fault(429, status_of(429), {**JSON, "Retry-After": "soon"}),
    "429 for a century": Fault(429, status_of(429), {**JSON, "Retry-After": "3000000000"}),
    "502 in HTML": Fault(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
    "a redirect": Fault(302, b"", {"Location": "http://192.0.2.1/"}),
    "a page of HTML": Fault(200, b"<html>log in</html>", {"Content-Type": "text/html"}),
    "half a JSON": Fault(200, b'{"kind": "MigrationList", "items": [{"meta', JSON),
    "nothing": Fault(200, b"", JSON),
    "a list instead of an object": Fault(200, b"[]\n", JSON),
    "an empty object": Fault(200, b"{}\n", JSON),
    "items that are none": Fault(200, b'{"kind":"L","metadata":{},"items":[1,null,{}]}\n', JSON),
    "no text at all": Fault(200, b"\xff\xfe\x00\n", JSON),
    "depth": Fault(200, DEEP + b"\n", JSON),
    "a closed connection": Fault(0),
}
ODD_OBJECTS: Mapping[str, Fault] = {
    "values of another type": Fault(
        200, b'{"kind":"L","metadata":{"resourceVersion":7,"uid":[]},"spec":[],"data":7,"type":[]}', JSON
    ),
    "a value that is no mapping": Fault(
        200, b'{"kind":"L","metadata":{"resourceVersion":"1","uid":"u","name":"n"},"spec":"x","data":7}', JSON
    ),
    "words of another sort": Fault(
        200,
        b'{"kind":"L","metadata":{"resourceVersion":"x","uid":"u","name":"n"},"spec":{"holderIdentity":7,'
        b'"leaseTransitions":"many","renewTime":"soon","leaseDurationSeconds":-1},"data":{"clouds.yaml":"A"}}',
        JSON,
    ),
}
EVENTS: Mapping[str, bytes] = {
    "an error": b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"x"}}',
    "an expired list": b'{"type":"ERROR","object":{"kind":"Status","code":410}}',
    "an error without a code": b'{"type":"ERROR","object":{}}',
    "an error without an object": b'{"type":"ERROR"}',
    "an error that is a word": b'{"type":"ERROR","object":"x"}',
    "no type": b'{"object":{}}',
    "an object without metadata": b'{"type":"ADDED","object":{}}',
    "an object without a name": b'{"type":"MODIFIED","object":{"metadata":{"uid":"u"}}}',
    "a number": b"7",
    "no JSON": b"<html>",
    "no text": b"\xff\xfe",
    "depth": DEEP,
    "an unknown type": b'{"type":"NEWS","object":{}}',
}


@pytest.fixture
def proxy(crds: Cluster, tmp_path: Path) -> Iterator[KubeProxy]:
    """A proxy for the operator's own account."""
    for manifest in ("namespace.yaml", "rbac.yaml"):
        crds.kubectl("apply", "--server-side", "-f", str(DEPLOY / manifest))
    kubeconfig = crds.service_account_kubeconfig(OPERATOR_NAMESPACE, "osmig")
    with KubeProxy(kubeconfig, tmp_path / "kubeconfig") as through:
        yield through


class Scene:
    """An operator behind the proxy, and a mapping that changes."""

    def __init__(self, cluster: Cluster, namespace: str, operator: OsmigRun) -> None:
        """Take what there is."""
        self.operator = operator
        self._tenant = Tenant(cluster, namespace)
        self._number = 0

    def change(self) -> None:
        """Change the mapping."""
        self._number += 1
        subnet = {"sourceCIDR": "192.168.1.0/24", "destinationCIDR": f"10.9.{self._number}.0/24"}
        body: dict[str, Any] = mapping_body(subnets=[subnet])
        manifest = body | {"metadata": {"name": body["metadata"]["name"]}}
        self._tenant.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def connect(self) -> None:
        """Bring a Provider."""
        self._tenant.put_secret("clouds: {}\n")
        self._tenant.put_provider()

    def check_renewed(self, what: str) -> None:
        """See that the Lease is renewed again: so many failures in a row would be an outage."""
        before = self._read_renewal()
        eventually(lambda: self._read_renewal() != before, what=f"a renewal after {what}", timeout_s=60)
        assert self.operator.returncode is None, f"ended by {what}"

    def _read_renewal(self) -> str:
        lease = self._tenant.cluster.get("lease", "osmig", "-n", OPERATOR_NAMESPACE)
        return str(lease["spec"]["renewTime"])

    def ask_for_secret(self) -> None:
        """Let the Provider's Secret be read once more."""
        self._number += 1
        self._tenant.kubectl("annotate", "--overwrite", "provider", "cloud", f"osmig.dev/reconcile={self._number}")

    def check_seen(self, what: str) -> None:
        """See that the operator lives and has seen the change; it lists but every ten minutes, so the watch told it."""

        def is_seen() -> bool:
            assert self.operator.returncode is None, f"ended by {what}"
            found = json.loads(self._tenant.kubectl("get", "migrationmapping", "dc1-to-dc2", "-o", "json"))
            generation = (found.get("status") or {}).get("observedGeneration")
            return bool(generation == found["metadata"]["generation"])

        eventually(is_seen, what=f"the change after {what}", timeout_s=60)


@pytest.fixture
def scene(crds: Cluster, namespace: str, proxy: KubeProxy, tmp_path: Path) -> Iterator[Scene]:
    """An operator that watches one namespace through the proxy."""
    flags = (*FAST, "--lease-period", "0.5", "--lease-namespace", OPERATOR_NAMESPACE, "--namespace", namespace)
    with OsmigRun(*flags, kubeconfig=proxy.kubeconfig, log=tmp_path / "osmig.log") as operator:
        operator.wait_ready()
        scene = Scene(crds, namespace, operator)
        scene.change()
        scene.check_seen("the start")
        yield scene


def test_a_good_start_says_nothing_at_level_error(scene: Scene) -> None:
    assert [line for line in scene.operator.logs() if line["level"] in {"error", "critical"}] == []


def test_no_event_of_a_watch_ends_the_operator(scene: Scene, proxy: KubeProxy) -> None:
    for name, line in EVENTS.items():
        eventually(lambda: proxy.count_watches() == KINDS, what="all watches", timeout_s=60)
        proxy.say(line)
        scene.change()
        scene.check_seen(name)


@pytest.mark.parametrize("sort", ["list", "watch", "write"])
def test_no_answer_ends_the_operator(scene: Scene, proxy: KubeProxy, sort: str) -> None:
    for name, fault in ANSWERS.items():
        eventually(lambda: proxy.count_watches() == KINDS, what="all watches", timeout_s=60)
        served = proxy.served[sort, "migrationmappings"]
        # that of the kind that changes: the others, quiet as they are, would pause for longer each time
        proxy.inject(sort, "migrationmappings", fault)
        # an expired list is listed anew, a cut watch is only watched anew
        if sort == "list":
            proxy.say(EVENTS["an expired list"])
        elif sort == "watch":
            proxy.cut()
        scene.change()
        scene.check_seen(f"{name} to a {sort}")
        is_served = partial(was_served, proxy, (sort, "migrationmappings"), served)
        eventually(is_served, what=f"{name} was answered", timeout_s=30)


def was_served(proxy: KubeProxy, what: tuple[str, str], before: int) -> bool:
    """Whether a fault was answered since."""
    return proxy.served[what] > before


def test_no_answer_about_lease_or_secret_ends_the_operator(scene: Scene, proxy: KubeProxy) -> None:
    """A single one is neither a lost Lease nor a missing right."""
    scene.connect()
    for name, fault in {**ANSWERS, **ODD_OBJECTS}.items():
        asked = [("write", "leases"), ("read", "secrets")]
        before = {what: proxy.served[what] for what in asked}
        for sort, plural in asked:
            proxy.inject(sort, plural, fault)
        scene.ask_for_secret()
        for what in asked:
            is_served = partial(was_served, proxy, what, before[what])
            eventually(is_served, what=f"{name} was answered to a {' of '.join(what)}", timeout_s=60)
        scene.check_renewed(name)
    scene.change()
    scene.check_seen("all of them")
    assert scene.operator.logs("lease.lost") == []
    assert scene.operator.logs("step.crashed") == []
