"""Status writes by compare-and-swap."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from osmig.kube.refs import Call, KubeVerb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.kube.client import KubeClient
    from osmig.kube.refs import ObjectRef

_logger = logging.getLogger(__name__)
_MAX_WARNINGS = 100


class StatusWriter:
    """Puts whole statuses; what a status leaves out is gone afterwards.

    PUT on ``/status`` with uid and resourceVersion is the cheapest write that cannot forget its precondition: a stale
    view or another uid is a 409, a missing version a 422; spec and metadata of the object stay.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._reported: set[str] = set()

    async def put(self, ref: ObjectRef, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace the status if the object is still as ``ref`` says, and return the object as stored.

        Raises:
            WriteConflict: it has changed, or is another object of the same name.
            ObjectGone: it does not exist.
            InvalidWrite: the schema refuses the status.
            KubeFailure: no permission or no answer; without an answer the write may have happened.
        """
        call = Call(KubeVerb.UPDATE, ref.resource, ref.namespace, ref.name, subresource="status")
        body = {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {
                "name": ref.name,
                "namespace": ref.namespace,
                "uid": ref.uid,
                "resourceVersion": ref.resource_version,
            },
            "status": status,
        }
        answer = await self._client.request(call, body=body, query={"fieldValidation": "Warn"})
        self._report_pruned(ref.kind, answer.warnings)
        return answer.body

    def _report_pruned(self, kind: str, warnings: tuple[str, ...]) -> None:
        """Say once per text that the installed CustomResourceDefinition does not know what we write."""
        for warning in warnings:
            if warning not in self._reported and len(self._reported) < _MAX_WARNINGS:
                self._reported.add(warning)
                _logger.error("status.pruned", extra={"kind": kind, "warning": warning})
