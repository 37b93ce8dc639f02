"""The part of the demo without a server: one tenant, replicated through Waldur, and how it must end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.demo_story import FINISHED, judge_phase
from lab.waldur_client import MIGRATIONS
from lab.waldurlab.catalogue import DESTINATION_VOLUME_TYPE, OFFERING, PLAN, SOURCE, VOLUME_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.demo_stage import Stage
    from lab.waldur import WaldurLab
    from lab.waldur_client import WaldurFault, WaldurRequest

NAME, PROVIDER, SECRET, MAPPING = "shop-dc2", "waldur", "waldur", "dc1-to-dc2"
PACE_S = 10.0
"""How long the double takes for each of its three steps."""

ANSWER_LOST: WaldurFault = {"path": MIGRATIONS, "method": "POST", "when": "after", "status": 500}
"""Waldur begins, and answers that it failed: who believes it and orders again has two tenants."""

_API = "osmig.dev/v1alpha1"


def apply(stage: Stage, waldur: WaldurLab) -> None:
    """Bring the one part that moves nothing; Waldur takes its order and answers with an error."""
    waldur.control.pace(PACE_S)
    waldur.control.fault(**ANSWER_LOST)
    stage.board.say("\nA tenant, too. Waldur will begin with it, and answer 500: ordering again would make two.")
    stage.create_secret(SECRET, waldur.url, token=waldur.token())
    stage.kubectl("apply", "-f", stage.write("waldur", describe_waldur(waldur.url)))
    stage.kubectl("apply", "-f", stage.write(MAPPING, describe_mapping()))
    stage.show_and_apply(NAME, describe_replication())


def describe_waldur(url: str) -> dict[str, Any]:
    """Return the manifest of the Provider; its Secret has the keys ``token`` and ``endpoint``."""
    return {
        "apiVersion": _API,
        "kind": "Provider",
        "metadata": {"name": PROVIDER},
        "spec": {"type": "Waldur", "waldur": {"endpoint": url, "tokenRef": {"secretName": SECRET, "key": "token"}}},
    }


def describe_mapping() -> dict[str, Any]:
    """Return the manifest of what the replica has otherwise than its source."""
    return {
        "apiVersion": _API,
        "kind": "MigrationMapping",
        "metadata": {"name": MAPPING},
        "spec": {
            "volumeTypes": [{"sourceType": VOLUME_TYPE, "destinationType": DESTINATION_VOLUME_TYPE}],
            "subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"}],
        },
    }


def describe_replication() -> dict[str, Any]:
    """Return the manifest of the Migration."""
    return {
        "apiVersion": _API,
        "kind": "Migration",
        "metadata": {"name": NAME},
        "spec": {
            "providerRef": {"name": PROVIDER},
            "type": "TenantReplication",
            "tenant": {
                "sourceResource": SOURCE,
                "destinationOffering": OFFERING,
                "destinationPlan": PLAN,
                "mappingRef": {"name": MAPPING},
            },
        },
    }


def count_orders(requests: Sequence[WaldurRequest]) -> int:
    """Return how many replications were ordered, whatever was answered."""
    return sum(request["method"] == "POST" and request["path"] == MIGRATIONS for request in requests)


def is_over(body: Mapping[str, Any]) -> bool:
    """Whether the Migration has ended, however."""
    return (body.get("status") or {}).get("phase") in FINISHED


def judge(body: Mapping[str, Any], requests: Sequence[WaldurRequest], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare what happened with what was promised.

    Args:
        body: the Migration at the end.
        requests: all that Waldur was sent.
        rows: all replications that Waldur has.

    Returns:
        One sentence for each promise that was broken; empty when all were kept.
    """
    status = body.get("status") or {}
    complaints = judge_phase(NAME, status, "Succeeded")
    if (count := count_orders(requests)) != 1:
        complaints.append(f"{NAME}: Waldur was asked {count} times to replicate, not once")
    replica = (status.get("tenant") or {}).get("destinationName")
    if replica is None or [row["dst_resource_name"] for row in rows] != [replica]:
        made = ", ".join(str(row["dst_resource_name"]) for row in rows) or "nothing"
        complaints.append(f"{NAME}: Waldur made {made}, the status names {replica or 'nothing'}")
    if any(check["result"] == "Fail" for check in status.get("preflight") or ()) or not status.get("preflight"):
        complaints.append(f"{NAME}: the preflight is missing or failed")
    return complaints
