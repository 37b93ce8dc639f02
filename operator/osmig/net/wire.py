"""JSON of a stranger's server, read tolerantly: unknown keys are dropped, missing and odd values are unknown."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, WrapValidator

from osmig.net.paging import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ValidatorFunctionWrapHandler

_logger = logging.getLogger(__name__)


class UnreadableError(ValueError):
    """An answer that is not in the form of the server that is asked for."""


def _none_if_odd(value: object, parse: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - of the field's type
    try:
        return parse(value)
    except ValidationError:
        return None


ODD_IS_NONE = WrapValidator(_none_if_odd)
AnyText = Annotated[str | None, ODD_IS_NONE]
AnyFlag = Annotated[bool | None, ODD_IS_NONE]
AnyTime = Annotated[AwareDatetime | None, ODD_IS_NONE]
AnyNumbers = Annotated[dict[str, Annotated[float | None, ODD_IS_NONE]] | None, ODD_IS_NONE]


class WireModel(BaseModel):
    """Base of everything read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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


def read_rows(model: type[Row], given: object, key_of: Callable[[object], str | None]) -> Page[Row]:
    """Read a list, or a page of it; one row that cannot be read hides no other.

    Args:
        model: of the rows.
        given: the list, as it came out of the JSON.
        key_of: tells a row's key; ``None`` for a row without, which is then its own key.

    Raises:
        UnreadableError: it is no list.
    """
    if not isinstance(given, list):
        raise UnreadableError
    rows: dict[str, Row] = {}
    keys = [key_of(row) or json.dumps(row, sort_keys=True) for row in given]
    for key, row in zip(keys, given, strict=True):
        try:
            rows[key] = model.model_validate(row)
        except ValidationError:
            _logger.debug("net.row-skipped", extra={"model": model.__name__})
    return Page(rows, frozenset(keys), len(given))
