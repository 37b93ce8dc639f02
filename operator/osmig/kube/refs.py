"""What a call to the Kubernetes API is about: kinds, objects, verbs; pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from osmig.domain.errors import ObjectGone

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a name in a path may not be or hold (Kubernetes' IsValidPathSegmentName): it would address the collection, a
# level above, or a subresource. Quoting is no help, because the API server routes by the decoded path.
_NOT_NAMES = frozenset({"", ".", ".."})
_NOT_IN_NAMES = frozenset("/%")


class KubeVerb(StrEnum):
    """What is done, in RBAC's words; ``PATCH`` is a JSON merge patch, ``APPLY`` a server-side apply."""

    GET = "get"
    LIST = "list"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    APPLY = "apply"
    DELETE = "delete"

    @property
    def right(self) -> str:
        """The verb that a role must grant; an apply needs ``patch``, and ``create`` where the object is new."""
        return KubeVerb.PATCH if self is KubeVerb.APPLY else self

    @property
    def method(self) -> str:
        """The HTTP method."""
        return _METHODS[self]

    @property
    def is_write(self) -> bool:
        """Whether the server records a field manager for it."""
        return self in {KubeVerb.CREATE, KubeVerb.UPDATE, KubeVerb.PATCH, KubeVerb.APPLY}


_METHODS = {
    KubeVerb.GET: "GET",
    KubeVerb.LIST: "GET",
    KubeVerb.CREATE: "POST",
    KubeVerb.UPDATE: "PUT",
    KubeVerb.PATCH: "PATCH",
    KubeVerb.APPLY: "PATCH",
    KubeVerb.DELETE: "DELETE",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API server serves it.

    Attributes:
        group: empty for the core group.
        plural: lower case, as in a path and in RBAC.
    """

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """``group/version``, or the bare version in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object as it was read: enough for a compare-and-swap and for ``regarding`` in an Event.

    Attributes:
        namespace: ``None`` for an object outside namespaces.
        uid: tells an object from a later one with the same name.
        resource_version: the version that was read; opaque.
    """

    api_version: str
    kind: str
    plural: str
    namespace: str | None
    name: str
    uid: str
    resource_version: str

    @classmethod
    def of(cls, resource: Resource, body: Mapping[str, Any]) -> Self:
        """Take the identity out of a ``body`` that the API server sent."""
        metadata = body["metadata"]
        return cls(
            api_version=resource.api_version,
            kind=resource.kind,
            plural=resource.plural,
            namespace=metadata.get("namespace"),
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )

    def make_owner_reference(
        self, *, is_controller: bool = True, blocks_owner_deletion: bool = True
    ) -> Mapping[str, Any]:
        """Return the entry for ``metadata.ownerReferences`` of an object that this one owns.

        The owned object must lie in the owner's namespace: else the garbage collector deletes it.

        Args:
            is_controller: an object has at most one owner that is its controller.
            blocks_owner_deletion: a foreground deletion of the owner waits until the owned object is gone. A cluster
                with OwnerReferencesPermissionEnforcement then asks for ``update`` of the owner's ``finalizers``.
        """
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": is_controller,
            "blockOwnerDeletion": blocks_owner_deletion,
        }

    @property
    def resource(self) -> Resource:
        """The object's kind."""
        group, _, version = self.api_version.rpartition("/")
        return Resource(group, version, self.plural, self.kind)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, named in RBAC's words.

    Attributes:
        name: ``None`` addresses the collection.
        subresource: such as ``status``.
    """

    verb: KubeVerb
    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None

    @property
    def operation(self) -> str:
        """KubeVerb and resource as a role names them, such as ``update migrations/status``: few distinct values."""
        subresource = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb.right} {self.resource.plural}{subresource}"

    @property
    def path(self) -> str:
        """The path on the API server, quoted.

        Raises:
            ObjectGone: the name or namespace is one that no object can have, and that would change the path's meaning.
        """
        parts = ["apis", self.resource.group] if self.resource.group else ["api"]
        parts.append(self.resource.version)
        if self.namespace is not None:
            parts += ["namespaces", _segment(self.namespace)]
        parts.append(self.resource.plural)
        if self.name is not None:
            parts.append(_segment(self.name))
        if self.subresource is not None:
            parts.append(self.subresource)
        return "/" + "/".join(parts)


def _segment(name: str) -> str:
    if name in _NOT_NAMES or not _NOT_IN_NAMES.isdisjoint(name):
        raise ObjectGone(reason="NotFound", message=f"no object can be named {name!r}")
    return quote(name, safe="")
