"""What this process knows without asking upstream: the last sweep, other Migrations, objects of the same namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.names import Kind
from osmig.controllers.keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.controllers.inbox import Inbox
    from osmig.controllers.ledger import Ledger
    from osmig.controllers.sessions import Session
    from osmig.domain.operations import RecordView


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerLocalState:
    """The local state for one Migration (`osmig.drivers.driver.LocalState`).

    Attributes:
        session: its Provider's connection, if there is one.
    """

    key: Key
    provider: Key
    inbox: Inbox
    ledger: Ledger
    session: Session | None

    def get_swept(self, record_id: str) -> RecordView | None:
        """Return the upstream record of this id as the last sweep saw it."""
        return self.session.rows.get(record_id) if self.session is not None else None

    def find_swept(self, name: str) -> RecordView | None:
        """Return the upstream record of this id or uuid as the last sweep saw it."""
        return self.session.rows.find(name) if self.session is not None else None

    def find_conflicting(self, subject_id: str) -> str:
        """Name the other Migration that moves this server."""
        return self._name(self.ledger.find_conflicting(self.key, subject_id))

    def find_ahead(self, subject_id: str) -> str:
        """Name the other Migration that waits for a slot to move this server and goes first."""
        return self._name(self.ledger.find_ahead(self.key, self.provider, subject_id))

    def find_owner(self, record_id: str) -> str:
        """Name the other Migration that follows this upstream record."""
        return self._name(self.ledger.find(self.provider, record_id, besides=self.key))

    def find_object(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Return an object of ours in the Migration's namespace."""
        entry = self.inbox.get(Key(Kind(kind), self.key.namespace, name))
        return entry.body if entry is not None else None

    def _name(self, other: Key | None) -> str:
        if other is None:
            return ""
        # names of another namespace are not this tenant's to see
        is_near = other.namespace == self.key.namespace
        return f"Migration {other.name}" if is_near else "a Migration of another namespace"
