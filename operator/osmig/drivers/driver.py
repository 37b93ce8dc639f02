"""What the controllers know of a type of Migration: how it is decided, read and carried out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from osmig.api.names import Kind
from osmig.domain.calls import Answer
from osmig.domain.errors import BackendError
from osmig.domain.observation import Facts
from osmig.domain.queueing import HostPair
from osmig.net.threads import run_apart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping

    from osmig.api.migration import Migration, MigrationStatus, MigrationType
    from osmig.api.names import Verb
    from osmig.api.provider import ProviderSpec, ProviderType
    from osmig.domain.calls import Call, Receipt
    from osmig.domain.observation import Observation
    from osmig.domain.operations import RecordView, Sweep
    from osmig.domain.policy import Policy
    from osmig.drivers.hosts import HostBackend
    from osmig.drivers.ports import Backend, Net
    from osmig.net.permits import Permit

F = TypeVar("F", bound=Facts)
B = TypeVar("B", bound="Backend")
B_co = TypeVar("B_co", bound="Backend", covariant=True)


class LocalState(Protocol):
    """What osmig knows without asking upstream. Texts about other Migrations are fit for status."""

    def get_swept(self, record_id: str) -> RecordView | None:
        """Return the upstream record of this id as the last sweep saw it."""
        ...

    def find_swept(self, name: str) -> RecordView | None:
        """Return the upstream record of this id or uuid as the last sweep saw it; looks through all."""
        ...

    def find_conflicting(self, subject_id: str) -> str:
        """Return a text that names the other Migration that moves this server; empty for none."""
        ...

    def find_ahead(self, subject_id: str) -> str:
        """Name the other Migration that waits for a slot to move this server and goes first; empty for none."""
        ...

    def find_owner(self, record_id: str) -> str:
        """Name the other Migration that follows this upstream record; empty for none."""
        ...

    def find_object(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Return an object of ours in the Migration's namespace."""
        ...


class SecretOfMigration(Protocol):
    """Reads a Secret that a Migration names; nothing of it is kept, nor shown by a repr."""

    async def __call__(self, name: str, /) -> Mapping[str, bytes]:
        """Return the decoded values by key.

        Raises:
            Absent: there is no such Secret; reason ``SecretNotFound``.
            NotPermitted: RBAC does not let osmig read it.
            InvalidConfiguration: it was made for something else, or does not say that it may be sent to the Provider.
            KubeFailure: it cannot be read now; ends the step, which is made again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources(Generic[B]):
    """What a reader may ask.

    Attributes:
        backend: the Provider's connection.
        claimed: tells the request ids that belong to other Migrations.
        read_secret: reads one Secret of the Migration's own namespace, by name, as `SecretOfMigration` says.
    """

    backend: B
    claimed: Callable[[], Collection[str]]
    read_secret: SecretOfMigration


class Reader(Protocol[F, B]):
    """Reads one fact of a driver from upstream."""

    async def __call__(self, observation: Observation[F], sources: Sources[B], /) -> F:
        """Return the observation's facts with one more.

        Raises:
            BackendError: the fact cannot be read now.
        """
        ...


class Build(Protocol[B_co]):
    """Builds a connection; runs in a thread, for a tenant's YAML and certificates must not hold up the Lease."""

    def __call__(self, net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes], /) -> B_co:
        """Parse the credentials and build a connection; sends nothing and resolves nothing yet.

        Args:
            net: what the connections of all Providers have in common.
            key: namespace and name of the Provider, for metrics.
            spec: the Provider's spec.
            secret: the Secret's values by key; never logged.

        Raises:
            InvalidConfiguration: with the field or the Secret's key at fault in the message.
        """
        ...


def _keep_for_same_spec(earlier: Observation[F], anew: Observation[F]) -> F:
    return earlier.facts if anew.migration.spec == earlier.migration.spec else anew.facts


def _find_no_hosts(observation: Observation[Any]) -> HostPair:
    del observation
    return HostPair()


def _name_own_place(migration: Migration, status: MigrationStatus) -> str:
    del status
    return f"{Kind.MIGRATION}/{migration.metadata.namespace}/{migration.metadata.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver(Generic[F, B]):
    """One kind of upstream, such as Nova or Waldur.

    Attributes:
        provider_type: the type of Provider that serves it.
        types: of Migrations.
        load: imports what builds a connection, and returns it; the first Provider of this type pays for the import.
        policy: decides, purely.
        add_local_facts: adds the facts that need no request to upstream; facts that were read stay.
        carry_over: keeps the facts read earlier in this step that still hold after the object changed; by default all,
            if the spec is the same.
        readers: how each fact is read, in this order.
        perform: sends one call; returns upstream's receipt, where the call has one.
        find_hosts: the hosts that a start would load, as far as they are known; by default none.
        name_lock: what nobody else may move meanwhile; by default the Migration's own place, ``None`` locks nothing.
        carried_out_by: the verb that an order is sent as, where it is another one.
        lists_operations: sweeps list what goes on, so that it can be counted.
        list_operations: lists it where sweeps do not, at a slow pace of its own; by default nothing is counted.
        adopt: what the spec of a Migration says that adopts an operation, ``None`` for one that cannot be; ``None``
            itself for an engine whose types of Migration know no ``adopt``.
        find_compute_hosts: the port of upstream's hosts, where it has hosts that can be emptied.
    """

    provider_type: ProviderType
    types: frozenset[MigrationType]
    load: Callable[[], Build[B]]
    policy: Policy[F]
    add_local_facts: Callable[[Migration, LocalState, F | None], F]
    readers: Mapping[str, Reader[F, B]]
    perform: Callable[[B, Call, Migration, Permit], Awaitable[Receipt | None]]
    carry_over: Callable[[Observation[F], Observation[F]], F] = _keep_for_same_spec
    find_hosts: Callable[[Observation[F]], HostPair] = _find_no_hosts
    name_lock: Callable[[Migration, MigrationStatus], str | None] = _name_own_place
    carried_out_by: Mapping[Verb, Verb] = field(default_factory=dict)
    lists_operations: bool = False
    list_operations: Callable[[B], Coroutine[Any, Any, Sweep]] | None = None
    adopt: Callable[[RecordView], Mapping[str, Any] | None] | None = None
    find_compute_hosts: Callable[[B], HostBackend] | None = None

    async def connect(self, net: Net, key: tuple[str, str], spec: ProviderSpec, secret: Mapping[str, bytes]) -> B:
        """Import, parse and build in a thread (`Build`).

        Raises:
            InvalidConfiguration: with the field or the Secret's key at fault in the message.
        """
        own = replace(net, guard=net.guard.apart("/".join(key)))
        return await run_apart(lambda: self.load()(own, key, spec, secret))

    async def read(self, observation: Observation[F], names: Collection[str], sources: Sources[B]) -> Observation[F]:
        """Return the observation with the facts named that were not there yet; the first failure ends the reading."""
        for name, read in self.readers.items():
            if name not in names or getattr(observation.facts, name) is not None:
                continue
            try:
                observation = replace(observation, facts=await read(observation, sources))
            except BackendError as error:
                return replace(observation, read_error=error, failed_fact=name)
        return observation

    async def send(self, backend: B, call: Call, migration: Migration, permit: Permit) -> Answer:
        """Send one call and return what came of it; every failure of the backend is an answer.

        Its intent, or the order behind it, is on record before. Nothing that can fail stands between the call and the
        caller's write of the answer.

        Raises:
            TypeError: the call is another driver's.
        """
        try:
            return Answer(call=call, receipt=await self.perform(backend, call, migration, permit))
        except BackendError as error:
            return Answer(call=call, error=error)
