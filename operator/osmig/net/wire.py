"""JSON of a stranger's server, read tolerantly: unknown keys are dropped, missing and odd values are unknown."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, FiniteFloat, WrapValidator

from osmig.net.bounds import MAX_ROWS
from osmig.net.cleaning import cut_raw
from osmig.net.failures import TooManyRowsError
from osmig.net.json_reading import ODD_VALUE_ERRORS, UnreadableError, parse_json
from osmig.net.paging import Page
from osmig.net.times import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from pydantic import ValidatorFunctionWrapHandler

_logger = logging.getLogger(__name__)


def _none_if_odd(value: object, parse: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - of the field's type
    try:
        return parse(value)
    except ODD_VALUE_ERRORS:
        return None


def _check_year(moment: dt.datetime) -> dt.datetime:
    """Refuse what is nobody's time: at the ends of the calendar no second can be added or taken away.

    Raises:
        ValueError: it is beyond what any server has seen or will see.
    """
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        message = "nobody's time"
        raise ValueError(message)
    return moment


ODD_IS_NONE = WrapValidator(_none_if_odd)
AnyText = Annotated[str | None, AfterValidator(lambda text: None if text is None else cut_raw(text)), ODD_IS_NONE]
AnyFlag = Annotated[bool | None, ODD_IS_NONE]
AnyTime = Annotated[Annotated[AwareDatetime, AfterValidator(_check_year)] | None, ODD_IS_NONE]
AnyNumbers = Annotated[dict[str, Annotated[FiniteFloat | None, ODD_IS_NONE]] | None, ODD_IS_NONE]


class WireModel(BaseModel):
    """Base of everything read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Row = TypeVar("Row", bound=WireModel)
Given = TypeVar("Given")
Made = TypeVar("Made")


def read_row(model: type[Row], content: bytes) -> Row:
    """Read one object.

    Raises:
        UnreadableError: it is no object, or lacks what is required.
    """
    try:
        return model.model_validate(parse_json(content))
    except ODD_VALUE_ERRORS:
        raise UnreadableError from None


def read_rows(
    model: type[Row], given: object, key_of: Callable[[object], str | None], *, max_rows: int = MAX_ROWS
) -> Page[Row]:
    """Read a list, or a page of it; one row that cannot be read hides no other.

    Args:
        model: of the rows.
        given: the list, as it came out of the JSON.
        key_of: tells a row's key; ``None`` for a row without, which is then its own key.

        max_rows: that were asked for.

    Raises:
        UnreadableError: it is no list.
        TooManyRowsError: it has more rows.
    """
    if not isinstance(given, list):
        raise UnreadableError
    if len(given) > max_rows:
        raise TooManyRowsError(max_rows)
    keys = [key_of(row) or json.dumps(row, sort_keys=True) for row in given]
    found = dict(zip(keys, given, strict=True))
    rows = read_leniently(found.items(), lambda pair: (pair[0], model.model_validate(pair[1])), of=model.__name__)
    return Page(dict(rows), frozenset(keys), len(given))


def read_leniently(given: Iterable[Given], read: Callable[[Given], Made], *, of: str) -> list[Made]:
    """Read each of several things; one that cannot be read hides no other, and is counted in a warning.

    Args:
        given: rows of a stranger's list.
        read: makes something of one; raises any of ``ODD_VALUE_ERRORS`` for one that it does not understand.
        of: what they are, for the warning.
    """
    made, odd = [], 0
    for row in given:
        try:
            made.append(read(row))
        except ODD_VALUE_ERRORS:
            odd += 1
    if odd:
        _logger.warning("upstream.rows_dropped", extra={"of": of, "count": odd})
    return made
