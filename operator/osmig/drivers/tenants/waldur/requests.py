"""Every request that osmig makes of Waldur, as a table: tests hold it to the recording and the generated client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from osmig.domain.calls import Operation
from osmig.net.requests import Request, Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.api.mappings import Mappings
    from osmig.drivers.tenants.views import ReplicaJob

PAGE_ROWS = 100
"""As many rows a page as every server grants; one that grants fewer counts or links its pages."""

_RUNS = "/api/openstack-migrations/"
_RESOURCE = "/api/marketplace-resources/{id}/"
_OFFERING = "/api/marketplace-public-offerings/{id}/"
_VOLUME_TYPES = "/api/openstack-volume-types/"


@dataclass(frozen=True, slots=True)
class Template:
    """A request but for the id that it is about, and the body.

    Attributes:
        operation: in our words, for metrics and errors.
        method: in upper case.
        path: with ``{id}`` where the id belongs, if it belongs there.
        of: the parameter that holds the id where the path does not.
        fields: of each row; without any, Waldur sends them all.
        parameters: that are always the same.
        size: how much the answer holds.
    """

    operation: str
    method: str
    path: str
    of: str = ""
    fields: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    size: Size = field(default=Size.ONE, kw_only=True)

    def about(self, target_id: str = "", body: Mapping[str, Any] | None = None) -> Request:
        """Fill in the id, in Waldur's own form, and the body.

        Raises:
            ValueError: the id is no UUID, and could lead elsewhere.
        """
        uuid = str(UUID(target_id)) if target_id else ""
        asked = tuple(("field", name) for name in self.fields)
        narrowed = ((self.of, uuid),) if self.of else ()
        return Request(
            operation=self.operation,
            method=self.method,
            path=self.path.format(id=uuid),
            parameters=(*self.parameters, *asked, *narrowed),
            body=body,
            size=self.size,
        )


_RESOURCE_FIELDS = ("uuid", "name", "state", "scope", "resource_uuid", "resource_type", "offering_type", "limits")
_NETWORK_FIELDS = ("uuid", "name", "state", "tenant_uuid", "subnets")
_STATE_FIELDS = ("state", "error_message")
_ONE_ROW = (("page_size", "1"),)

PING = Template("ping", "GET", _RUNS, parameters=_ONE_ROW)
READ_USER = Template("read-user", "GET", "/api/users/me/", fields=("uuid", "is_staff", "is_support"))
LIST_TOKENS = Template("list-tokens", "GET", "/api/personal-access-tokens/", size=Size.PAGES)
"""Documented, never recorded (osmig.drivers.tenants.waldur.tokens)."""
READ_VERSION = Template("read-version", "GET", "/api/version/")
LIST_RUNS = Template("list-runs", "GET", _RUNS, "src_resource_uuid", size=Size.PAGES)
LIST_ALL_RUNS = Template("list-all-runs", "GET", _RUNS, size=Size.PAGES)
READ_RUN = Template("read-run", "GET", f"{_RUNS}{{id}}/")
READ_SOURCE = Template("read-source", "GET", _RESOURCE, fields=_RESOURCE_FIELDS)
READ_REPLICA = Template("read-replica", "GET", _RESOURCE, fields=_RESOURCE_FIELDS)
READ_TENANT = Template("read-tenant", "GET", "/api/openstack-tenants/{id}/", fields=_STATE_FIELDS)
READ_ORDER = Template("read-order", "GET", "/api/marketplace-orders/{id}/", fields=_STATE_FIELDS)
READ_OFFERING = Template("read-offering", "GET", _OFFERING, fields=("name", "state", "type"))
LIST_PLANS = Template("list-plans", "GET", f"{_OFFERING}plans/", size=Size.ALL)
LIST_NETWORKS = Template(
    "list-networks", "GET", "/api/openstack-networks/", "tenant_uuid", _NETWORK_FIELDS, size=Size.PAGES
)
LIST_SUBNETS = Template(
    "list-subnets", "GET", "/api/openstack-subnets/", "tenant_uuid", ("uuid", "state"), size=Size.PAGES
)
LIST_TENANT_TYPES = Template("list-volume-types", "GET", _VOLUME_TYPES, "tenant_uuid", size=Size.PAGES)
LIST_OFFERING_TYPES = Template("list-volume-types", "GET", _VOLUME_TYPES, "offering_uuid", size=Size.PAGES)
LIST_ALL_TYPES = Template("list-volume-types", "GET", _VOLUME_TYPES, size=Size.PAGES)
REPLICATE = Template(Operation.REPLICATE, "POST", _RUNS)
DELETE_RUN = Template(Operation.DELETE_RECORD, "DELETE", f"{_RUNS}{{id}}/")
TERMINATE = Template(Operation.TERMINATE, "POST", f"{_RESOURCE}terminate/")

TEMPLATES = (
    PING,
    READ_USER,
    LIST_TOKENS,
    READ_VERSION,
    LIST_RUNS,
    LIST_ALL_RUNS,
    READ_RUN,
    READ_SOURCE,
    READ_REPLICA,
    READ_TENANT,
    READ_ORDER,
    READ_OFFERING,
    LIST_PLANS,
    LIST_NETWORKS,
    LIST_SUBNETS,
    LIST_TENANT_TYPES,
    LIST_OFFERING_TYPES,
    LIST_ALL_TYPES,
    REPLICATE,
    DELETE_RUN,
    TERMINATE,
)
"""All there are: no other request leaves the adapter."""


def turn_to(request: Request, page: int) -> Request:
    """Ask for one page of a list, from 1."""
    return request.put_first(("page", str(page)), ("page_size", str(PAGE_ROWS)))


def order_replica(job: ReplicaJob) -> Request:
    """Order a replication; without a description, which every server answers with 500."""
    body = {
        "src_resource": str(UUID(job.source_resource)),
        "dst_offering": str(UUID(job.destination_offering)),
        "dst_plan": str(UUID(job.destination_plan)),
        "name": job.name,
        "mappings": _write_mappings(job.mappings),
    }
    return REPLICATE.about(body=body)


def order_termination(resource_id: str) -> Request:
    """Order the end of a resource."""
    return TERMINATE.about(resource_id, body={})


def _write_mappings(mappings: Mappings) -> dict[str, Any]:
    """Write down only what is mapped: an empty list of networks would mean all of them, too."""
    lists: dict[str, list[Any]] = {
        "volume_types": [
            {"src_type_uuid": str(UUID(pair.source_type)), "dst_type_uuid": str(UUID(pair.destination_type))}
            for pair in mappings.volume_types
        ],
        "subnets": [{"src_cidr": pair.source_cidr, "dst_cidr": pair.destination_cidr} for pair in mappings.subnets],
        "networks": [str(UUID(network)) for network in mappings.networks],
    }
    flags = {
        "skip_connection_extnet": mappings.skip_connection_extnet,
        "sync_instance_ports": mappings.sync_instance_ports,
    }
    return {name: rows for name, rows in lists.items() if rows} | flags
