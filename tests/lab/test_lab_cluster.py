"""The lab's API server is a real one, keeps its data over restarts and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.kubectl import LONGER_S, LONGEST_KUBECTL_S, KubectlError, guard_s
from lab.waiting import DEADLINE_S, eventually

if TYPE_CHECKING:
    from lab.cluster import Cluster

TESTS = Path(__file__).parent.parent


def widget_crd() -> dict[str, Any]:
    """Return a CRD in our group, with a status subresource."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "labwidgets.osmig.dev"},
        "spec": {
            "group": "osmig.dev",
            "scope": "Namespaced",
            "names": {"plural": "labwidgets", "singular": "labwidget", "kind": "LabWidget"},
            "versions": [version],
        },
    }


@pytest.fixture
def widget(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """A custom object that exists."""
    cluster.apply(widget_crd())
    cluster.await_established("crd/labwidgets.osmig.dev")
    metadata = {"name": "one", "namespace": namespace}
    made = {"apiVersion": "osmig.dev/v1", "kind": "LabWidget", "metadata": metadata, "spec": {"size": 1}}
    cluster.apply(made)
    return made


def test_a_custom_object_and_its_status_survive_a_stop_and_a_kill_of_the_api_server(
    cluster: Cluster, namespace: str, widget: dict[str, Any]
) -> None:
    cluster.kubectl(
        "patch", "labwidget", "one", "-n", namespace, "--subresource=status", "--type=merge", '-p={"status":{"x":1}}'
    )
    url = cluster.url

    cluster.restart_apiserver()
    cluster.kill_apiserver()
    assert "refused" in cluster.kubectl("get", "ns", check=False).stderr
    cluster.start_apiserver()

    assert cluster.admin.get(f"/api/v1/namespaces/{namespace}")["metadata"]["name"] == namespace
    seen = cluster.get("labwidget", "one", "-n", namespace)
    assert (seen["spec"], seen["status"]) == (widget["spec"], {"x": 1})
    assert cluster.url == url


def test_a_stop_of_the_api_server_does_not_wait_for_those_who_watch(cluster: Cluster) -> None:
    command = [str(cluster.binaries.kubectl), "get", "ns", "--watch", f"--kubeconfig={cluster.kubeconfig}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watcher:  # noqa: S603 - kubectl
        assert watcher.stdout
        watcher.stdout.readline()

        status = cluster.stop_apiserver()

        watcher.kill()
    cluster.start_apiserver()
    assert status == 0, "it was not killed after the time in which it should have ended"


@pytest.mark.usefixtures("widget")
def test_the_audit_log_names_user_and_verb_and_keeps_bodies_of_our_group_alone(
    cluster: Cluster, namespace: str
) -> None:
    mark = cluster.audit_mark()

    cluster.kubectl(
        "patch", "labwidget", "one", "-n", namespace, "--subresource=status", "--type=merge", '-p={"status":{"y":2}}'
    )
    cluster.kubectl("create", "configmap", "c", "-n", namespace, "--from-literal=a=b")
    cluster.kubectl("get", "--raw", "/apis")

    mine = [e for e in cluster.audit(since=mark) if e["objectRef"].get("namespace") == namespace]
    bodies = {
        (e["verb"], e["objectRef"]["resource"], e["objectRef"].get("subresource")): e.get("requestObject") for e in mine
    }
    assert bodies["patch", "labwidgets", "status"] == {"status": {"y": 2}}
    assert bodies["create", "configmaps", None] is None
    assert {e["user"]["username"] for e in mine if e["verb"] == "create"} == {"admin"}


@pytest.mark.usefixtures("widget")
def test_who_waits_in_vain_is_told_what_for(cluster: Cluster, namespace: str) -> None:
    waiting = ("wait", "labwidget", "one", "-n", namespace, "--for=jsonpath={.spec.color}=none", "--timeout=1s")
    with pytest.raises(KubectlError, match=r"timed out waiting(.|\n)*kind: LabWidget"):
        cluster.kubectl(*waiting)


@pytest.mark.parametrize(
    ("own", "own_s"),
    [
        ("1s", 1),
        ("0.5s", 0.5),
        ("500ms", 0.5),
        ("200s", LONGEST_KUBECTL_S),
        ("400s", 400),
        ("2m", 120),
        ("10m", 600),
        ("2h", 7200),
        ("1h30m5s", 5405),
    ],
)
def test_a_command_is_never_ended_before_the_time_that_it_was_given(own: str, own_s: float) -> None:
    assert guard_s(("wait", "osplan", "drain", f"--timeout={own}")) == max(own_s + LONGER_S, LONGEST_KUBECTL_S)


def test_users_and_service_accounts_may_do_what_their_role_says_and_no_more(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "serviceaccount", "robot", "-n", namespace)
    ways_in = [cluster.user_kubeconfig("alice"), cluster.service_account_kubeconfig(namespace, "robot")]
    ask = ("get", "configmaps", "-n", namespace)
    for way_in in ways_in:
        with pytest.raises(KubectlError, match="Forbidden"):
            cluster.kubectl(*ask, kubeconfig=way_in)

    cluster.kubectl("create", "role", "see", "-n", namespace, "--verb=list", "--resource=configmaps")
    subjects = ("--user=alice", f"--serviceaccount={namespace}:robot")
    cluster.kubectl("create", "rolebinding", "see", "-n", namespace, "--role=see", *subjects)

    for way_in in ways_in:
        allowed = partial(cluster.kubectl, *ask, kubeconfig=way_in)
        assert eventually(allowed, what="the role at work").returncode == 0


def test_a_deleted_namespace_goes_away(cluster: Cluster) -> None:
    cluster.kubectl("create", "namespace", "short-lived")

    cluster.kubectl("delete", "namespace", "short-lived", f"--timeout={DEADLINE_S:g}s")

    assert "NotFound" in cluster.kubectl("get", "namespace", "short-lived", check=False).stderr


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from lab.child import Child
print(Child(["sleep", "600"], log=Path(sys.argv[1]) / "log").pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(TESTS)}) as starter:  # noqa: S603 - above
        assert starter.stdout
        child = int(starter.stdout.readline())
        assert is_running(child)

        starter.send_signal(signal.SIGKILL)

    eventually(lambda: not is_running(child), what="the child gone")


def is_running(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
