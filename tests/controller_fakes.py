"""An API server in memory and the objects in it, for tests of the engine."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from osmig.api.names import Kind
from osmig.controllers.keys import RESOURCES, Key
from osmig.domain.errors import ObjectGone, WriteConflict
from osmig.kube.secrets import OPAQUE, SecretValues

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from osmig.kube.events import EventRecorder, EventType
    from osmig.kube.refs import ObjectRef, Resource
    from osmig.kube.resources import ResourceClient
    from osmig.kube.secrets import SecretReader

PROVIDER = Key(Kind.PROVIDER, "team-a", "region-one")
MIGRATION = Key(Kind.MIGRATION, "team-a", "db-07")
OTHER = Key(Kind.MIGRATION, "team-a", "db-08")


def bare_body(
    version: object = 1, *, uid: str = "u-1", name: str = "db-07", status: object = None, **verbs: str
) -> dict[str, Any]:
    """A Migration with no more than what tells its versions apart, and annotations for verbs."""
    metadata: dict[str, Any] = {"name": name, "namespace": "team-a", "uid": uid, "resourceVersion": str(version)}
    if verbs:
        metadata["annotations"] = {f"osmig.dev/{verb.replace('_', '-')}": token for verb, token in verbs.items()}
    spec = {"providerRef": {"name": "region-one"}}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


@dataclass
class ApiServer:
    """Objects with real compare-and-swap; implements ``Statuses``, ``ResourceClient`` and ``SecretReader``.

    Attributes:
        before_put: called with each status before it is judged; may raise, or change the object first.
        after_put: called after it was stored; raising loses the answer.
        on_finalizers: called with an object whose finalizers were replaced, before that is answered.
    """

    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict, repr=False)
    secret_types: dict[tuple[str, str], str] = field(default_factory=dict)
    secret_version: int = 1
    version: int = 100
    puts: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    before_put: list[Callable[[Mapping[str, Any]], object]] = field(default_factory=list)
    after_put: list[Callable[[Mapping[str, Any]], object]] = field(default_factory=list)
    on_finalizers: Callable[[Mapping[str, Any]], object] = lambda _: None
    secret_error: Exception | None = None
    get_error: Exception | None = None
    list_errors: list[Exception] = field(default_factory=list)
    create_errors: list[Exception | None] = field(default_factory=list)
    annotate_errors: list[Exception] = field(default_factory=list)

    @property
    def as_resources(self) -> ResourceClient:
        """Itself by the type that the engine asks for, of which it uses no more than is here."""
        return cast("ResourceClient", self)

    @property
    def as_secrets(self) -> SecretReader:
        """The same for Secrets."""
        return cast("SecretReader", self)

    def add(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create or replace an object; return it as stored."""
        stored = copy.deepcopy(dict(body))
        self.version += 1
        stored["metadata"] = {"generation": 1, **stored["metadata"], "resourceVersion": str(self.version)}
        key = Key(kind, stored["metadata"]["namespace"], stored["metadata"]["name"])
        self.objects[key] = stored
        return copy.deepcopy(stored)

    def change(self, key: Key, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
        """Change metadata as somebody else would; return the object."""
        body = self.objects[key]
        body["metadata"] |= metadata
        return self.add(key.kind, body)

    def status(self, key: Key) -> Mapping[str, Any]:
        """What is stored."""
        return self.objects[key].get("status") or {}

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace a status if nobody changed the object."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        if self.before_put:
            self.before_put.pop(0)(status)
        key, body = self._compare(ref)
        stored = self.add(key.kind, body | {"status": copy.deepcopy(dict(status))})
        self.puts.append((ref.name, status))
        if self.after_put:
            self.after_put.pop(0)(status)
        return stored

    def _compare(self, ref: ObjectRef) -> tuple[Key, dict[str, Any]]:
        key = Key(Kind(ref.kind), ref.namespace or "", ref.name)
        body = self.objects.get(key)
        if body is None:
            raise ObjectGone("NotFound", "gone")
        if (ref.uid, ref.resource_version) != (body["metadata"]["uid"], body["metadata"]["resourceVersion"]):
            raise WriteConflict("Conflict", "not as last read")
        return key, body

    async def set_finalizers(self, ref: ObjectRef, finalizers: tuple[str, ...]) -> Mapping[str, Any]:
        """Replace the finalizers if nobody changed the object; without any, one that is being deleted goes away."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        key, _ = self._compare(ref)
        stored = self.change(key, finalizers=list(finalizers))
        self.changes.append(f"finalizers of {ref.name}: {','.join(finalizers)}")
        if not finalizers and stored["metadata"].get("deletionTimestamp"):
            del self.objects[key]
        self.on_finalizers(stored)
        return stored

    async def create(self, resource: Resource, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create an object unless there is one of its name."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        name = body["metadata"]["name"]
        if self.create_errors and (error := self.create_errors.pop(0)) is not None:
            raise error
        if Key(Kind(resource.kind), body["metadata"]["namespace"], name) in self.objects:
            raise WriteConflict("AlreadyExists", "there is one")
        self.changes.append(f"create {name}")
        whole = {**body, "apiVersion": resource.api_version, "kind": resource.kind}
        return self.add(Kind(resource.kind), whole | {"metadata": {"uid": f"uid-{name}", **body["metadata"]}})

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str]) -> Mapping[str, Any]:
        """Set annotations of this very object."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        key = Key(Kind(ref.kind), ref.namespace or "", ref.name)
        body = self.objects.get(key)
        if body is None:
            raise ObjectGone("NotFound", "gone")
        if body["metadata"]["uid"] != ref.uid:
            raise WriteConflict("Conflict", "another object")
        if self.annotate_errors:
            raise self.annotate_errors.pop(0)
        self.changes.append(f"annotate {key.name}: {', '.join(annotations)}")
        return self.change(key, annotations={**(body["metadata"].get("annotations") or {}), **annotations})

    async def delete(self, ref: ObjectRef) -> None:
        """Delete an object if nobody changed it."""
        await asyncio.sleep(0)  # noqa: TID251 - gives way, as a request does
        key, _ = self._compare(ref)
        self.changes.append(f"delete {ref.name}")
        del self.objects[key]

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Mapping[str, Any]:
        """Return one object."""
        if self.get_error is not None:
            raise self.get_error
        body = self.objects.get(Key(Kind(resource.kind), namespace or "", name))
        if body is None:
            raise ObjectGone("NotFound", "gone")
        return copy.deepcopy(body)

    async def list_all(
        self, resource: Resource, namespace: str | None = None, *, chunk_size: int = 500
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield all objects of a kind."""
        assert chunk_size
        if self.list_errors:
            raise self.list_errors.pop(0)
        for key, body in list(self.objects.items()):
            if RESOURCES[key.kind] == resource and namespace in {None, key.namespace}:
                yield copy.deepcopy(body)

    async def read(self, namespace: str, name: str) -> SecretValues:
        """Return a Secret."""
        if self.secret_error is not None:
            raise self.secret_error
        if (namespace, name) not in self.secrets:
            raise ObjectGone("NotFound", "gone")
        return SecretValues(
            self.secrets[namespace, name],
            type=self.secret_types.get((namespace, name), OPAQUE),
            version=str(self.secret_version),
        )


@dataclass
class FakeEvents:
    """Keeps the Events that were recorded."""

    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def as_recorder(self) -> EventRecorder:
        """Itself by the type that the engine asks for, of which it uses no more than is here."""
        return cast("EventRecorder", self)

    def record(self, regarding: ObjectRef, *, reason: str, action: str, type: EventType, note: str) -> None:  # noqa: A002
        """Keep an Event."""
        assert action
        assert type
        assert regarding.uid
        self.notes.append((str(reason), note))

    @property
    def reasons(self) -> list[str]:
        """The reasons of all Events, in order."""
        return [reason for reason, _ in self.notes]
