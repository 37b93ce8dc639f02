"""Waldur's answers as read from JSON: unknown keys are dropped, missing and odd ones are unknown.

Only a row's own id is required. A row that is ours must not be overlooked because of a field that nobody needs: a
second order would follow. ``error_traceback`` is not read at all, so that it can reach nobody.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
    model_validator,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidatorFunctionWrapHandler

_logger = logging.getLogger(__name__)


class UnreadableError(ValueError):
    """An answer that is not Waldur's."""


def parse_id(value: object) -> str:
    """Return a UUID without dashes, in lower case.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        message = "not a UUID"
        raise ValueError(message)  # noqa: TRY004 - pydantic takes nothing else for a finding
    return UUID(value).hex


def _none_if_odd(value: object, parse: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - of the field's type
    try:
        return parse(value)
    except ValidationError:
        return None


_Odd = WrapValidator(_none_if_odd)
Id = Annotated[str, BeforeValidator(parse_id)]
AnyId = Annotated[Id | None, _Odd]
AnyText = Annotated[str | None, _Odd]
AnyFlag = Annotated[bool | None, _Odd]
AnyTime = Annotated[AwareDatetime | None, _Odd]
AnyNumbers = Annotated[dict[str, Annotated[float | None, _Odd]] | None, _Odd]


_SCOPE_FIELDS = ("scope", "resource_uuid", "resource_type")


class WireModel(BaseModel):
    """Base of everything read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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
    subnets: Annotated[tuple[SubnetPart, ...] | None, _Odd] = None


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

    detail: str = Field(min_length=1)


Row = TypeVar("Row", bound=WireModel)


def parse_json(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON.

    Raises:
        UnreadableError: it is none.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableError from None


def read_row(model: type[Row], content: bytes) -> Row:
    """Read one object.

    Raises:
        UnreadableError: it is no object, or lacks what is required.
    """
    try:
        return model.model_validate(parse_json(content))
    except ValidationError:
        raise UnreadableError from None


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
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """What one answer holds of a list.

    Attributes:
        rows: what can be read of it, by key.
        keys: of all rows, also of those that cannot be read: their ids, or they themselves where they have none.
        count: of all rows.
    """

    rows: Mapping[str, Row]
    keys: frozenset[str]
    count: int


def read_rows(model: type[Row], content: bytes) -> Page[Row]:
    """Read a list, or a page of it.

    Raises:
        UnreadableError: it is no list.
    """
    given = parse_json(content)
    if not isinstance(given, list):
        raise UnreadableError
    rows: dict[str, Row] = {}
    keys = [_key_of(row) for row in given]
    for key, row in zip(keys, given, strict=True):
        try:
            rows[key] = model.model_validate(row)
        except ValidationError:
            _logger.debug("waldur.row-skipped", extra={"model": model.__name__})
    return Page(rows, frozenset(keys), len(given))


def _key_of(row: object) -> str:
    try:
        return parse_id(row.get("uuid") if isinstance(row, dict) else None)
    except ValueError:
        return json.dumps(row, sort_keys=True)


def find_linked_id(link: str | None) -> str | None:
    """Return the id at the end of a link such as ``…/api/openstack-tenants/<id>/``."""
    try:
        return parse_id((link or "").rstrip("/").rpartition("/")[2])
    except ValueError:
        return None
