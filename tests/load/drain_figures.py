"""What a drain of the real Nova has cost, out of the log of Nova's requests and the API server's audit log."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from e2e_operator import OPERATOR
from load.figures import Figure, Table
from load.measuring import list_written_statuses
from load.nova import classify
from load.plans import COUNTING_S, MAX_REQUESTS, PLAN
from load.stage import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.nova import NovaLab
    from load.stage import Stage

MAX_WALL_RATIO = 1.1
"""Of the time from the first start to the last end, to servers, each as long as the median move, by moves at once."""
PERIODIC: Final = frozenset({"sweep", "look"})
"""Reads that are made every so many seconds, however many servers there are: samples apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What was drained, and how it came out.

    Attributes:
        servers: ids of all that were to move.
        hosts: those that were to be emptied.
        slots: how many moves the limits let run at once.
        mark: number of Nova's last request before the plan.
        status: the plan's last one.
        lasted_s: from the plan's apply until it was over.
    """

    servers: Sequence[str]
    hosts: Sequence[str]
    slots: int
    mark: int
    status: Mapping[str, Any]
    lasted_s: float


class Life(NamedTuple):
    """One Migration of the plan, all in seconds of the wall clock.

    Attributes:
        made, sent, over: when it was created, when Nova got its start, when its outcome was written.
        begin, end: the whole seconds of its status.
        moved: when Nova's record said ``completed``.
    """

    made: float
    sent: float
    over: float
    begin: float
    end: float
    moved: float


def judge_drain(drained: Drained, nova: NovaLab, stage: Stage, conditions: tuple[str, ...]) -> Table:
    """Judge a drain that is over."""
    asked = [
        request
        for request in nova.control.requests(since=drained.mark)
        if (request["user_agent"] or "").startswith("osmig/")
    ]
    starts = Counter[str]()
    sent = Counter(classify(request) for request in asked)
    sent_at = {}
    for request in asked:
        if classify(request) == "start":
            server = request["path"].split("/servers/")[1].split("/")[0]
            starts[server] += 1
            sent_at[server] = request["t"]
    lives = _read_lives(nova, stage, sent_at)
    written = list_written_statuses(stage.cluster.audit(), OPERATOR, "migrationplans")
    count = len(drained.servers)
    records = [row for row in nova.nova.get("/os-migrations")["migrations"] if row["instance_uuid"] in sent_at]
    moved = Counter(row["instance_uuid"] for row in records if row["status"] == "completed")
    own = sent.total() - sent["progress"]
    return Table(
        f"drain of {count} on the real Nova",
        conditions,
        (
            Figure("servers that did not succeed", count - drained.status["counts"]["succeeded"], budget=0),
            Figure("servers not started exactly once", sum(starts[one] != 1 for one in drained.servers), budget=0),
            Figure("servers not moved exactly once", sum(moved[one] != 1 for one in drained.servers), budget=0),
            Figure("hosts not proven empty", len(drained.hosts) - _count_proven(drained), budget=0),
            Figure("servers that Nova has on these hosts", _count_left(drained, nova), budget=0),
            *_judge_pace(drained, lives, records),
            Figure("requests per server", (own - sum(sent[one] for one in PERIODIC)) / count, budget=MAX_REQUESTS),
            Figure("requests per server, with sweeps and looks at hosts", own / count),
            *(Figure(f"requests: {kind}", number) for kind, number in sorted(sent.items())),
            Figure(
                "status writes of the plan in 10 s: mean", len(written) / (drained.lasted_s / COUNTING_S), budget=1.0
            ),
        ),
    )


def _judge_pace(drained: Drained, lives: Sequence[Life], records: Iterable[Mapping[str, Any]]) -> Iterable[Figure]:
    """Compare how long it took with what the limits allow, and say where the time goes between two moves."""
    count, slots = len(drained.servers), drained.slots
    move_s = median(life.end - life.begin for life in lives)
    wall_s = max(life.end for life in lives) - min(life.begin for life in lives)
    at_nova = [(_read_time(row["created_at"]), _read_time(row["updated_at"])) for row in records]
    nova_s = median(end - begin for begin, end in at_nova)
    nova_wall_s = max(end for _, end in at_nova) - min(begin for begin, _ in at_nova)
    ends, made = sorted(life.over for life in lives), sorted(life.made for life in lives)
    gaps = [after - before for before, after in zip(ends, made[slots:], strict=False)]
    yield Figure("seconds from the first start to the last end", wall_s, "s")
    yield Figure("seconds of a move, startTime to completionTime, p50", move_s, "s")
    yield Figure(
        "first start to last end ÷ what the limits allow", wall_s * slots / (count * move_s), "", MAX_WALL_RATIO
    )
    yield Figure("seconds of a move, created_at to updated_at at Nova, p50", nova_s, "s")
    yield Figure("the same ratio by Nova's own times", nova_wall_s * slots / (count * nova_s))
    yield Figure(
        "seconds from Nova's end of a move to its outcome, p50", median(one.over - one.moved for one in lives), "s"
    )
    if gaps:
        yield Figure("seconds from an outcome to the next Migration, p50", median(gaps), "s")
    yield Figure(
        "seconds from a Migration to its start at Nova, p50", median(one.sent - one.made for one in lives), "s"
    )


def _read_lives(nova: NovaLab, stage: Stage, sent_at: Mapping[str, float]) -> list[Life]:
    """Put together what API server and Nova tell of each Migration that has succeeded."""
    made, over = dict[str, float](), dict[str, float]()
    for event in stage.cluster.audit():
        if event["objectRef"].get("resource") != "migrations" or event["responseStatus"]["code"] >= 300:
            continue
        body = event.get("requestObject") or {}
        if event["verb"] == "create":
            made[body["metadata"]["name"]] = _read_time(event["requestReceivedTimestamp"])
        elif event["verb"] == "update" and "completionTime" in body.get("status", {}):
            over.setdefault(event["objectRef"]["name"], _read_time(event["stageTimestamp"]))
    moved = {
        turn["server"]: turn["t"]
        for turn in nova.control.transitions()
        if turn["kind"] == "migration" and turn.get("status") == "completed"
    }
    children = stage.cluster.get("migrations", "-n", NAMESPACE, "-l", f"osmig.dev/plan={PLAN}")["items"]
    return [
        Life(
            made=made[child["metadata"]["name"]],
            sent=sent_at[server],
            over=over[child["metadata"]["name"]],
            begin=_read_time(child["status"]["startTime"]),
            end=_read_time(child["status"]["completionTime"]),
            moved=moved[server],
        )
        for child in children
        if (server := child["spec"]["server"]["id"]) in moved
    ]


def _count_proven(drained: Drained) -> int:
    return sum(host["name"] in drained.hosts and "drainedTime" in host for host in drained.status["hosts"])


def _count_left(drained: Drained, nova: NovaLab) -> int:
    lists = (f"/servers/detail?all_tenants=1&soft_deleted=1&host={host}" for host in drained.hosts)
    return sum(len(nova.nova.get(path)["servers"]) for path in lists)


def _read_time(text: str) -> float:
    """Read a time of Kubernetes or of Nova, which writes none of the zone that it means: UTC."""
    moment = dt.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
