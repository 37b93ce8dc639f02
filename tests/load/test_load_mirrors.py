"""What mirrors cost the cloud, counted on a clock of the test's own: a history, and a flood of moves by others."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from datetime import timedelta
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING

from load.held import CONTACT_S, Held, hold
from load.journal import JournalReader
from load.scale import PACE
from load.scripted_cloud import HOSTS, Movement
from load.stage import name_server
from osmig.api.names import Kind
from osmig.api.provider import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from load.journal import Entry

MIRROR = {"discovery": {"mode": "Mirror"}}
LONG_S = 2_000.0
MEMORY_MIB = 20
"""Half of what docs/benchmarks.md lets a thousand moves under way have."""


def moved_by_others(held: Held, count: int, *, ended: int = 0) -> None:
    """Let others move servers from now on, of which the first ``ended`` have come to their end."""
    now = held.clock.now()
    for index in range(count):
        is_over = index < ended
        began = now - timedelta(hours=1) if is_over else now
        lasts_s = 60.0 if is_over else LONG_S
        source, target = f"cmp{index % HOSTS}", f"cmp{(index + 1) % HOSTS}"
        held.cloud.moves[name_server(index)] = Movement(index + 1, name_server(index), source, target, began, lasts_s)


def read(held: Held, since_s: float = 0.0) -> list[Entry]:
    """Return the requests from a moment of the clock on."""
    return [entry for entry in JournalReader(held.journal).read().entries if entry.at >= 1000.0 + since_s]


def count_mirrors(held: Held) -> int:
    """Count the Migrations, of which nobody declared any."""
    return sum(key.kind is Kind.MIGRATION for key in held.api.objects)


async def test_of_2500_records_with_40_running_each_period_takes_one_list(tmp_path: Path) -> None:
    held = hold(LONG_S, tmp_path)
    moved_by_others(held, 2500, ended=2460)
    periods = 10
    async with held.run(MIRROR):
        await held.clock.pass_by(periods * PACE.sweep_s)
    sweeps = [entry.requests for entry in read(held) if entry.method == "sweep"]
    # all pages once, then what has changed
    assert sweeps == [3, *[1] * periods]
    assert count_mirrors(held) == 40


def measure_bytes(held: Held) -> int:
    """Measure what the engine keeps, without what stands for API server and cloud."""
    seen = {id(other) for other in (held, held.api, held.cloud, held.clock)}
    waiting: list[object] = [held.controllers]
    size = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (type, ModuleType, FunctionType, CodeType, FrameType)):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        waiting.extend(gc.get_referents(one))
    return size


async def test_a_flood_of_500_moves_is_mirrored_within_requests_and_memory(tmp_path: Path) -> None:
    held = hold(LONG_S, tmp_path)
    window_s, rate = PACE.sweep_s, Limits().requests_per_second
    async with held.run(MIRROR):
        before = measure_bytes(held)
        moved_by_others(held, 500)
        await held.clock.pass_by(1_050.0)
        assert count_mirrors(held) == 500
        assert 0 < measure_bytes(held) - before < MEMORY_MIB * 2**20
    windows: Counter[int] = Counter()
    for entry in read(held, since_s=CONTACT_S):
        windows[int(entry.at // window_s)] += entry.requests
    assert max(windows.values()) <= rate * window_s
