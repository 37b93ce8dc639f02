"""Reading Secrets; what is in them stays out of logs, messages and reprs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from typing_extensions import override

from osmig.domain.errors import KubeUnavailable
from osmig.kube.refs import Call, KubeVerb, Resource

if TYPE_CHECKING:
    from osmig.kube.client import KubeClient

SECRETS = Resource("", "v1", "secrets", "Secret")


OPAQUE = "Opaque"
"""The type of a Secret that was made for no purpose that Kubernetes knows, and of one without a type."""


class SecretValues(Mapping[str, bytes]):  # a mapping to its users, hence the one base class
    """The decoded values of a Secret by key; its repr shows keys alone.

    Attributes:
        type: what the Secret was made for, such as ``kubernetes.io/service-account-token``.
        version: its resourceVersion, another one after each change; empty where it is not known.
    """

    __slots__ = ("_values", "type", "version")

    def __init__(self, values: Mapping[str, bytes], *, type: str = OPAQUE, version: str = "") -> None:  # noqa: A002
        self._values = dict(values)
        self.type = type
        self.version = version

    @override
    def __getitem__(self, key: str) -> bytes:
        """Return the value under ``key``."""
        return self._values[key]

    @override
    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._values)

    @override
    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._values)

    @override
    def __repr__(self) -> str:
        """Show keys only."""
        return f"SecretValues(keys={sorted(self._values)})"


class SecretReader:
    """Reads one Secret at a time; caches nothing."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def read(self, namespace: str, name: str) -> SecretValues:
        """Return the values of a Secret, decoded.

        Raises:
            ObjectGone: there is no such Secret.
            KubeFailure: it could not be read, or may not be.
        """
        call = Call(KubeVerb.GET, SECRETS, namespace, name)
        answer = await self._client.request(call)
        try:
            values = {key: base64.b64decode(value) for key, value in (answer.body.get("data") or {}).items()}
        except (AttributeError, TypeError, ValueError):
            message = f"{call.operation}: the answer is not a Secret of the API server"
            raise KubeUnavailable(reason="NotKubernetes", message=message) from None
        return SecretValues(
            values,
            type=str(answer.body.get("type") or OPAQUE),
            version=str((answer.body.get("metadata") or {}).get("resourceVersion") or ""),
        )
