"""Certificates as people have them are taken: bundles, comments, blanks; and Providers share what is the same."""

from __future__ import annotations

import gc
import ssl
import threading
from pathlib import Path

import certifi
import pytest

from osmig.net.tls import MAX_PEM_BYTES, trust_given, trust_usual
from tls_support import certify_localhost

BUNDLE = Path(certifi.where()).read_bytes()
EMPTY = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture(name="pem", scope="module")
def make_pem(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return certify_localhost(tmp_path_factory.mktemp("tls"))[1]


def count(context: ssl.SSLContext) -> int:
    return len(context.get_ca_certs())


@pytest.mark.parametrize("blank", [None, b"", b"\n", b" \r\n\t"])
def test_blanks_are_as_good_as_no_certificates(blank: bytes | None) -> None:
    assert trust_given(blank, "cacert") is trust_usual()


def test_a_whole_system_bundle_fits() -> None:
    assert 150_000 < len(BUNDLE) < MAX_PEM_BYTES
    assert count(trust_given(BUNDLE, "cacert")) == count(trust_usual())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda pem: b"# F\xc5\x91tan\xc3\xbas\xc3\xadtv\xc3\xa1ny\n" + pem,
        lambda pem: b"\xff\xfe not even text\n" + pem + b"\nbye",
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: b"".join(b"    " + line + b"\n" for line in pem.splitlines()),
        lambda pem: pem.rstrip(b"\n"),
        lambda pem: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + pem,
        lambda pem: pem + pem,
    ],
    ids=["comment", "bytes", "crlf", "indented", "no newline", "something else", "twice"],
)
def test_what_stands_between_begin_and_end_counts(wrap: object, pem: bytes) -> None:
    assert callable(wrap)
    assert count(trust_given(wrap(pem), "cacert")) == 1


def test_only_what_is_given_is_trusted(pem: bytes) -> None:
    context = trust_given(pem, "cacert")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.verify_flags == trust_usual().verify_flags


@pytest.mark.parametrize("content", [b"PEM", b"-----BEGIN CERTIFICATE-----\nAAAA", EMPTY, BROKEN, b"\xe2\x82\xac"])
def test_what_holds_no_certificate_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="the key holds no PEM certificate that can be read"):
        trust_given(content, "the key")


def test_the_certificate_that_cannot_be_read_is_counted_and_not_repeated(pem: bytes) -> None:
    with pytest.raises(ValueError, match="certificate 2 of 2 cannot be read") as caught:
        trust_given(pem + BROKEN, "cacert")
    assert "AAAA" not in str(caught.value)


def test_what_no_bundle_has_is_too_much() -> None:
    with pytest.raises(ValueError, match="cacert is longer than 512 KiB"):
        trust_given(b"-----BEGIN CERTIFICATE-----" + b"A" * MAX_PEM_BYTES, "cacert")


def test_many_begins_without_an_end_take_no_time() -> None:
    with pytest.raises(ValueError, match="no PEM certificate"):
        trust_given(b"-----BEGIN CERTIFICATE-----" * (MAX_PEM_BYTES // 32), "cacert")


def test_the_same_certificates_make_one_context_for_all_and_go_with_the_last(pem: bytes) -> None:
    made: list[ssl.SSLContext] = []
    asking = [threading.Thread(target=lambda: made.append(trust_given(pem + b"# mine", "cacert"))) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len({id(context) for context in made}) == 1
    assert trust_given(BUNDLE, "cacert") is not made[0]
    known = id(made[0])
    assert id(trust_given(pem, "cacert")) == known, "comments make no difference"
    made.clear()
    gc.collect()
    assert count(trust_given(pem, "cacert")) == 1
