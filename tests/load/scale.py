"""One size: a burst of that many Migrations on a real API server, with a scripted cloud behind the port."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lab.waiting import eventually
from load import figures
from load.figures import Figure, Table
from load.floor import Pace, count_floor
from load.measuring import AuditTail, Life, percentile, read_cpu_s, read_memory_mib
from load.scripted_backend import PAGE_ROWS
from load.scripted_cloud import RUN_S
from load.stage import LIMITS, NAMESPACE, Bare, name_migration, name_server, open_stage, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.osmig_run import OsmigRun
    from load.journal import JournalReader
    from load.stage import Burst, Stage

    Report = Callable[[str], None]

MAX_BARE = 1000
"""The budget for starts is about a burst of so many."""
FEW = 500
"""With fewer, what is measured of time and memory is mostly the process itself: shown, and held to no budget."""
PACE = Pace(progress_s=5.0, sweep_s=10.0, requests_per_second=LIMITS["requestsPerSecond"])
"""Of the default settings."""
MANY = 5000
"""With fewer that are finished, the memory of a fresh process is mostly that of its first lists."""
LOOK_EVERY_S = 1.0
REPORT_EVERY_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large, and how long its moves take.

    Moves of a larger fleet take longer, so that all of it is active at once and every move is sampled as often: the
    samples of all together are bounded by the Provider's limit.

    Attributes:
        requests_per_second: the Provider's limit; a start takes four of them.
        is_smoke: leave out what a small size tells nothing about.
    """

    count: int
    move_s: float
    requests_per_second: int = LIMITS["requestsPerSecond"]
    idle_s: float = 10.0
    timeout_s: float = 3000.0
    is_smoke: bool = False

    @property
    def limits(self) -> Mapping[str, int]:
        """The Provider's limits."""
        return {**LIMITS, "requestsPerSecond": self.requests_per_second}

    @property
    def pace(self) -> Pace:
        """How often the operator may look."""
        return replace(PACE, requests_per_second=self.requests_per_second)

    @property
    def servers(self) -> list[str]:
        """The servers to move."""
        return [name_server(index) for index in range(self.count)]

    @property
    def names(self) -> list[str]:
        """The Migrations."""
        return [name_migration(index) for index in range(self.count)]


@dataclass(slots=True)
class Watch:
    """What was seen while the operator worked."""

    idle_mib: float = 0.0
    idle_cpu_share: float = 0.0
    most_mib: float = 0.0
    finished_mib: float = 0.0
    most_active: int = 0
    cpu_s: float = 0.0
    lasted_s: float = 0.0
    loads: list[float] = field(default_factory=list)


def run_size(size: Size, folder: Path, report: Report, *, profile: Path | None = None) -> Table:
    """Run everything for one size.

    Raises:
        NotInTimeError: something did not end; the logs are in ``folder``.
    """
    with open_stage(folder, limits=size.limits) as stage:
        bares = _measure_bares(size, stage, report)
        watch, tail = Watch(), stage.follow_writes()
        with stage.operator(name="operator", move_s=size.move_s, profile=profile) as osmig:
            burst = _work(size, stage, osmig, watch, tail, report)
        if not size.is_smoke:
            report(f"{size.count}: all over; the operator is started again on {size.count} that are finished")
            _measure_finished(size, stage, watch)
        journal = stage.journal("operator").read()
        object_bytes = len(stage.cluster.kubectl("get", "--raw", _path_of(size.count - 1)).stdout)
    return _judge(size, Seen(watch, tail, journal, burst, bares, object_bytes))


def _measure_bares(size: Size, stage: Stage, report: Report) -> Mapping[str, Bare]:
    """Let bare clients do the same, one after the other."""
    bares, count = {}, min(size.count, MAX_BARE)
    for name, writes_intent in () if size.is_smoke else (("bare client", False), ("bare client with one write", True)):
        report(f"{size.count}: a {name}, {count} Migrations")
        bares[name] = stage.measure_bare(count, writes_intent=writes_intent)
    return bares


def _work(size: Size, stage: Stage, osmig: OsmigRun, watch: Watch, tail: AuditTail, report: Report) -> Burst:
    """Let the operator move everything."""
    osmig.wait_ready()
    pause(2)
    before_s, begin = read_cpu_s(osmig.pid), stage.clock.boottime()
    pause(size.idle_s)
    watch.idle_cpu_share = (read_cpu_s(osmig.pid) - before_s) / (stage.clock.boottime() - begin)
    watch.idle_mib = read_memory_mib(osmig.pid)
    tail.skip()
    before_s, begin = read_cpu_s(osmig.pid), stage.clock.boottime()
    report(f"{size.count}: the operator; it idles with {watch.idle_mib:.0f} MiB")
    burst = stage.burst(size.servers)
    report(f"{size.count}: created within {burst.lasted_s:.0f} s")
    look = _Look(size, stage, osmig, watch, tail, report)
    eventually(look.is_over, what=f"the end of {size.count}", timeout_s=size.timeout_s, every_s=LOOK_EVERY_S)
    watch.cpu_s, watch.lasted_s = read_cpu_s(osmig.pid) - before_s, stage.clock.boottime() - begin
    if crashed := osmig.logs("step.crashed"):
        raise RuntimeError(f"{len(crashed)} steps crashed, the first: {crashed[0]}")
    return burst


class _Look:
    """Looks now and then how far it is."""

    def __init__(
        self, size: Size, stage: Stage, osmig: OsmigRun, watch: Watch, tail: AuditTail, report: Report
    ) -> None:
        self._size, self._osmig, self._watch, self._tail = size, osmig, watch, tail
        self._journal = stage.journal("operator")
        self._clock, self._report = stage.clock, report
        self._reported = stage.clock.boottime()
        self._names = size.names

    def is_over(self) -> bool:
        """Take samples; say whether everything has ended.

        Raises:
            RuntimeError: the operator has.
        """
        if self._osmig.returncode is not None:
            raise RuntimeError(f"the operator ended with {self._osmig.returncode}:\n{self._osmig.output()[-3000:]}")
        self._tail.read()
        starts, over = len(self._journal.read().starts()), self._tail.count_over(self._names)
        self._watch.most_mib = max(self._watch.most_mib, read_memory_mib(self._osmig.pid))
        self._watch.most_active = max(self._watch.most_active, starts - over)
        self._watch.loads.append(os.getloadavg()[0])
        if self._clock.boottime() - self._reported >= REPORT_EVERY_S:
            self._reported = self._clock.boottime()
            self._report(f"{self._size.count}: {starts} started, {over} over")
        return over == self._size.count


def _measure_finished(size: Size, stage: Stage, watch: Watch) -> None:
    """Start a fresh process on what is finished: its memory is that of the objects, not what the burst left behind."""
    with stage.operator(name="finished", move_s=size.move_s) as osmig:
        osmig.wait_ready(timeout_s=120)
        pause(max(5.0, size.count / 250))
        watch.finished_mib = read_memory_mib(osmig.pid)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that the figures are made of."""

    watch: Watch
    tail: AuditTail
    journal: JournalReader
    burst: Burst
    bares: Mapping[str, Bare]
    object_bytes: int


def _judge(size: Size, seen: Seen) -> Table:
    watch, lives = seen.watch, [seen.tail.lives[name] for name in size.names]
    loads = watch.loads or [0.0]
    conditions = (
        f"{size.count} Migrations, each moves for {size.move_s:g} s; at most {watch.most_active} were active at once",
        f"Provider limits: {', '.join(f'{name} {value}' for name, value in size.limits.items())}; default settings",
        f"created within {seen.burst.lasted_s:.1f} s, all over after {watch.lasted_s:.0f} s",
        f"a finished object has {seen.object_bytes / 1024:.1f} KiB",
        f"{os.cpu_count()} processors for everything, load average {min(loads):.1f} to {max(loads):.1f}",
    )
    wrong = sum(life.phase != "Succeeded" or life.attempt != 1 for life in lives)
    starts = seen.journal.starts()
    twice = sum(len(starts[server]) != 1 for server in size.servers)
    found = (
        Figure("Migrations that did not succeed in one attempt", wrong, budget=0),
        Figure("servers not started exactly once", twice, budget=0),
        *_judge_writes(seen, lives, size),
        *_judge_requests(seen, size),
        *_judge_starts(seen, size),
        *_judge_costs(seen, size),
    )
    return Table(str(size.count), conditions, found)


def _judge_writes(seen: Seen, lives: list[Life], size: Size) -> tuple[Figure, ...]:
    steps = [life.steps for life in lives]
    every_s = size.move_s * size.count / max(1, sum(life.progress for life in lives))
    return (
        Figure("status writes per attempt, without progress: most", max(steps), budget=figures.MAX_WRITES),
        Figure("status writes per attempt, without progress: mean", sum(steps) / len(steps)),
        Figure("progress writes per Migration: mean", sum(life.progress for life in lives) / len(lives)),
        Figure("seconds between two progress writes of a move", every_s, "s"),
        Figure("status writes refused as stale", seen.tail.refused[409]),
        Figure("Provider status writes", seen.tail.provider_writes),
    )


def _judge_requests(seen: Seen, size: Size) -> tuple[Figure, ...]:
    starts = seen.journal.starts()
    spans = [(starts[server][0] + RUN_S, starts[server][0] + RUN_S + size.move_s) for server in size.servers]
    sent: dict[str, int] = {}
    for entry in seen.journal.entries:
        if entry.method != "probe":
            sent[entry.method] = sent.get(entry.method, 0) + entry.requests
    floor = count_floor(
        spans, size.pace, sampled=sent.get("progress", 0), pages=max(1.0, seen.watch.most_active / PAGE_ROWS)
    )
    others = sum(sent.values()) - sent.get("progress", 0) - sent.get("sweep", 0)
    return (
        Figure("requests to the cloud ÷ floor", sum(sent.values()) / floor, budget=figures.MAX_REQUESTS_RATIO),
        Figure("requests per Migration without samples and sweeps (floor 5)", others / size.count),
        Figure("samples per Migration", sent.get("progress", 0) / size.count),
        *(Figure(f"requests: {method}", count) for method, count in sorted(sent.items())),
    )


def _judge_starts(seen: Seen, size: Size) -> tuple[Figure, ...]:
    """Compare with each bare client, from the first apply of the burst on and from each one's own."""
    starts, burst = seen.journal.starts(), seen.burst
    ours = Bare(
        since_begin=[starts[server][0] - burst.began for server in size.servers],
        since_own=[starts[server][0] - burst.sent[server] for server in size.servers],
    )
    found = [*_describe_starts("", ours)]
    for name, bare in seen.bares.items():
        found += _describe_starts(f", {name}", bare)
        if size.count > MAX_BARE:
            continue
        for share in (0.5, 0.99):
            is_held = share > 0.5 and size.count >= FEW and name == "bare client"
            ratio = percentile(ours.since_begin, share) / percentile(bare.since_begin, share)
            what = f"first apply → start p{share * 100:g} ÷ {name}"
            found.append(Figure(what, ratio, budget=figures.MAX_START_RATIO if is_held else None))
    return tuple(found)


def _describe_starts(whose: str, seen: Bare) -> tuple[Figure, ...]:
    return tuple(
        Figure(f"{since} apply → start p{share * 100:g}{whose}", percentile(values, share), "s")
        for since, values in (("first", seen.since_begin), ("own", seen.since_own))
        for share in (0.5, 0.99)
    )


def _judge_costs(seen: Seen, size: Size) -> tuple[Figure, ...]:
    watch, is_held = seen.watch, size.count >= FEW
    writes = sum(life.steps + life.progress for life in seen.tail.lives.values())
    cpu_s = watch.cpu_s - watch.idle_cpu_share * watch.lasted_s
    per_write_ms = cpu_s / writes * 1000
    active_mib = (watch.most_mib - watch.idle_mib) / size.count * 1000
    finished_mib = (watch.finished_mib - watch.idle_mib) / size.count * 10_000
    cpu, active = (figures.MAX_CPU_MS, figures.MAX_ACTIVE_MIB) if is_held else (None, None)
    finished = figures.MAX_FINISHED_MIB if size.count >= MANY else None
    return (
        Figure("CPU per watch event + own status write", per_write_ms, "ms", cpu),
        Figure("CPU per Migration", cpu_s / size.count * 1000, "ms"),
        Figure("CPU while idle, of one core", watch.idle_cpu_share * 100, "%"),
        Figure("CPU while it worked, of one core", watch.cpu_s / watch.lasted_s * 100, "%"),
        Figure("memory of the idle process", watch.idle_mib, "MiB"),
        Figure("memory over idle per 1,000 active", active_mib, "MiB", active),
        *(
            (Figure("memory over idle per 10,000 finished", finished_mib, "MiB", finished),)
            if watch.finished_mib
            else ()
        ),
    )


def _path_of(index: int) -> str:
    return f"/apis/osmig.dev/v1alpha1/namespaces/{NAMESPACE}/migrations/{name_migration(index)}"
