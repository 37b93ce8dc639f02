"""Which certificates a server must show, whatever the environment of the process says."""

from __future__ import annotations

import functools
import ssl

import certifi


@functools.cache
def trust_usual() -> ssl.SSLContext:
    """Trust the usual certificates; read once, for it takes a moment."""
    return ssl.create_default_context(cafile=certifi.where())


def trust_only(pem: str, where: str) -> ssl.SSLContext:
    """Trust these certificates and no others.

    Args:
        pem: the certificates.
        where: they are, as the message of the error shall name it.

    Raises:
        ValueError: there is none in it that can be read.
    """
    try:
        # An empty text would mean the usual certificates.
        return ssl.create_default_context(cadata=pem or "none")
    except (ssl.SSLError, TypeError, ValueError):
        message = f"{where} holds no PEM certificate that can be read"
        raise ValueError(message) from None
