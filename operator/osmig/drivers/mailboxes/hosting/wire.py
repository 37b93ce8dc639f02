"""The service's answers as read from JSON: unknown keys are dropped, missing and odd ones are unknown.

Only documentation is known. A job is required to have no more than its code: one that is ours must not be overlooked
because of a field that nobody needs, for a second job would follow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import AliasChoices, BeforeValidator, Field

from osmig.net import wire
from osmig.net.bounds import MAX_ROWS
from osmig.net.json_reading import UnreadableError, parse_json
from osmig.net.wire import ODD_IS_NONE, AnyFlag, AnyText, AnyTime, WireModel

if TYPE_CHECKING:
    from osmig.net.paging import Page
    from osmig.net.wire import Row

_MAX_ERRORS = 20


def _read_code(value: object) -> str:
    """Return a job's code.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value):
        message = "not a code"
        raise ValueError(message)
    return str(value)


Code = Annotated[str, BeforeValidator(_read_code)]
AnyCount = Annotated[Annotated[int, Field(ge=0, le=10**9)] | None, ODD_IS_NONE]


class JobRow(WireModel):
    """One job."""

    code: Code
    status: AnyText = None
    status_detail: AnyText = None
    csv_file_name: AnyText = None
    original_csv_file_name: AnyText = None
    resources: AnyCount = None
    resources_has_errors: AnyFlag = None
    can_delete: AnyFlag = None
    is_late: AnyFlag = None
    admin_first_execution_override: AnyFlag = None
    admin_second_execution_override: AnyFlag = None
    first_execution_date: AnyTime = None
    second_execution_date: AnyTime = None
    created_at: AnyTime = None
    updated_at: AnyTime = None


class MailboxRow(WireModel):
    """One mailbox of a job."""

    code: Annotated[Code | None, ODD_IS_NONE] = None
    status: AnyText = None
    local_email: AnyText = None
    error_details: Annotated[tuple[AnyText, ...] | None, ODD_IS_NONE] = None


class CreatedRow(WireModel):
    """The answer to an order; older servers tell the code in the header Location alone."""

    resource_code: Annotated[Code | None, ODD_IS_NONE] = Field(
        default=None, validation_alias=AliasChoices("resource_code", "code")
    )


class ObjectionRow(WireModel):
    """A field that the service objects to; its description may hold an address and is not read."""

    field: AnyText = None


class ErrorRow(WireModel):
    """An error in the service's own form; its message may hold an address and is not read."""

    message: AnyText
    errors: Annotated[tuple[ObjectionRow, ...] | None, ODD_IS_NONE] = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields named, once each."""
        return tuple(dict.fromkeys(row.field for row in (self.errors or ())[:_MAX_ERRORS] if row.field))


class _Pagination(WireModel):
    total_records: AnyCount = None


class _Envelope(WireModel):
    pagination: Annotated[_Pagination | None, ODD_IS_NONE] = None


def read_page(model: type[Row], content: bytes, *, max_rows: int = MAX_ROWS) -> Page[Row]:
    """Read a page of a list, of so many rows at most; one odd row hides no other.

    Raises:
        UnreadableError: it is no list in the service's form.
        TooManyRowsError: it has more rows.
    """
    given = parse_json(content)
    if not isinstance(given, dict):
        raise UnreadableError
    page = wire.read_rows(model, given.get("resources"), _key_of, max_rows=max_rows)
    pagination = _Envelope.model_validate(given).pagination
    return replace(page, total=pagination.total_records if pagination is not None else None)


def read_single(model: type[Row], content: bytes) -> Row | None:
    """Read one object, which the service wraps as a list of one row; ``None`` for a list without.

    Raises:
        UnreadableError: it is no object, or another number of them.
    """
    given = parse_json(content)
    if not isinstance(given, dict):
        raise UnreadableError
    if "resources" not in given or not isinstance(given["resources"], list):
        return wire.read_row(model, content)
    rows = tuple(read_page(model, content).rows.values())
    if len(given["resources"]) > 1 or (given["resources"] and not rows):
        raise UnreadableError
    return rows[0] if rows else None


def _key_of(row: object) -> str | None:
    try:
        return _read_code(row.get("code") if isinstance(row, dict) else None)
    except ValueError:
        return None
