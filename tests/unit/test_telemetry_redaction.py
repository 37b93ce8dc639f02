"""What is replaced in logs, and what is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osmig.domain.redacting import REDACTED, redact_text
from osmig.telemetry.redaction import is_secret_key, redact, summarise

if TYPE_CHECKING:
    from collections.abc import Callable

FERNET = "gAAAAABmB-Zs_1q2w3e4r5t6y7u8i9o0="
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "key",
    [
        "password", "Password", "user_password", "userPassword", "X-Auth-Token", "x-subject-token", "token",
        "application_credential_secret", "clientSecret", "Authorization", "api_key", "apiKey", "private-key", "cookie",
        "SECRET", "OS_PASSWORD", "adminPass",
    ],
)  # fmt: skip
def test_keys_of_secrets_are_recognised_in_every_spelling(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key", ["", "name", "secret_name", "secretName", "tokenRef", "secret_period_s", "key", "uid", "tokenizer", "author"]
)
def test_keys_that_only_point_to_a_secret_are_not_secret(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize("token", [FERNET, JWT])
def test_tokens_are_replaced_by_their_looks_alone(token: str) -> None:
    assert redact_text(f"sent {token}, refused") == f"sent {REDACTED}, refused"


@pytest.mark.parametrize(
    "text",
    [
        "migration.started",
        "SecretNotFound: there is no Secret of that name",
        "req-1b2c3d4e-0000-4000-8000-000000000000",
        "No valid host was found",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_containers_are_walked_and_numbers_stay_numbers() -> None:
    value = {"auth": {"password": 42, "user": "me"}, "list": [1, 2.5, True, None, ("a", FERNET)], "nan": float("nan")}

    assert redact(value) == {
        "auth": {"password": REDACTED, "user": "me"},
        "list": [1, 2.5, True, None, ["a", REDACTED]],
        "nan": "nan",
    }


def test_a_summary_names_no_place_and_stays_short() -> None:
    told = summarise(
        "HTTPConnectionPool(host='nova.example.org', port=8774): failed at\n10.1.2.3:8774 [fd00::1]:80 "
        "https://nova.example.org/v2.1/servers url: /v2.1/servers/detail file /etc/osmig/key "
        "0123456789abcdef0123456789abcdef token=hunter2 "
    )

    assert told == (
        "HTTPConnectionPool(host=[address], port=8774): failed at [address] [address]:80 "
        "[url] url: [path] file [path] [id] token=[redacted]"
    )
    assert len(summarise("word " * 1000)) == 300


LENGTH = 20_000
LONG_TEXTS: dict[str, Callable[[int], str]] = {
    "a word": lambda length: "a" * length,
    "a suspicious word": lambda length: "a" * length + "token",
    "names of hosts": lambda length: "a." * (length // 2),
    "half tokens": lambda length: "eyJa-" * (length // 5) + ".",
    "schemes": lambda length: "a://" * (length // 4),
    "keys without values": lambda length: "token" * (length // 5),
    "spaces": lambda length: "token" + " " * length,
}


def clean_s(text: str) -> float:
    """Return the least of this thread's CPU that both ways to clean a text take."""
    taken = []
    for _ in range(3):
        begin = time.thread_time()
        redact_text(text)
        summarise(text)
        taken.append(time.thread_time() - begin)
    return min(taken)


@pytest.mark.parametrize("text_of", LONG_TEXTS.values(), ids=LONG_TEXTS)
def test_no_text_of_a_cloud_keeps_the_operator_from_renewing_its_lease(text_of: Callable[[int], str]) -> None:
    """Each takes far less than the 10 s after which a renewal is due, as long as its time grows as its length does."""
    assert clean_s(text_of(4 * LENGTH)) < 9 * clean_s(text_of(LENGTH)), "four times as long, sixteen times the work"


@pytest.mark.parametrize("text", ["at 12:34:56 and/or later", "nova::api", "1.2.3", "ratio 3/4"])
def test_a_summary_keeps_what_only_resembles_a_place(text: str) -> None:
    assert summarise(text) == text


@given(st.recursive(st.none() | st.booleans() | st.text() | st.floats() | st.binary(), st.lists))
def test_nothing_makes_redaction_fail(value: object) -> None:
    redact(value)
    redact_text(str(value))
    summarise(str(value))
