"""docs/first-move.md walked from its first command to its last, on an API server and a Nova that have nothing yet."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from e2e_chart import CHARTS, INSTALLER, Install, values_for_the_lab
from e2e_cloud import calls
from e2e_operator import ROOT
from e2e_status import outcome
from lab.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.helm import Helm
    from lab.nova import NovaLab

PAGE = ROOT / "docs" / "first-move.md"
SERVER, HOST = "db-07", "OS-EXT-SRV-ATTR:host"
NOT_HERE = {
    "make image": "make image-test does it",
    "docker push": "there is no registry",
    "kubectl -n osmig-system rollout status": "no pod runs here: the process of its pod is started instead",
    "helm test": "no pod runs here: test_e2e_chart.py runs the command of the test's pod",
    "kubectl -n osmig-system logs": "no pod runs here",
}
"""Commands of the page that the lab has no place for, and what stands for them."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who types what the page shows, as an administrator of the cluster.

    Attributes:
        install: Helm, the cluster, and values that only the lab needs: fast timings, loopback addresses.
        clouds: the file that he has.
    """

    install: Install
    clouds: Path

    def type(self, command: str) -> str:
        """Run one command of the page and return what it printed."""
        program, *words = shlex.split(command)
        if program == "helm":
            words = [word.replace("charts/", f"{CHARTS}/") for word in words]
            values = self.install.values if words[1] == "osmig" else None
            return self.install.helm.run(*words, values=values, kubeconfig=self.install.cluster.kubeconfig)
        assert program == "kubectl"
        words = [word.replace("=clouds.yaml", f"=clouds.yaml={self.clouds}") for word in words if word != "-w"]
        return self.install.cluster.kubectl(*words).stdout

    def apply(self, manifest: str) -> None:
        """Apply one manifest of the page."""
        self.install.cluster.kubectl("apply", "--validate=strict", "-f", "-", stdin=manifest)


def list_steps() -> Iterator[tuple[str, str]]:
    """Yield what the page shows: kind of the block, and a manifest or one command."""
    for kind, text in re.findall(r"^```(console|yaml)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        yield from ((kind, text),) if kind == "yaml" else ((kind, line) for line in text.splitlines())


def test_the_page_leads_to_a_moved_server(helm: Helm, nova: NovaLab, tmp_path: Path) -> None:
    server = nova.boot(SERVER, user="manager")
    before = nova.nova.server(server)[HOST]
    clouds = tmp_path / "clouds.yaml"
    known = yaml.safe_load(nova.clouds.read_text(encoding="utf-8"))["clouds"]
    clouds.write_text(yaml.safe_dump({"clouds": {"region-one": known["manager"]}}), encoding="utf-8")
    with Cluster(users={INSTALLER: ()}) as cluster:
        install = Install(helm, cluster, values_for_the_lab())
        reader, printed = Reader(install, clouds), {}
        steps = list(list_steps())
        charts = next(
            number for number, (_, text) in enumerate(steps) if text.startswith("kubectl create namespace team")
        )
        for kind, text in steps[:charts]:
            if kind == "yaml" or not text.startswith(tuple(NOT_HERE)):
                printed[text] = reader.type(text)
        with install.run_pod(tmp_path / "osmig.log") as operator:
            operator.wait_ready()
            for kind, text in steps[charts:]:
                if kind == "yaml":
                    reader.apply(text)
                else:
                    printed[text] = reader.type(text)
            move = cluster.get("migrations.osmig.dev", SERVER, "-n", "team-a")

    assert outcome(move["status"]) == ("Succeeded", "Succeeded")
    assert [call.word for call in calls(nova, server)] == ["live-migrate"]
    (rehearsal,) = (said for command, said in printed.items() if "preflight" in command)
    results = [line.split()[0] for line in rehearsal.splitlines()]
    assert "Pass" in results
    assert "Fail" not in results
    assert all(any(text.startswith(start) for _, text in steps) for start in NOT_HERE), "one is not on the page"
    assert nova.nova.server(server)[HOST] != before
