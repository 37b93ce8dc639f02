"""From settings to what the parts are given: one maker per type of Provider, and nothing loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import provider_body
from hosting_support import hosting_body
from osmig.api.provider import ProviderSpec, ProviderType
from osmig.clock import SystemClock
from osmig.command_line import load_settings
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers import DRIVERS
from osmig.settings import EndpointSettings, Settings
from osmig.telemetry.metrics import Metrics
from osmig.wiring import make_net, read_periods, warn_of_open_endpoints
from tenant_fakes import waldur_body

if TYPE_CHECKING:
    from collections.abc import Mapping

UNUSED = """
import asyncio, json, sys, threading

class Watch:
    threads = {}

    def find_spec(self, name, path=None, target=None):
        self.threads.setdefault(name, threading.current_thread() is threading.main_thread())

sys.meta_path.insert(0, Watch())
from osmig import app
from osmig.api.provider import ProviderSpec
from osmig.clock import SystemClock
from osmig.settings import Settings
from osmig.telemetry.metrics import Metrics
from osmig.drivers import DRIVERS
from osmig.wiring import make_net

def list_loaded():
    ours = ("osmig.drivers.servers", "osmig.drivers.tenants.waldur", "osmig.drivers.mailboxes", "osmig.kube.kubeconfig")
    heavy = (*ours, "openstack", "keystoneauth1", "dogpile", "kubernetes", "requests", "urllib3", "httpx")
    return sorted({part for name in sys.modules for part in heavy if f"{name}.".startswith(f"{part}.")})

factories = DRIVERS.factories(make_net(Settings(), Metrics(SystemClock())))
before = list_loaded()
kind, spec, secret = json.loads(sys.argv[1])
secret = {key: value.encode() for key, value in secret.items()}
from osmig.kube.kubeconfig import Kubeconfig  # was hidden from kopf, and is there for us
asyncio.run(factories[kind](("team-a", "one"), ProviderSpec.model_validate(spec), secret))
named = [f"osmig.drivers.{part}" for part in ("servers.nova.factory", "tenants.waldur.factory", "mailboxes.policy")]
named += ["openstack.connection"]
print(json.dumps([before, list_loaded(), {name: Watch.threads[name] for name in named if name in Watch.threads}]))
"""
CLOUDS = """
clouds:
  region-one:
    auth: {auth_url: "https://keystone.example.org", username: me, password: secret, user_domain_name: Default}
"""


def test_every_type_of_provider_has_its_maker() -> None:
    assert set(DRIVERS.factories(make_net(Settings(), Metrics(SystemClock())))) == set(ProviderType)


def connect_alone(kind: ProviderType, spec: Mapping[str, Any], secret: Mapping[str, str]) -> list[Any]:
    """Connect in a process of its own; return what was loaded before and after, and which thread loaded what."""
    path = json.dumps(sys.path)
    code = f"import sys, json; sys.path[:] = json.loads({path!r})\n{UNUSED}"
    given = json.dumps([kind, spec, secret])
    done = subprocess.run([sys.executable, "-c", code, given], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    found: list[Any] = json.loads(done.stdout)
    return found


def test_openstacksdk_is_loaded_by_the_first_provider_that_needs_it_and_not_in_the_thread_of_the_loop() -> None:
    spec, secret = provider_body()["spec"], {"clouds.yaml": CLOUDS}
    before, after, in_main_thread = connect_alone(ProviderType.OPENSTACK, spec, secret)
    assert before == []
    assert set(after) >= {"openstack", "keystoneauth1", "osmig.drivers.servers"}
    assert not {"osmig.drivers.tenants.waldur", "osmig.drivers.mailboxes", "httpx"} & set(after)
    assert in_main_thread == {"osmig.drivers.servers.nova.factory": False, "openstack.connection": False}


def test_what_speaks_with_waldur_is_loaded_by_the_first_provider_that_needs_it() -> None:
    before, after, in_main_thread = connect_alone(ProviderType.WALDUR, waldur_body()["spec"], {"token": "abc"})
    assert before == []
    assert "osmig.drivers.tenants.waldur" in after
    assert not {"osmig.drivers.servers", "osmig.drivers.mailboxes", "openstack", "keystoneauth1"} & set(after)
    assert in_main_thread == {"osmig.drivers.tenants.waldur.factory": False}


def test_what_copies_mailboxes_is_loaded_by_the_first_provider_that_needs_it() -> None:
    secret = {"token": "abc"}
    before, after, in_main_thread = connect_alone(ProviderType.HOSTING, hosting_body()["spec"], secret)
    assert (before, "osmig.drivers.mailboxes" in after) == ([], True)
    assert not {"osmig.drivers.servers", "osmig.drivers.tenants.waldur", "openstack", "keystoneauth1"} & set(after)
    assert in_main_thread == {"osmig.drivers.mailboxes.policy": False}


async def test_the_maker_of_waldur_reads_its_token_from_the_secret() -> None:
    make = DRIVERS.factories(make_net(Settings(), Metrics(SystemClock())))[ProviderType.WALDUR]
    spec = ProviderSpec.model_validate(waldur_body()["spec"])
    with pytest.raises(InvalidConfiguration) as refused:
        await make(("team-a", "waldur"), spec, {})
    assert refused.value.reason == "InvalidConfiguration"


async def test_the_maker_of_waldur_makes_a_backend_that_has_sent_nothing() -> None:
    make = DRIVERS.factories(make_net(Settings(), Metrics(SystemClock())))[ProviderType.WALDUR]
    backend = await make(("team-a", "waldur"), ProviderSpec.model_validate(waldur_body()["spec"]), {"token": b"abc"})
    await backend.close()


def test_how_often_a_replication_is_read_can_be_set() -> None:
    given: dict[str, object] = {
        "polling__run_poll_s": "1",
        "polling__run_poll_max_s": "2",
        "timeouts__not_started_s": "3",
    }
    timings = read_periods(load_settings(given, environment={})).timings
    assert (timings.run_poll_s, timings.run_poll_max_s, timings.not_started_s) == (1, 2, 3)


@pytest.mark.parametrize(("allowed", "events"), [((), ["endpoints.open"]), (("nova.example.org",), [])])
def test_open_endpoints_are_warned_of(
    caplog: pytest.LogCaptureFixture, allowed: tuple[str, ...], events: list[str]
) -> None:
    warn_of_open_endpoints(Settings(endpoints=EndpointSettings(allow=allowed)))

    assert [record.message for record in caplog.records] == events
