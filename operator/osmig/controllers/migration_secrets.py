"""The Secrets that Migrations name: of their own namespace, read for one decision, kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.meta import InvalidManifest
from osmig.api.names import Reason
from osmig.api.provider import parse_provider
from osmig.controllers.secret_purpose import check_purpose
from osmig.domain.errors import Absent, KubeForbidden, NotPermitted, ObjectGone, ProviderDisconnected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.provider import Provider
    from osmig.controllers.inbox import Inbox
    from osmig.controllers.keys import Key
    from osmig.kube.secrets import SecretReader

_OPERATION = "read-secret"


@dataclass(frozen=True, slots=True)
class MigrationSecrets:
    """Reads Secrets of a Provider's namespace (`osmig.drivers.driver.SecretOfMigration`).

    Whoever may write a Migration chooses the name, and what is in a Secret may be sent to the Provider's endpoint. So
    it must say that it may be, as the Provider's own Secret must.

    Attributes:
        reader: asks the API server.
        inbox: has the Provider as it is now.
        provider: of the Migration, and so of its namespace.
    """

    reader: SecretReader
    inbox: Inbox
    provider: Key

    async def __call__(self, name: str, /) -> Mapping[str, bytes]:
        """Return the decoded values by key.

        Raises:
            Absent, NotPermitted, InvalidConfiguration: as `osmig.drivers.driver.SecretOfMigration` says.
            KubeFailure: it cannot be read now.
            ProviderDisconnected: the Provider is gone, or cannot be followed any more.
        """
        namespace = self.provider.namespace
        try:
            secret = await self.reader.read(namespace, name)
        except ObjectGone:
            # not handed on: a step takes it for the end of the Migration
            message = f"there is no Secret {name} in namespace {namespace}"
            raise Absent(Reason.SECRET_NOT_FOUND, message, operation=_OPERATION) from None
        except KubeForbidden as error:
            raise NotPermitted(Reason.NOT_PERMITTED, error.message, operation=_OPERATION) from None
        check_purpose(secret, self._find_provider(), name=name, what="content")
        return secret

    def _find_provider(self) -> Provider:
        entry = self.inbox.get(self.provider)
        if entry is not None:
            try:
                return entry.parse(parse_provider)
            except InvalidManifest:
                pass
        raise ProviderDisconnected(
            reason=Reason.PROVIDER_NOT_READY, message=f"Provider {self.provider.name} cannot be followed"
        )
