"""From settings to what the parts are given: one maker per type of Provider, and nothing loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from osmig.api.provider import ProviderSpec, ProviderType
from osmig.clock import SystemClock
from osmig.command_line import load_settings
from osmig.domain.errors import Refused
from osmig.settings import Settings
from osmig.telemetry.metrics import Metrics
from osmig.wiring import make_factories, tune
from tenant_fakes import waldur_body

LOADED = """
import json, sys
from osmig import app
from osmig.clock import SystemClock
from osmig.settings import Settings
from osmig.telemetry.metrics import Metrics
from osmig.wiring import make_factories
make_factories(Settings(), Metrics(SystemClock()))
print(json.dumps([name for name in sys.modules if "waldur" in name]))
"""


def test_every_type_of_provider_has_its_maker() -> None:
    assert set(make_factories(Settings(), Metrics(SystemClock()))) == set(ProviderType)


def test_without_a_provider_of_waldur_nothing_of_it_is_loaded() -> None:
    path = json.dumps(sys.path)
    code = f"import sys, json; sys.path[:] = json.loads({path!r})\n{LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert json.loads(done.stdout) == []


def test_the_maker_of_waldur_reads_its_token_from_the_secret() -> None:
    make = make_factories(Settings(), Metrics(SystemClock()))[ProviderType.WALDUR]
    spec = ProviderSpec.model_validate(waldur_body()["spec"])
    with pytest.raises(Refused) as refused:
        make(("team-a", "waldur"), spec, {})
    assert refused.value.reason == "InvalidConfiguration"


async def test_the_maker_of_waldur_makes_a_backend_that_has_sent_nothing() -> None:
    make = make_factories(Settings(), Metrics(SystemClock()))[ProviderType.WALDUR]
    backend = make(("team-a", "waldur"), ProviderSpec.model_validate(waldur_body()["spec"]), {"token": b"abc"})
    await backend.close()


def test_how_often_a_replication_is_read_can_be_set() -> None:
    given: dict[str, object] = {
        "polling__run_poll_s": "1",
        "polling__run_poll_max_s": "2",
        "timeouts__not_started_s": "3",
    }
    timings = tune(load_settings(given, surroundings={})).timings
    assert (timings.run_poll_s, timings.run_poll_max_s, timings.not_started_s) == (1, 2, 3)
