"""The part of the demo that empties a host: six servers, a look before, and the proof that nothing is left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.demo_story import FINISHED, PROVIDER
from lab.steps import side_by_side
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.demo_stage import Stage
    from lab.nova import NovaLab

NAME, HOST, REASON = "drain-cmp4", "cmp4", "CHG0031337 firmware"
OFF, TIED, STUCK = "off-11", "db-12", "slow-13"
SERVERS = {"web-08": "", "web-09": "", "web-10": "", OFF: "", TIED: "", STUCK: "hang,duration=5,memory=2048"}
"""Names of the servers on the host, and how the lab's hypervisors treat the move of each."""
LONGEST_S = 400.0
LOOK_EVERY_S = 0.5

LOOKS = (".status.preview.counts", '.status.conditions[?(@.type=="Blocked")].message')
"""What is read before the approval: how many servers would go which way, and which would stay behind."""


def describe_drain() -> dict[str, Any]:
    """Return the manifest of the plan, which begins once somebody has approved what it shows."""
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "MigrationPlan",
        "metadata": {"name": NAME},
        "spec": {
            "providerRef": {"name": PROVIDER},
            "targets": {"hosts": [HOST]},
            "template": {"cold": {"confirm": "Automatic"}},
            "approval": "Manual",
            "maintenance": {"computeService": "Disable", "reason": REASON},
        },
    }


@dataclass
class Drain:
    """One host that is emptied.

    Attributes:
        stage: where commands are shown and run.
        nova: the cloud of the host.
        shown: the last line about the plan, so that each change is one line.
    """

    stage: Stage
    nova: NovaLab
    shown: str = field(default="", init=False)

    def boot(self) -> str:
        """Boot the servers, one of them shut off, one in a group that must stay on one host; return the group's id."""
        group = self.nova.nova.post("/os-server-groups", {"server_group": {"name": "db", "policy": "affinity"}})
        tied: str = group["server_group"]["id"]

        def boot_one(name: str) -> None:
            plan = SERVERS[name] or None
            self.nova.boot(name, plan=plan, host=HOST, group=tied if name == TIED else None)

        side_by_side(*((lambda name=name: boot_one(name)) for name in SERVERS))
        off = self.nova.servers[OFF]
        self.nova.nova.post(f"/servers/{off}/action", {"os-stop": None})
        eventually(lambda: self.nova.nova.server(off)["status"] == "SHUTOFF", what=f"{OFF} is shut off")
        return tied

    def perform(self) -> list[str]:
        """Empty the host; return a sentence for each promise that was broken."""
        group = self.boot()
        say, kubectl = self.stage.board.say, self.stage.kubectl
        say(f"\n{HOST} gets new firmware tonight: a plan empties it. It first shows what it would do.")
        self.stage.show_and_apply(NAME, describe_drain())
        self._await(lambda status: status.get("phase") == "AwaitingApproval")
        for path in LOOKS:
            kubectl("get", "osplan", NAME, "-o", f"jsonpath={{{path}}}")
        say(f"\n{TIED} may not leave its server group, so it would stay behind. Its owner gives the group up.")
        say("$ openstack server group delete db")
        self.nova.nova.delete(f"/os-server-groups/{group}")
        kubectl("annotate", "osplan", NAME, "osmig.dev/reconcile=1")
        status = self._await(lambda status: not status["preview"]["counts"]["blocked"])
        say("\nNow all six can go. Whoever approves says what was read: the hash of the preview.")
        kubectl("annotate", "osplan", NAME, f"osmig.dev/approve={status['preview']['hash']}")
        self._await(lambda status: is_one_left(status) and self._is_hanging())
        say(f"\n{STUCK} is the last, and hangs. A Migration like any other moves it, and takes the same orders.")
        kubectl("annotate", "osmig", "-l", self._select_stuck(), "osmig.dev/force-complete=1")
        status = self._await(lambda status: status.get("phase") in FINISHED)
        kubectl("get", "osplan", NAME)
        service, left = self._read_host()
        say(f"Nova says of {HOST}: {service['status']}, {service['disabled_reason']!r}, {len(left)} servers.\n")
        return judge_drain(status, service, left)

    def _await(self, test: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a test of a status
        """Show each change of the plan until ``test(status)`` holds, or it is over or too late; return the status."""
        deadline = time.monotonic() + LONGEST_S
        while True:
            status: Mapping[str, Any] = self.stage.cluster.get("osplan", NAME).get("status") or {}
            line = word_plan(status)
            if line != self.shown:
                self.shown = line
                self.stage.board.say(line)
            is_over = status.get("phase") in FINISHED or time.monotonic() >= deadline
            if ("preview" in status and test(status)) or is_over:
                return status
            time.sleep(LOOK_EVERY_S)

    def _is_hanging(self) -> bool:
        found = self.stage.cluster.get("osmig", "-l", self._select_stuck())["items"]
        return any((child.get("status") or {}).get("phase") == "Running" for child in found)

    def _select_stuck(self) -> str:
        return f"osmig.dev/server-id={self.nova.servers[STUCK]}"

    def _read_host(self) -> tuple[Mapping[str, Any], list[str]]:
        (service,) = self.nova.nova.get(f"/os-services?binary=nova-compute&host={HOST}")["services"]
        listed = self.nova.nova.get(f"/servers/detail?all_tenants=1&soft_deleted=1&host={HOST}")["servers"]
        return service, [server["name"] for server in listed]


def is_one_left(status: Mapping[str, Any]) -> bool:
    """Return whether all servers have moved but one."""
    return bool(status.get("progressText") == f"{len(SERVERS) - 1}/{len(SERVERS)}")


def word_plan(status: Mapping[str, Any]) -> str:
    """Say where the plan stands, in one line."""
    host: Mapping[str, Any] = next(iter(status.get("hosts") or ()), {})
    looks = f", quiet looks: {host.get('quietSweeps', 0)}" if status.get("phase") == "Verifying" else ""
    progress = f", servers moved: {status['progressText']}" if "startTime" in status else ""
    return f"  {NAME} {status.get('phase') or '-'}{progress}{looks}"


def judge_drain(status: Mapping[str, Any], service: Mapping[str, Any], left: list[str]) -> list[str]:
    """Compare what happened with what was promised.

    Args:
        status: of the plan at its end.
        service: the host's compute service, as Nova has it.
        left: names of the servers that Nova shows on the host.

    Returns:
        One sentence for each promise that was broken; empty when all were kept.
    """
    complaints = []
    reason = next((one["reason"] for one in status.get("conditions", ()) if one["type"] == "Succeeded"), None)
    if (status.get("phase"), reason) != ("Succeeded", "Succeeded"):
        complaints.append(f"{NAME} is {status.get('phase') or 'not seen'}, {reason} instead of Succeeded")
    hosts: list[Mapping[str, Any]] = status.get("hosts") or [{}]
    if not all("drainedTime" in host for host in hosts):
        complaints.append(f"{NAME}: {HOST} was not proven empty")
    if left:
        complaints.append(f"{NAME}: Nova still shows {', '.join(left)} on {HOST}")
    if service.get("status") != "disabled" or not str(service.get("disabled_reason")).startswith("osmig/"):
        complaints.append(f"{NAME}: {HOST} is {service.get('status')}, not disabled by the plan")
    return complaints
