"""The table of preflight's verdicts beside what a real Waldur answered to the same order, and whether it did as asked.

Cases with a label are recorded in ``recorded/waldur_reads.json``; the order is the recorded one. Those without were
tried against the same server too, and what is known of them is their status and what came of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.waldurlab import recorded_catalogue as known
from waldur_support import UNKNOWN, job_for, map_subnets, map_type

if TYPE_CHECKING:
    from osmig.drivers.tenants.views import ReplicaJob

RECORDED: dict[str, dict[str, Any]] = {
    entry["label"]: entry
    for entry in json.loads((Path(__file__).parent / "contract/recorded/waldur_reads.json").read_text(encoding="utf-8"))
}
IN_A, IN_B, NEW_A, NEW_B = "192.168.1.0/24", "10.0.0.0/24", "10.9.1.0/24", "10.9.2.0/24"
"""The CIDRs of the ordinary source's two networks, and two that nothing has."""
BOTH_TYPES = map_type(known.VT_SRC, known.VT_DST) + map_type(known.VT_SRC2, known.VT_DST2)
WIDE = next(row.uuid for row in known.make_recorded_world().networks if row.name == "wide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order.

    Attributes:
        name: unique.
        label: of the recorded order, without what all have in front.
        fields: of the order where none is recorded, as ``job_for`` takes them.
        verdict: the worst result of preflight.
        check: the one that has it; empty where all pass.
        status: of the server's answer.
        as_asked: the order was taken, and the replica became what the mappings say.
    """

    name: str
    verdict: str
    status: int
    check: str = ""
    label: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    as_asked: bool = False

    @property
    def job(self) -> ReplicaJob:
        """What is ordered."""
        if not self.label:
            ordinary = {
                "source": known.SRC_RESOURCE,
                "offering": known.DST_OFFERING,
                "plan": known.DST_PLAN,
            }
            return job_for(**{**ordinary, **self.fields})
        return job_of(RECORDED[f"create: {self.label}"]["request"]["body"])


def job_of(body: dict[str, Any]) -> ReplicaJob:
    """Read a recorded order."""
    given = body.get("mappings", {})
    pairs = [(pair["src_cidr"], pair["dst_cidr"]) for pair in given.get("subnets", ())]
    types = [(pair["src_type_uuid"], pair["dst_type_uuid"]) for pair in given.get("volume_types", ())]
    mappings = {
        "subnets": map_subnets(*pairs),
        "volumeTypes": [row for pair in types for row in map_type(*pair)],
        "networks": given.get("networks", []),
        "skipConnectionExtnet": given.get("skip_connection_extnet", False),
        "syncInstancePorts": given.get("sync_instance_ports", False),
    }
    ids = {"source": body["src_resource"], "offering": body["dst_offering"], "plan": body["dst_plan"]}
    return job_for(body["name"], mappings=mappings, **ids)


def refused(label: str, check: str, status: int = 400) -> Case:
    """Fail, and the server refuses it or crashes."""
    return Case(name=label, label=label, verdict="Fail", check=check, status=status)


def spoilt(name: str, check: str, *, label: str = "", **fields: Any) -> Case:  # noqa: ANN401 - as job_for takes them
    """Fail, and the server takes it and does something else."""
    return Case(name=name, label=label, verdict="Fail", check=check, status=201, fields=fields)


def doubtful(name: str, check: str, *, label: str = "", as_asked: bool = True, **fields: Any) -> Case:  # noqa: ANN401
    """Warn, and the server takes it."""
    return Case(name=name, label=label, verdict="Warn", check=check, status=201, fields=fields, as_asked=as_asked)


def good(name: str, *, label: str = "", **fields: Any) -> Case:  # noqa: ANN401 - as job_for takes them
    """Pass, and the server takes it."""
    return Case(name=name, label=label, verdict="Pass", status=201, fields=fields, as_asked=True)


def mapped(*pairs: tuple[str, str], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of mappings
    """Map both volume types, subnets, and the rest as given."""
    return {"mappings": {"volumeTypes": BOTH_TYPES, "subnets": map_subnets(*pairs), **fields}}


def small(source: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of mappings
    """Map something of a source that has no limits of volume types."""
    return {"source": source, "mappings": fields}


CASES = (
    refused("source unknown", "SourceResource"),
    refused("source of another customer", "SourceResource"),
    refused("source without limits", "SourceResource"),
    refused("offering unknown", "DestinationOffering"),
    refused("offering draft", "DestinationOffering"),
    refused("offering private", "DestinationOffering"),
    refused("plan unknown", "DestinationPlan"),
    refused("plan of another offering", "DestinationPlan"),
    refused("source type not of the tenant", "VolumeTypes"),
    refused("destination type of the source's service", "VolumeTypes"),
    refused("network unknown", "Networks"),
    refused("source a server", "SourceResource", 500),
    refused("offering of servers", "DestinationOffering", 500),
    refused("destination type unknown", "VolumeTypes", 500),
    # Limits fails, as the other limits keep names that the destination lacks; VolumeTypes does not know the type.
    refused("source type unknown", "Limits", 500),
    spoilt("network of another tenant", "Networks", label="network of another tenant"),
    spoilt("network of another customer", "Networks", **mapped(networks=[known.NET_OTHER_CUSTOMER])),
    spoilt("one of two networks of another tenant", "Networks", **mapped(networks=[known.NET_A, known.NET_FOREIGN])),
    spoilt("CIDR without a match", "Subnets", **mapped(("192.168.7.0/24", NEW_A))),
    spoilt("CIDR in a network that is left out", "Subnets", **mapped((IN_B, NEW_A), networks=[known.NET_A])),
    spoilt("destination CIDR that another subnet keeps", "Subnets", **mapped((IN_A, IN_B))),
    spoilt("destination type disabled", "VolumeTypes", label="destination type disabled"),
    spoilt("source type disabled, others left", "Limits", label="source type disabled"),
    spoilt("one of two types mapped", "Limits", label="limits of two types, one mapped"),
    doubtful(
        "source type disabled, no limits by type",
        "VolumeTypes",
        **small(known.SRC_STORAGE, volumeTypes=map_type(known.VT_SRC_DISABLED, known.VT_DST)),
    ),
    Case(
        name="source type unknown, no limits by type",
        verdict="Warn",
        check="VolumeTypes",
        status=500,
        fields=small(known.SRC_STORAGE, volumeTypes=map_type(UNKNOWN, known.VT_DST)),
    ),
    doubtful("source erred", "SourceResource", label="source erred"),
    doubtful("offering paused", "DestinationOffering", label="offering paused"),
    doubtful(
        "destination CIDR within a /23 that stays",
        "Subnets",
        **small(
            known.SRC_ODD,
            subnets=map_subnets(("192.168.8.0/24", "192.168.21.0/24")),
            networks=[known.NET_DUP1, WIDE],
        ),
    ),
    doubtful("no type mapped", "Limits", label="limits of two types, no mapping", as_asked=False),
    doubtful(
        "both kinds of limits, no type mapped",
        "Limits",
        label="storage and gigabytes limits, no mapping",
        as_asked=False,
    ),
    refused("plan full", "DestinationPlan"),
    refused("storage and gigabytes limits, mapped", "Limits"),
    doubtful("plan archived", "DestinationPlan", label="plan archived"),
    doubtful("one source CIDR in two networks", "Subnets", label="one CIDR in two networks"),
    refused("source without a tenant", "SourceResource", 500),
    refused("source terminated", "SourceResource", 500),
    good("no mappings", label="as owner"),
    good("storage limit alone, a type mapped", label="storage limit only, a type mapped"),
    good("two types to two", label="limits of two types, both mapped"),
    good("two types to one", label="limits of two types, mapped to one"),
    good("everything mapped", label="all mappings"),
    good("both CIDRs", **mapped((IN_A, NEW_A), (IN_B, NEW_B))),
    good("two CIDRs swapped", **mapped((IN_A, IN_B), (IN_B, IN_A))),
    good("the source's own offering", source=known.SRC_RUNS0, offering=known.SRC_OFFERING, plan=known.SRC_PLAN),
    good(
        "the last of 130 networks, mapped",
        **small(
            known.SRC_BIG,
            networks=[known.BIG_NETS[99]],
            subnets=map_subnets(("10.50.99.0/24", NEW_A)),
        ),
    ),
    good("ports", **mapped(syncInstancePorts=True)),
    good(
        "ports of one network, without the external one",
        **mapped(syncInstancePorts=True, skipConnectionExtnet=True, networks=[known.NET_A]),
    ),
    good("without the external network", **mapped(skipConnectionExtnet=True)),
    good("a network by its id without dashes", **mapped(networks=[known.NET_B])),
)
