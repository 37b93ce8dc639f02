"""A backend is made of a spec and a Secret without a request, or a secret in a message."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.waiting import DEADLINE_S
from nova_support import spec_for as nova_spec
from osmig.clock import SystemClock
from osmig.domain.errors import InvalidConfiguration
from osmig.drivers.ports import Net
from osmig.drivers.tenants.waldur.factory import build
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard, EndpointPolicy
from waldur_support import spec_for

KEY = ("default", "waldur")


def refuse_to_resolve(_host: str, _port: int) -> tuple[str, ...]:
    raise AssertionError("nothing may be resolved yet")


NET = Net(
    guard=EndpointGuard(EndpointPolicy(), refuse_to_resolve),
    clock=SystemClock(),
    timeouts=Timeouts(),
    threads=1,
    observer_of=lambda _key: lambda *_told: None,
)


async def test_a_token_may_end_with_the_newline_of_an_editor() -> None:
    for content in (b"abc", b"abc\n", b"abc\r\n"):
        await build(NET, KEY, spec_for("https://waldur.example"), {"token": content}).close()


async def test_the_key_of_the_token_is_the_specs() -> None:
    await build(NET, KEY, spec_for("https://waldur.example", key="api"), {"api": b"abc"}).close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "the Secret has no key token"),
        (b"", "the Secret's key token is empty"),
        (b"\n", "the Secret's key token is empty"),
        (b"se cret", "the Secret's key token holds no token"),
        (b"secret\nX-Evil: 1", "the Secret's key token holds no token"),
        (b"secret\n\n", "the Secret's key token holds no token"),
        ("s€cret".encode(), "the Secret's key token holds no token"),
        (b"\x00secret", "the Secret's key token holds no token"),
        (b"secret" * 1000, "the Secret's key token holds no token"),
    ],
)
def test_a_token_that_is_none_is_refused_by_its_key_alone(content: bytes | None, words: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        build(NET, KEY, spec_for("https://waldur.example"), {} if content is None else {"token": content})

    assert caught.value.reason == "InvalidConfiguration"
    assert caught.value.message.startswith(words)
    assert not re.search("se.?cret", caught.value.message)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("https://waldur.example:99999", "is not a URL"),
        ("https://:443", "must name a host"),
        (f"https://{'ü' * 64}.example", "names a host that no address can be looked up for"),
    ],
)
def test_an_endpoint_that_is_none_is_refused_by_its_field(endpoint: str, words: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        build(NET, KEY, spec_for(endpoint), {"token": b"abc"})

    assert (caught.value.reason, caught.value.message) == ("InvalidConfiguration", f"spec.waldur.endpoint {words}")


def test_a_cacert_that_is_no_certificate_is_refused() -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for content in (b"PEM", "€".encode(), broken):
        with pytest.raises(InvalidConfiguration, match="the Secret's key cacert holds no PEM certificate"):
            build(NET, KEY, spec_for("https://waldur.example"), {"token": b"abc", "cacert": content})


def test_a_spec_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match=r"spec\.waldur is missing"):
        build(NET, KEY, nova_spec("x"), {"token": b"abc"})


def test_an_operator_with_a_waldur_brings_neither_its_client_nor_what_that_sends_with() -> None:
    script = """
import sys
import osmig.app, osmig.wiring
from waldur_support import make_backend
make_backend("https://waldur.example")
heavy = sorted({"waldur_api_client", "httpx"} & sys.modules.keys())
assert not heavy, heavy
"""
    run_python(script)


def run_python(script: str) -> None:
    """Run a script in a process of its own, which has imported nothing yet."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(  # noqa: S603 - the test's own script
        [sys.executable, "-c", script],
        env={"PYTHONPATH": f"{tests.parent / 'operator'}:{tests}"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
