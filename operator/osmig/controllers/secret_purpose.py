"""Whether a Secret was meant for a Provider: who may create a Provider may not read, nor send away, other Secrets.

The one place for all engines; a Secret is checked here before any of its values is looked at.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from osmig.api.names import Reason
from osmig.domain.errors import InvalidConfiguration
from osmig.kube.secrets import OPAQUE
from osmig.net.endpoints import InvalidEndpointError, check_url

if TYPE_CHECKING:
    from osmig.api.provider import Provider
    from osmig.kube.secrets import SecretValues

ENDPOINT_KEY = "endpoint"
"""The key of a Secret that says where its other values may be sent."""


def check_purpose(secret: SecretValues, provider: Provider, *, name: str = "", what: str = "token") -> None:
    """Refuse a Secret that was made for something else, or that does not say that it may be sent where it would be.

    Args:
        secret: that was read.
        provider: through which it would be sent.
        name: of the Secret; by default the one that the Provider's spec names.
        what: of it would be sent.

    Raises:
        InvalidConfiguration: with the ``kubectl`` line that mends it; nothing of the Secret is in the message.
    """
    name, endpoint = name or provider.spec.secret_name, provider.spec.secret_endpoint
    if secret.type != OPAQUE:
        raise _refusal(
            f"Secret {name} is of a type that was made for something else; its values are sent nowhere. Put the "
            f"credentials into a Secret of type {OPAQUE}"
        )
    if endpoint is None:
        return
    told = secret.get(ENDPOINT_KEY, b"").decode("utf-8", "replace").strip()
    if not told:
        cause = f"Secret {name} does not say where it may be sent: it has no key {ENDPOINT_KEY}"
    elif _canonical(told) != _canonical(endpoint):
        cause = f"the key {ENDPOINT_KEY} of Secret {name} names another endpoint than this Provider"
    else:
        return
    raise _refusal(f"{cause}. If its {what} is meant for {endpoint}: {_mend(provider, name, endpoint)}")


def _mend(provider: Provider, name: str, endpoint: str) -> str:
    patch = shlex.quote(json.dumps({"stringData": {ENDPOINT_KEY: endpoint}}, separators=(",", ":")))
    return f"kubectl -n {provider.metadata.namespace} patch secret {name} --type=merge -p {patch}"


def _canonical(url: str) -> tuple[str, str, int, str]:
    """Write an endpoint in one way, whatever its case, its default port and its last slash; no URL equals itself."""
    try:
        host, port = check_url(url)
    except InvalidEndpointError:
        return "", url, 0, ""
    parts = urlsplit(url)
    return parts.scheme.lower(), host.lower().rstrip("."), port, parts.path.rstrip("/")


def _refusal(text: str) -> InvalidConfiguration:
    return InvalidConfiguration(Reason.INVALID_CONFIGURATION, text, operation="configure")
