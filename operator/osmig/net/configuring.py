"""What a Provider's spec and Secret say of a connection; a ``ValueError`` names the field, never its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from osmig.net.endpoints import InvalidEndpointError, check_url
from osmig.net.tls import trust_given

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

T = TypeVar("T")

_CACERT = "cacert"
_MAX_TOKEN_BYTES = 4096


def require(member: T | None, field: str) -> T:
    """Return the member of the spec that a Provider's type asks for; the schema demands it, another version may not.

    Raises:
        ValueError: there is none; the message names ``field``.
    """
    if member is None:
        message = f"{field} is missing"
        raise ValueError(message)
    return member


def read_endpoint(endpoint: str, field: str) -> str:
    """Return an endpoint that can be connected to, without the slash at its end.

    Raises:
        ValueError: it is none; the message names ``field``.
    """
    try:
        host, _ = check_url(endpoint)
        host.encode("idna")
    except UnicodeError:
        message = f"{field} names a host that no address can be looked up for"
        raise ValueError(message) from None
    except InvalidEndpointError as error:
        message = f"{field} {error}"
        raise ValueError(message) from None
    return endpoint.rstrip("/")


def read_token(secret: Mapping[str, bytes], key: str) -> str:
    """Take the token, without the newline that editors leave.

    Raises:
        ValueError: there is none that can be sent; the message names the key.
    """
    if key not in secret:
        message = f"the Secret has no key {key}"
        raise ValueError(message)
    token = secret[key].removesuffix(b"\n").removesuffix(b"\r")
    if not token:
        message = f"the Secret's key {key} is empty"
        raise ValueError(message)
    if len(token) > _MAX_TOKEN_BYTES or not all(0x21 <= sign <= 0x7E for sign in token):  # noqa: PLR2004 - printable ASCII
        message = f"the Secret's key {key} holds no token: only printable characters without spaces can be one"
        raise ValueError(message)
    return token.decode("ascii")


def read_cacert(secret: Mapping[str, bytes]) -> ssl.SSLContext:
    """Return what trusts the Secret's certificates alone, or the usual ones where it has none.

    Raises:
        ValueError: they are no certificates.
    """
    return trust_given(secret.get(_CACERT), f"the Secret's key {_CACERT}")
