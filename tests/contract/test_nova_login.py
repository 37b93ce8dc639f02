"""Logging in to the real Keystone and Nova: each way, each failure, no environment, no secret in any text."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

import pytest

from nova_support import GRANTED, LOOPBACK, Told, clouds_yaml, connected, make_backend, pending, record_in
from osmig.domain.capabilities import Scope
from osmig.domain.errors import BackendError, InvalidConfiguration, OutcomeUnknown, Transient, Unauthorized
from osmig.drivers.servers.views import CallLookupKind, Job
from osmig.net.endpoints import EndpointPolicy

if TYPE_CHECKING:
    from lab.nova import NovaLab
    from osmig.drivers.servers.ports import ServerBackend

SECRET_VALUE = "hunter2-and-more"  # noqa: S105 - what must not be repeated
DOMAINS = {"user_domain_id": "default", "project_domain_id": "default"}


async def failing_probe(backend: ServerBackend) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await backend.probe()
    await backend.close()
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None
    assert SECRET_VALUE not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("cloud", "scope"), [("operator", Scope.CLOUD), ("manager", Scope.PROJECT)])
def test_a_password_leads_through_the_catalogue_to_nova(nova_keystone: NovaLab, cloud: str, scope: Scope) -> None:
    async def story() -> None:
        async with connected(nova_keystone, cloud) as backend:
            found = await backend.probe()
            assert found.endpoint == nova_keystone.compute
            assert found.scope is scope
            assert found.user_id
            assert found.project_id

    asyncio.run(story())


def test_an_application_credential_moves_a_server_as_its_user(nova_keystone: NovaLab) -> None:
    server = nova_keystone.boot("appcred")

    async def story() -> None:
        async with connected(nova_keystone, "appcred") as backend, connected(nova_keystone) as operator:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            nova_keystone.control.fault(path=f"{server}/action", method="POST", when="after", action="cut")
            with pytest.raises(OutcomeUnknown):
                await backend.start(Job(server_id=server), GRANTED)
            found = await operator.find_effect(Job(server_id=server), pending(pre_start), ())
            assert found.kind is CallLookupKind.OURS
            await record_in(backend, server, "completed")

    asyncio.run(story())


def test_somebody_elses_move_is_never_taken_for_ours(nova_keystone: NovaLab) -> None:
    server = nova_keystone.boot("rival", plan="hang,memory=64")

    async def story() -> None:
        async with connected(nova_keystone) as backend:
            pre_start = await backend.pre_start_state(Job(server_id=server))
            nova_keystone.as_user("manager").live_migrate(server)
            record = await record_in(backend, server, "running")
            for answer in (None, "Conflict"):
                found = await backend.find_effect(Job(server_id=server), pending(pre_start, answer=answer), ())
                assert (found.kind, found.detail) == (CallLookupKind.CONFLICT, f"migration {record.id} (running)")
            nova_keystone.control.steer(server, "cancel")
            await record_in(backend, server, "cancelled")

    asyncio.run(story())


def test_a_401_is_answered_with_one_new_login_and_one_repeat(nova_keystone: NovaLab) -> None:
    server = nova_keystone.boot("reauthenticate")
    told: Told = []

    async def story() -> None:
        async with connected(nova_keystone, told=told) as backend:
            await backend.pre_start_state(Job(server_id=server))
            del told[:]
            nova_keystone.control.fault(path=f"{server}/action", method="POST", when="before", status=401)
            await backend.start(Job(server_id=server), GRANTED)
            await record_in(backend, server, "completed")

    asyncio.run(story())

    assert told[:3] == [
        ("compute", "live-migrate", "401"),
        ("identity", "authenticate", "201"),
        ("compute", "live-migrate", "202"),
    ]
    assert len(nova_keystone.nova.migrations(server)) == 1


def test_the_repeat_after_a_401_needs_the_permit_again(nova_keystone: NovaLab) -> None:
    server = nova_keystone.boot("reauthenticate-late")
    told: Told = []

    class Once:
        """Valid for the first request only."""

        asked = 0

        def is_valid(self) -> bool:
            self.asked += 1
            return self.asked == 1

    async def story() -> None:
        async with connected(nova_keystone, told=told) as backend:
            await backend.pre_start_state(Job(server_id=server))
            nova_keystone.control.fault(path=f"{server}/action", method="POST", when="before", status=401)
            with pytest.raises(Transient):
                await backend.start(Job(server_id=server), Once())

    asyncio.run(story())

    assert nova_keystone.nova.migrations(server) == []


def test_a_401_that_stays_is_unauthorized(nova_keystone: NovaLab) -> None:
    async def story() -> BackendError:
        async with connected(nova_keystone) as backend:
            nova_keystone.control.fault(path="/servers/", when="before", status=401, count=2)
            with pytest.raises(Unauthorized) as caught:
                await backend.server(nova_keystone.servers["vm-1"])
            return caught.value

    assert asyncio.run(story()).reason == "Unauthorized"


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ({"password": SECRET_VALUE}, Unauthorized, "Unauthorized"),
        ({"username": "nobody"}, Unauthorized, "Unauthorized"),
        ({"auth_type": "v3token", "token": SECRET_VALUE}, Unauthorized, "Unauthorized"),
        ({"auth_url": "NOVA"}, BackendError, ""),
        ({"auth_url": "CLOSED"}, Transient, "Unreachable"),
        ({"auth_url": "http://keystone.invalid/v3"}, Transient, "Unreachable"),
        (
            {"project_name": "", "project_domain_id": "", "user_domain_id": ""},
            InvalidConfiguration,
            "InvalidConfiguration",
        ),
    ],
)
def test_a_login_that_fails_says_why_and_no_more(
    nova_keystone: NovaLab, change: dict[str, str], kind: type[BackendError], reason: str
) -> None:
    assert nova_keystone.keystone is not None
    auth = {"auth_url": nova_keystone.keystone, "username": "operator", "password": "secret", "project_name": "lab"}
    auth |= DOMAINS | change
    if auth.get("auth_type") == "v3token":
        auth = {key: value for key, value in auth.items() if key not in ("username", "password", "user_domain_id")}
    auth["auth_url"] = {"NOVA": nova_keystone.compute, "CLOSED": "http://127.0.0.1:9/v3"}.get(
        auth["auth_url"], auth["auth_url"]
    )

    error = asyncio.run(failing_probe(make_backend(clouds_yaml(**auth))))

    assert isinstance(error, kind)
    assert reason in ("", error.reason)
    assert nova_keystone.keystone not in str(error)


def test_a_region_without_nova_is_a_mistake_in_the_configuration(nova_keystone: NovaLab) -> None:
    secret = nova_keystone.clouds.read_text().replace("RegionOne", "RegionNine").encode()

    error = asyncio.run(failing_probe(make_backend(secret, "operator")))

    assert (type(error), error.reason) == (InvalidConfiguration, "InvalidConfiguration")
    assert "region_name" in error.message


def test_the_guard_also_checks_what_the_catalogue_says(nova_keystone: NovaLab) -> None:
    assert nova_keystone.keystone is not None
    keystone = nova_keystone.keystone.removeprefix("http://").partition("/")[0]
    mark = nova_keystone.control.request_mark()

    error = asyncio.run(
        failing_probe(
            make_backend(nova_keystone.clouds.read_bytes(), "operator", policy=EndpointPolicy(allowed=(keystone,)))
        )
    )

    assert error.reason == "EndpointRefused"
    assert "--allow-endpoint" in error.message
    assert nova_keystone.control.requests(since=mark) == []


@pytest.mark.parametrize(
    "policy",
    [
        EndpointPolicy(),
        EndpointPolicy(allowed=("198.51.100.1",)),
        EndpointPolicy(refused_networks=(ipaddress.ip_network("127.0.0.0/8"),)),
    ],
)
def test_a_fixed_endpoint_is_checked_too(nova: NovaLab, policy: EndpointPolicy) -> None:
    mark = nova.control.request_mark()

    error = asyncio.run(failing_probe(make_backend(nova.clouds.read_bytes(), "operator", policy=policy)))

    assert error.reason == "EndpointRefused"
    assert nova.control.requests(since=mark) == []


def test_no_environment_variable_has_any_effect(
    nova: NovaLab, nova_keystone: NovaLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("OS_CLOUD", "other")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(nova.clouds))
    for name in ("AUTH_URL", "USERNAME", "PASSWORD", "PROJECT_NAME", "TOKEN", "ENDPOINT", "REGION_NAME", "CACERT"):
        monkeypatch.setenv(f"OS_{name}", SECRET_VALUE)
    monkeypatch.setenv("OS_COMPUTE_API_VERSION", "1.1")
    monkeypatch.setenv("OS_COMPUTE_ENDPOINT_OVERRIDE", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("STATSD_HOST", "127.0.0.1")

    async def story() -> None:
        for lab in (nova, nova_keystone):
            async with connected(lab) as backend:
                assert (await backend.probe()).endpoint == lab.compute

    asyncio.run(story())


def test_a_secret_that_cannot_be_used_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        make_backend(clouds_yaml(auth_type="password", auth_url="http://127.0.0.1:9", passwort=SECRET_VALUE))

    assert caught.value.reason == "InvalidConfiguration"
    assert "auth.passwort" in caught.value.message
    assert SECRET_VALUE not in str(caught.value)


def test_a_closed_backend_sends_nothing(nova: NovaLab) -> None:
    async def story() -> None:
        backend = make_backend(nova.clouds.read_bytes(), "operator", policy=LOOPBACK)
        await backend.close()
        with pytest.raises(Transient):
            await backend.start(Job(server_id=nova.servers["vm-1"]), GRANTED)

    mark = nova.control.request_mark()
    asyncio.run(story())

    assert nova.control.requests(since=mark) == []
