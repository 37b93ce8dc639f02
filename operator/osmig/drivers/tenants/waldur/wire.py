"""Waldur's answers as read from JSON: unknown keys are dropped, missing and odd ones are unknown.

Only a row's own id is required. A row that is ours must not be overlooked because of a field that nobody needs: a
second order would follow. ``error_traceback`` is not read at all, so that it can reach nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from osmig.net import wire
from osmig.net.bounds import MAX_ROWS
from osmig.net.cleaning import cut_raw
from osmig.net.json_reading import ODD_VALUE_ERRORS, UnreadableError, parse_json
from osmig.net.wire import ODD_IS_NONE, AnyFlag, AnyNumbers, AnyText, AnyTime, WireModel

if TYPE_CHECKING:
    from osmig.net.paging import Page
    from osmig.net.wire import Row


def parse_id(value: object) -> str:
    """Return a UUID without dashes, in lower case.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        message = "not a UUID"
        raise ValueError(message)  # noqa: TRY004 - pydantic takes nothing else for a finding
    return UUID(value).hex


Id = Annotated[str, BeforeValidator(parse_id)]
AnyId = Annotated[Id | None, ODD_IS_NONE]

_SCOPE_FIELDS = ("scope", "resource_uuid", "resource_type")


class RunRow(WireModel):
    """A row of ``/api/openstack-migrations/``; servers before 7.6.4 show neither states of the replica nor errors."""

    uuid: Id
    state: AnyText = None
    dst_resource_state: AnyText = None
    dst_resource_uuid: AnyId = None
    dst_resource_name: AnyText = None
    src_resource_uuid: AnyId = None
    dst_offering_uuid: AnyId = None
    created_by_uuid: AnyId = None
    error_message: AnyText = None
    created: AnyTime = None
    modified: AnyTime = None


class ResourceRow(WireModel):
    """A resource of the marketplace.

    Attributes:
        is_scope_gone: Waldur says that nothing is behind the resource any more; not said is not gone.
    """

    uuid: AnyId = None
    name: AnyText = None
    state: AnyText = None
    scope: AnyText = None
    resource_uuid: AnyId = None
    resource_type: AnyText = None
    offering_type: AnyText = None
    limits: AnyNumbers = None
    is_scope_gone: bool = False

    @model_validator(mode="before")
    @classmethod
    def _tell_null_from_untold(cls, given: object) -> object:
        """A null and an absent field read alike afterwards, and mean opposites."""
        if not isinstance(given, dict):
            return given
        return {**given, "is_scope_gone": all(given.get(name, "") is None for name in _SCOPE_FIELDS)}

    @property
    def tenant_id(self) -> str | None:
        """The tenant behind it, told directly or by a link."""
        return self.resource_uuid or find_linked_id(self.scope)


class StateRow(WireModel):
    """How an order stands, or a tenant of OpenStack as Waldur keeps it."""

    state: AnyText = None
    error_message: AnyText = None


class SubnetPart(WireModel):
    """A subnet as shown inside its network."""

    cidr: AnyText = None


class NetworkRow(WireModel):
    """A network with its subnets."""

    uuid: Id
    name: AnyText = None
    state: AnyText = None
    tenant_uuid: AnyId = None
    subnets: Annotated[tuple[SubnetPart, ...] | None, ODD_IS_NONE] = None


class SubnetRow(WireModel):
    """A subnet by itself."""

    uuid: Id
    state: AnyText = None


class NamedRow(WireModel):
    """What an order or its mappings name by id: a plan of an offering, or a volume type."""

    uuid: Id
    name: AnyText = None


class PlanRow(NamedRow):
    """A plan of an offering.

    Attributes:
        is_active: false once its limit of resources is reached.
        archived: it shall not be used any more; Waldur takes an order with it all the same.
    """

    is_active: AnyFlag = None
    archived: AnyFlag = None


class OfferingRow(WireModel):
    """What a tenant can be ordered from."""

    name: AnyText = None
    state: AnyText = None
    type: AnyText = None


class OrderedRow(WireModel):
    """The answer to an order to terminate."""

    order_uuid: AnyId = None


class UserRow(WireModel):
    """Whose token it is; Waldur shows the flags to staff and support only."""

    uuid: AnyId = None
    is_staff: AnyFlag = None
    is_support: AnyFlag = None


class TokenRow(WireModel):
    """A personal access token of the user, by the published description of 8.1.3; never its secret part."""

    uuid: Id
    token_prefix: AnyText = None
    expires_at: AnyTime = None
    is_active: AnyFlag = None


class VersionRow(WireModel):
    """The server's version."""

    version: AnyText = None


class DetailRow(WireModel):
    """An error in Django REST framework's own form."""

    detail: Annotated[str, AfterValidator(cut_raw)] = Field(min_length=1)


def read_created(content: bytes) -> RunRow | None:
    """Read the answer to an order; ``None`` if it names no run, as the API's own description has it.

    Raises:
        UnreadableError: it is no object.
    """
    given = parse_json(content)
    if not isinstance(given, dict):
        raise UnreadableError
    try:
        return RunRow.model_validate(given)
    except ODD_VALUE_ERRORS:
        return None


def read_rows(model: type[Row], content: bytes, *, max_rows: int = MAX_ROWS) -> Page[Row]:
    """Read a list, or a page of it, of so many rows at most.

    Raises:
        UnreadableError: it is no list.
        TooManyRowsError: it has more rows.
    """
    return wire.read_rows(model, parse_json(content), _key_of, max_rows=max_rows)


def _key_of(row: object) -> str | None:
    try:
        return parse_id(row.get("uuid") if isinstance(row, dict) else None)
    except ValueError:
        return None


def find_linked_id(link: str | None) -> str | None:
    """Return the id at the end of a link such as ``…/api/openstack-tenants/<id>/``."""
    try:
        return parse_id((link or "").rstrip("/").rpartition("/")[2])
    except ValueError:
        return None
