"""What the demo tells of servers: five of them, five Migrations, four orders, and how each must end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMESPACE = "demo"
PROVIDER = "lab"
CLOUD = "operator"
LEAST_STEPS = 2
"""Figures below 100 that must have been seen rising: a progress bar that only jumps to its end proves nothing."""

FINISHED = ("Succeeded", "Failed", "Aborted", "Reverted")
LIVE, COLD, MAILBOXES = "LiveMigration", "ColdMigration", "MailboxMigration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One server and its Migration.

    Attributes:
        kind: ``spec.type``.
        plan: how the lab's hypervisors treat the move, see ``nova_sources/README.md``.
        host: where the server starts; named as ``sourceHost``, which makes the manifest safe to apply again.
        phase: how the Migration must end.
        verb: the order that is given on the way, if any.
        asked_at: the percent at which the order is given; the plan keeps the move from getting further. Cold moves
            show none, and the order is given once they await it.
        why: the order's reason, said on screen.
    """

    name: str
    plan: str
    host: str
    destination: str | None = None
    phase: str = "Succeeded"
    verb: str | None = None
    asked_at: int = 0
    why: str = ""
    kind: str = LIVE


PARTS = (
    Part(name="web-01", plan="finish,duration=50,memory=16384", host="cmp1", destination="cmp3"),
    Part(
        name="db-07",
        plan="hang,duration=20,memory=8192,stall=30",
        host="cmp2",
        destination="cmp3",
        verb="force-complete",
        asked_at=70,
        why="db-07 writes memory faster than it is copied: 70 % is as far as it gets.",
    ),
    Part(
        name="batch-03",
        plan="hang,duration=20,memory=4096,stall=60",
        host="cmp3",
        destination="cmp1",
        phase="Aborted",
        verb="abort",
        asked_at=40,
        why="batch-03 hangs too, and can wait for a quieter night.",
    ),
    Part(
        name="cache-04",
        plan="cold_delay=3,finish_delay=2",
        host="cmp1",
        destination="cmp2",
        kind=COLD,
        verb="confirm",
        why="cache-04 was stopped, copied and started on cmp2; it looks well there.",
    ),
    Part(
        name="mail-05",
        plan="cold_delay=3,finish_delay=2",
        host="cmp2",
        kind=COLD,
        phase="Reverted",
        verb="revert",
        why="mail-05 is slower on its new host; back it goes.",
    ),
)

SPARE = Part(name="app-02", plan="hang,duration=20,memory=4096,stall=50", host="cmp1")
"""Not moved by the demo: a server to play with afterwards."""

EXPLORE = """\
Everything stays up until Ctrl-C. In another shell:

  export KUBECONFIG={kubeconfig}
  export PATH={kubectl}:$PATH

  kubectl get osmig -o wide                  # also: kubectl get osprov
  kubectl get osmig db-07 -o yaml            # what became of the order: status.controls
  kubectl describe osmig batch-03            # with its Events
  kubectl get osmig mail-05 -o yaml          # a cold move: status.confirm, status.attempts
  kubectl get osmig shop-dc2 -o yaml         # a tenant: status.preflight, status.tenant
  kubectl get osmig wave-1 -o yaml           # mailboxes: status.progress.items, status.mailboxes.failed
  kubectl get osplan drain-cmp4 -o yaml      # a plan: status.preview, status.hosts with their proof
  kubectl get osmig -l osmig.dev/plan=drain-cmp4
  kubectl explain osmig.spec.placement
  kubectl -n osmig-system get lease osmig

One more, to play with; it hangs at 50 %:

  kubectl apply -f {folder}/app-02.yaml
  kubectl get osmig app-02 --watch
  kubectl annotate osmig app-02 osmig.dev/abort=1

The same manifest again starts nothing: web-01 is at its destination already.

  kubectl delete osmig web-01
  kubectl apply -f {folder}/web-01.yaml

Nor does this one: its replica is found by its name, and adopted.

  kubectl delete osmig shop-dc2
  kubectl apply -f {folder}/shop-dc2.yaml

Nor this one: its job is found by the name of its list's file.

  kubectl delete osmig wave-1
  kubectl apply -f {folder}/wave-1.yaml

The emptied host stays disabled until somebody gives it back:

  kubectl annotate osplan drain-cmp4 osmig.dev/release=1

Metrics         {http}/metrics
Probes          {http}/readyz and {http}/livez
osmig's log     {osmig_log}
Other logs      {cluster}/*.log
                {nova_log}
Nova's control  {control} (tests/lab/nova_sources/README.md)
Waldur          {waldur}, its control {waldur_control} (tests/lab/README.md)
Hosting         {hosting}
"""
"""What to look at afterwards; ``demo`` fills in the places."""


def describe_provider() -> dict[str, Any]:
    """Return the manifest of the Provider; its Secret is named ``clouds``."""
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Provider",
        "metadata": {"name": PROVIDER},
        "spec": {
            "type": "OpenStack",
            "openstack": {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": CLOUD}},
        },
    }


def describe_migration(part: Part) -> dict[str, Any]:
    """Return the manifest of a part's Migration."""
    placement = {"sourceHost": part.host} | ({"destinationHost": part.destination} if part.destination else {})
    return {
        "apiVersion": "osmig.dev/v1alpha1",
        "kind": "Migration",
        "metadata": {"name": part.name},
        "spec": {
            "providerRef": {"name": PROVIDER},
            "type": part.kind,
            "server": {"name": part.name},
            "placement": placement,
        },
    }


def to_yaml(manifest: Mapping[str, Any]) -> str:
    """Return a manifest as a person would write it."""
    return yaml.safe_dump(manifest, sort_keys=False)


def is_start(body: str) -> bool:
    """Whether a request's body asks for a move, live or cold."""
    return '"os-migrateLive"' in body or '"migrate"' in body


def awaits_order(part: Part, status: Mapping[str, Any], figures: Sequence[int]) -> bool:
    """Whether the moment of a part's order has come."""
    if part.kind == MAILBOXES:
        reasons = [one["reason"] for one in status.get("conditions", ()) if one["type"] == "Succeeded"]
        return reasons == ["ScheduledUpstream"]
    if part.kind == COLD:
        return status.get("phase") == "AwaitingConfirmation"
    return max(figures, default=0) >= part.asked_at


def is_over(bodies: Mapping[str, Mapping[str, Any]], parts: Sequence[Part] = PARTS) -> bool:
    """Whether every Migration has ended, however."""
    return all(_status(bodies, part).get("phase") in FINISHED for part in parts)


def judge_phase(name: str, status: Mapping[str, Any], wanted: str) -> list[str]:
    """Return one sentence if a Migration has not ended as it should have; else none."""
    if (phase := status.get("phase")) == wanted:
        return []
    why = (status.get("failure") or {}).get("message") or "no failure is recorded"
    return [f"{name} is {phase or 'not seen'} instead of {wanted}: {why}"]


def judge(
    bodies: Mapping[str, Mapping[str, Any]],
    seen: Mapping[str, Sequence[int]],
    starts: Mapping[str, int],
    parts: Sequence[Part] = PARTS,
) -> list[str]:
    """Compare what happened with what was promised.

    Args:
        bodies: the Migrations at the end, by name.
        seen: the figures that the table showed, by name, in their order.
        starts: how many starts Nova was sent, by the server's name.
        parts: the promises.

    Returns:
        One sentence for each promise that was broken; empty when all were kept.
    """
    complaints = []
    for part in parts:
        status = _status(bodies, part)
        complaints += judge_phase(part.name, status, part.phase)
        if part.verb and (result := _result(status, part.verb)) != "Done":
            complaints.append(f"{part.name}: {part.verb} is {result or 'not recorded'} instead of Done")
        if (count := starts.get(part.name, 0)) != 1:
            complaints.append(f"{part.name}: Nova was asked {count} times to start, not once")
    patient = parts[0]
    if not is_rising(seen.get(patient.name, ())):
        complaints.append(f"{patient.name}: the progress did not rise on screen: {list(seen.get(patient.name, ()))}")
    return complaints


def is_rising(figures: Sequence[int]) -> bool:
    """Whether the figures never fall, and enough different ones came before 100."""
    return list(figures) == sorted(figures) and len({figure for figure in figures if figure < 100}) >= LEAST_STEPS


def _status(bodies: Mapping[str, Mapping[str, Any]], part: Part) -> Mapping[str, Any]:
    status: Mapping[str, Any] = bodies.get(part.name, {}).get("status") or {}
    return status


def _result(status: Mapping[str, Any], verb: str) -> str | None:
    return next((control["result"] for control in status.get("controls") or () if control["verb"] == verb), None)
