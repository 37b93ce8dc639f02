"""A scripted server, a clock, metrics and loggers of one's own for all tests that ask for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from fake_clock import FakeClock
from http_upstream import Upstream, serving
from osmig.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server on loopback that answers 200 until told otherwise."""
    made = Upstream()
    with serving(made):
        yield made


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when told."""
    return FakeClock()


@pytest.fixture
def metrics(clock: FakeClock) -> Metrics:
    """Metrics by that clock, of which nothing was counted yet."""
    return Metrics(clock)


def all_loggers() -> list[logging.Logger]:
    return [logging.getLogger(name) for name in logging.root.manager.loggerDict]


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Logging is the process's: give back what pytest and other tests rely on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = {logger.name: (logger.level, logger.disabled) for logger in all_loggers()}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger in all_loggers():
        level, logger.disabled = before.get(logger.name, (logging.NOTSET, False))
        logger.setLevel(level)
