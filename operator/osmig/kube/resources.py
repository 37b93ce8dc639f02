"""Objects as a whole: read one, or all of a kind page by page; create, set finalizers, apply, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osmig.kube.refs import Call, KubeVerb

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from osmig.kube.client import KubeClient
    from osmig.kube.refs import ObjectRef, Resource


PAGE_SIZE = 50
"""Objects per page of a list, here and in the watch's."""


class ResourceClient:
    """Reads objects of any kind, creates them, sets their finalizers, applies and deletes them."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Mapping[str, Any]:
        """Return one object as it is now.

        Raises:
            ObjectGone: it does not exist.
            KubeFailure: it could not be read.
        """
        answer = await self._client.request(Call(KubeVerb.GET, resource, namespace, name))
        return answer.body

    async def list_all(
        self, resource: Resource, namespace: str | None = None, *, chunk_size: int = PAGE_SIZE
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield every object of a kind, from one consistent snapshot.

        Args:
            resource: the kind.
            namespace: ``None`` means all namespaces.
            chunk_size: objects per page; a page is held whole, and an object may be 1.5 MB.

        Yields:
            Bodies; other than from ``get`` they carry ``apiVersion`` and ``kind`` only where the server puts them.

        Raises:
            ListExpired: the snapshot expired between two pages (after about 5 min): begin again.
            KubeFailure: a page could not be read; what was yielded is not the whole.
        """
        query = {"limit": str(chunk_size)}
        while True:
            answer = await self._client.request(Call(KubeVerb.LIST, resource, namespace), query=query)
            for body in answer.body["items"]:
                yield body
            following = answer.body["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str]) -> Mapping[str, Any]:
        """Set annotations of this very object, whatever its version, and return it as stored.

        Raises:
            WriteConflict: it is another object of the same name.
            ObjectGone: it does not exist.
            KubeFailure: no permission or no answer; without an answer it may have happened.
        """
        call = Call(KubeVerb.PATCH, ref.resource, ref.namespace, ref.name)
        answer = await self._client.request(call, body={"metadata": {"uid": ref.uid, "annotations": dict(annotations)}})
        return answer.body

    async def set_finalizers(self, ref: ObjectRef, finalizers: tuple[str, ...]) -> Mapping[str, Any]:
        """Replace the whole list of finalizers, if the object is still as ``ref`` says, and return the object.

        Raises:
            WriteConflict: it has changed.
            ObjectGone: it does not exist.
            InvalidWrite: none may be added once the object is being deleted.
            KubeFailure: no permission or no answer; without an answer it may have happened.
        """
        # A merge patch answers 409 when it is stale; a JSON patch with a test would answer 422 for anything.
        metadata = {"uid": ref.uid, "resourceVersion": ref.resource_version, "finalizers": list(finalizers)}
        call = Call(KubeVerb.PATCH, ref.resource, ref.namespace, ref.name)
        answer = await self._client.request(call, body={"metadata": metadata})
        return answer.body

    async def create(self, resource: Resource, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create the object and return it as stored.

        Other than an apply it never touches an object that is somebody else's and happens to have this name.

        Args:
            resource: the kind; ``apiVersion`` and ``kind`` are taken from it.
            body: the object, ``metadata.namespace`` and ``metadata.name`` among it.

        Raises:
            WriteConflict: there is an object of this name, be it from an earlier try of ours.
            QuotaReached: a ResourceQuota of the namespace allows no more.
            InvalidWrite: an admission rule or the schema refuses it.
            ObjectGone: the namespace does not exist.
            KubeFailure: no permission or no answer; without an answer it may have happened.
        """
        call = Call(KubeVerb.CREATE, resource, body["metadata"]["namespace"])
        whole = {**body, "apiVersion": resource.api_version, "kind": resource.kind}
        answer = await self._client.request(call, body=whole)
        return answer.body

    async def apply(self, resource: Resource, body: Mapping[str, Any], *, force: bool = False) -> Mapping[str, Any]:
        """Create the object or set the fields in ``body``, by server-side apply, and return the object as stored.

        The same body again changes nothing, whatever became of the first answer, since its name is the caller's and
        never ``generateName``. A field of ours that ``body`` leaves out is removed. A ``metadata.uid`` or
        ``resourceVersion`` in ``body`` must still be the object's. Nothing in the operator calls this yet, and its role
        grants nothing for it: what makes objects creates them, because one that is there already must stay as it is.

        Args:
            resource: the kind; ``apiVersion`` and ``kind`` are taken from it.
            body: the fields that shall be ours, ``metadata.name`` among them.
            force: take over fields that another manager owns.

        Raises:
            ApplyConflict: another manager owns one of the fields with another value.
            StaleView: a uid or resourceVersion that ``body`` names is not the object's.
            ObjectGone: the namespace does not exist.
            InvalidWrite: the API server refuses what the object would become.
            KubeUnavailable: no permission or no answer; without an answer it may have happened: apply again.
        """
        metadata = body["metadata"]
        call = Call(KubeVerb.APPLY, resource, metadata.get("namespace"), metadata["name"])
        whole = {**body, "apiVersion": resource.api_version, "kind": resource.kind}
        answer = await self._client.request(call, body=whole, query={"force": "true"} if force else None)
        return answer.body

    async def delete(self, ref: ObjectRef) -> None:
        """Delete the object, if it is still as ``ref`` says; finalizers may keep it for a while.

        Raises:
            WriteConflict: it has changed, or is another object of the same name.
            ObjectGone: it does not exist.
            KubeFailure: no permission or no answer; without an answer it may have happened.
        """
        call = Call(KubeVerb.DELETE, ref.resource, ref.namespace, ref.name)
        preconditions = {"uid": ref.uid, "resourceVersion": ref.resource_version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        await self._client.request(call, body=body)
