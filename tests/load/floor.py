"""The least requests that a set of moves can be followed with, by the rules of docs/architecture.md."""

from __future__ import annotations

from dataclasses import dataclass

PER_MIGRATION = 5
"""Server, actions and records before the start; the start; the server after the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the operator may look.

    Attributes:
        progress_s: shortest pause between two samples of one move.
        sweep_s: pause between two lists of a Provider's moves.
        requests_per_second: the Provider's limit; half of it is for samples.
    """

    progress_s: float
    sweep_s: float
    requests_per_second: float


def count_samples(spans: list[tuple[float, float]], pace: Pace) -> float:
    """Count the samples that the pace allows for moves that run over ``spans`` (begin, end), in seconds.

    With n running, each is sampled every max(progress_s, n ÷ half the limit) seconds, so all together are sampled
    min(n ÷ progress_s, half the limit) times a second.
    """
    turns = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    samples, running, before = 0.0, 0, 0.0
    for at, change in turns:
        samples += (at - before) * min(running / pace.progress_s, pace.requests_per_second / 2)
        running, before = running + change, at
    return samples


def count_floor(spans: list[tuple[float, float]], pace: Pace, *, sampled: int, pages: float) -> float:
    """Count the floor of a whole run.

    Args:
        spans: when each move ran.
        pace: how often the operator may look.
        sampled: samples really taken: where it were fewer than allowed, the floor is lower too.
        pages: requests of one sweep.
    """
    lasted_s = max(end for _, end in spans) - min(begin for begin, _ in spans)
    sweeps = (1 + lasted_s / pace.sweep_s) * pages
    return PER_MIGRATION * len(spans) + sweeps + min(sampled, count_samples(spans, pace))
