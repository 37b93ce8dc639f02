"""Which certificates a server must show, whatever the environment of the process says.

A context with a system's whole bundle takes a megabyte, so that Providers with the same certificates share one.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import ssl
import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import certifi

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PEM_BYTES = 512 * 1024
"""The bundles of today's systems take 180 to 300 KiB, comments included."""

_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

_known: WeakValueDictionary[bytes, ssl.SSLContext] = WeakValueDictionary()
_lock = threading.Lock()


@functools.cache
def trust_usual() -> ssl.SSLContext:
    """Trust the usual certificates; read once, for it takes a moment."""
    return ssl.create_default_context(cafile=certifi.where())


def trust_given(pem: bytes | None, where: str) -> ssl.SSLContext:
    """Trust these certificates and no others; the usual ones where there are none, or nothing but blanks.

    What does not stand between BEGIN CERTIFICATE and END CERTIFICATE does not count, as in the bundles of systems. It
    may take 30 ms, which is too long for an event loop.

    Args:
        pem: the certificates.
        where: they are, as the message of the error shall name it.

    Raises:
        ValueError: too much, or none that can be read; the message repeats nothing of it.
    """
    if pem is None or not pem.strip():
        return trust_usual()
    if len(pem) > MAX_PEM_BYTES:
        message = f"{where} is longer than {MAX_PEM_BYTES // 1024} KiB"
        raise ValueError(message)
    certificates = _find_certificates(pem)
    if not certificates:
        message = f"{where} holds no PEM certificate that can be read"
        raise ValueError(message)
    digest = _digest(certificates)
    # under the lock: at a start all Providers ask at once, and most of them for the same
    with _lock:
        context = _known.get(digest)
        if context is None:
            context = _known[digest] = _load(certificates, where)
    return context


def name_trusted(pem: bytes | None) -> str:
    """Return the same name for all texts by which `trust_given` trusts the same; empty for the usual certificates."""
    return _digest(_find_certificates(pem)).hex() if pem is not None and pem.strip() else ""


def _find_certificates(pem: bytes) -> tuple[bytes, ...]:
    """Return what stands between each BEGIN and the END after it, without blanks, each once."""
    found: dict[bytes, None] = {}
    at = 0
    while (begin := pem.find(_BEGIN, at)) >= 0 and (end := pem.find(_END, begin)) >= 0:
        found[b"".join(pem[begin + len(_BEGIN) : end].split())] = None
        at = end
    return tuple(found)


def _digest(certificates: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"\0".join(certificates)).digest()


def _load(certificates: tuple[bytes, ...], where: str) -> ssl.SSLContext:
    context: ssl.SSLContext | None = None
    for number, text in enumerate(certificates, start=1):
        try:
            # nothing at all would mean the usual certificates
            der = base64.b64decode(text, validate=True) or b"none"
            if context is None:
                context = ssl.create_default_context(cadata=der)
            else:
                context.load_verify_locations(cadata=der)
        except (ssl.SSLError, ValueError):
            which = f"certificate {number} of {len(certificates)} cannot be read"
            message = f"{where} holds no PEM certificate that can be read: {which}"
            raise ValueError(message) from None
    assert context is not None  # noqa: S101 - the caller brings at least one
    return context
