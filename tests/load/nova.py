"""A burst on the real Nova: every request is a real one, so its own log is what is counted."""

from __future__ import annotations

import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from lab.nova import NovaLab
from lab.waiting import eventually
from load import figures
from load.figures import Figure, Table
from load.floor import count_floor
from load.measuring import percentile
from load.scale import PACE
from load.stage import LIMITS, name_migration, open_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from lab.nova_client import Request
    from load.measuring import AuditTail
    from load.stage import Stage

    Report = Callable[[str], None]

COMPUTES: Final = ("cmp1", "cmp2", "cmp3", "cmp4")
OPTIONS: Final = ("--max-concurrent", "16", "--service-down-time", "60", "--threads", "32")
MOVE_S = 30
BOOTS_AT_ONCE = 4
TIMEOUT_S = 600.0

_KINDS: Final = (
    ("start", "POST", r"/action$"),
    ("change_service", "PUT", r"/os-services/"),
    ("look", "GET", r"/(os-services|servers/detail|os-migrations)\?.*\bhost="),
    ("look", "GET", r"/os-server-groups"),
    ("progress", "GET", r"/servers/[^/?]+/migrations$"),
    ("actions", "GET", r"/servers/[^/?]+/os-instance-actions"),
    ("records", "GET", r"/os-migrations\?.*instance_uuid="),
    ("sweep", "GET", r"/os-migrations"),
    ("server", "GET", r"/servers/[^/?]+$"),
)
"""The first that fits; everything else is counted as ``other``."""


def run_nova(count: int, folder: Path, report: Report) -> Table:
    """Boot ``count`` servers and move them all at once.

    Raises:
        NotInTimeError: something did not end; the logs are in ``folder``.
    """
    report(f"Nova: booting {count} servers")
    with NovaLab(*OPTIONS, computes=COMPUTES) as nova, open_stage(folder, nova.clouds.read_text()) as stage:
        return _move(boot_servers(nova, COMPUTES, (f"finish,duration={MOVE_S}",), count), nova, stage, report)


def boot_servers(nova: NovaLab, hosts: Sequence[str], plans: Sequence[str], count: int) -> list[str]:
    """Boot servers, a few at once, dealt out to hosts and to ways that their moves go; return their ids."""

    def boot(number: int) -> str:
        return nova.boot(f"vm-{number}", plan=plans[number % len(plans)], host=hosts[number % len(hosts)])

    with ThreadPoolExecutor(BOOTS_AT_ONCE) as pool:
        return list(pool.map(boot, range(count)))


def _move(servers: list[str], nova: NovaLab, stage: Stage, report: Report) -> Table:
    names = [name_migration(index) for index in range(len(servers))]
    with stage.operator(name="nova") as osmig:
        osmig.wait_ready()
        tail, mark = stage.follow_writes(), nova.control.request_mark()
        burst = stage.burst(servers)
        report(f"Nova: {len(servers)} Migrations created within {burst.lasted_s:.1f} s")

        def is_over() -> bool:
            tail.read()
            return tail.count_over(names) == len(names)

        eventually(is_over, what=f"the end of {len(servers)} moves", timeout_s=TIMEOUT_S, every_s=1.0)
        assert not osmig.logs("step.crashed"), osmig.logs("step.crashed")[0]
    asked = [
        request for request in nova.control.requests(since=mark) if (request["user_agent"] or "").startswith("osmig/")
    ]
    return _judge(asked, _find_spans(nova, servers), tail, names)


def _find_spans(nova: NovaLab, servers: list[str]) -> list[tuple[float, float]]:
    """Return when each move ran: from ``running`` to ``completed``, as it reached Nova's database."""
    turns: dict[str, dict[str, float]] = {server: {} for server in servers}
    for turn in nova.control.transitions():
        if turn["kind"] == "migration" and turn["server"] in turns:
            turns[turn["server"]].setdefault(turn.get("status", ""), turn["t"])
    return [(turn["running"], turn["completed"]) for turn in turns.values()]


def _judge(asked: Iterable[Request], spans: list[tuple[float, float]], tail: AuditTail, names: list[str]) -> Table:
    lives = [tail.lives[name] for name in names]
    count, steps = len(names), [life.steps for life in lives]
    sent = Counter(classify(request) for request in asked)
    floor = count_floor(spans, PACE, sampled=sent["progress"], pages=1.0)
    conditions = (
        f"{count} Migrations over {len(COMPUTES)} hosts of the lab's Nova ({' '.join(OPTIONS)})",
        f"each moves for {MOVE_S} s",
        f"Provider limits: {', '.join(f'{name} {value}' for name, value in LIMITS.items())}; default settings",
        f"{os.cpu_count()} processors for everything, load average {os.getloadavg()[0]:.1f} at the end",
    )
    wrong = sum(life.phase != "Succeeded" or life.attempt != 1 for life in lives)
    return Table(
        f"{count} on the real Nova",
        conditions,
        (
            Figure("Migrations that did not succeed in one attempt", wrong, budget=0),
            Figure("starts beyond one for each", sent["start"] - count, budget=0),
            Figure("status writes per attempt, without progress: most", max(steps), budget=figures.MAX_WRITES),
            Figure("status writes per attempt, without progress: mean", sum(steps) / count),
            Figure("progress writes per Migration: mean", sum(life.progress for life in lives) / count),
            Figure("requests to Nova ÷ floor", sent.total() / floor, budget=figures.MAX_REQUESTS_RATIO),
            Figure("seconds that a move ran, p50", percentile([end - begin for begin, end in spans], 0.5), "s"),
            *(Figure(f"requests: {kind}", number) for kind, number in sorted(sent.items())),
        ),
    )


def classify(request: Request) -> str:
    """Say what a request of ours was for."""
    return next(
        (kind for kind, method, path in _KINDS if request["method"] == method and re.search(path, request["path"])),
        "other",
    )
