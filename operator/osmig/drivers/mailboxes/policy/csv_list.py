"""Read a list of mailboxes and say what is wrong with it, by rows and never by what is in them. Bounded, pure.

The service documents fields with ``;`` between them and ``"`` around those that need it: four, or with a master user
five, of which only the first (the local address) and the last (the remote server) are judged by their form.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from osmig.api.mailboxes import MAX_ROWS
from osmig.drivers.mailboxes.views import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_BYTES = 512 * 2**10
"""A row of 500 may have 1 kB."""

MAX_FIELD = 512
MAX_PROBLEMS = 5
_WIDTHS = frozenset({4, 5})
_BOM = "\ufeff"
_ADDRESS = re.compile(r"[^\s@\"<>,:\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_SERVER = re.compile(r"\[?[A-Za-z0-9][A-Za-z0-9.:-]{0,252}\]?")


@dataclass(slots=True)
class Reading:
    """What a list came to.

    Attributes:
        content: what is to be sent; empty where it cannot be read.
        rows: mailboxes in it.
        row_of: the row of each local address, in lower case.
        problems: the first few.
    """

    content: str = field(default="", repr=False)
    rows: int = 0
    row_of: dict[str, int] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)

    def object(self, row: int, text: str) -> None:
        """Note a problem; the first few tell enough."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(row=row, text=text))


def read_list(raw: bytes) -> Reading:
    """Read a list as its Secret has it."""
    reading = Reading()
    if len(raw) > MAX_BYTES:
        reading.object(0, f"the list is longer than {MAX_BYTES // 2**10} KiB")
        return reading
    try:
        # what some spreadsheets put first would become a part of the first address
        text = raw.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        reading.object(raw.count(b"\n", 0, error.start) + 1, "not in UTF-8")
        return reading
    reading.content = text
    width = 0
    for row, fields in _split(text, reading):
        reading.rows += 1
        if reading.rows > MAX_ROWS:
            reading.object(0, f"more than {MAX_ROWS} rows; make several lists, and a Migration of each")
            break
        width = width or len(fields)
        _judge_row(reading, row, fields, width)
    if not reading.rows and not reading.problems:
        reading.object(0, "the list is empty")
    return reading


def _split(text: str, reading: Reading) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield each row that is not blank with its number, as long as the quotes make sense."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=";", quotechar='"', doublequote=True, strict=True)
    row = 0
    try:
        for fields in reader:
            row += 1
            if reader.line_num != row:
                reading.object(row, "a field goes on in the next line; is a quote missing?")
                return
            if fields:
                yield row, fields
    except csv.Error:
        # its text would show a sign of the row
        text = 'the quotes do not fit, or a field is far too long; put " around the field, and twice where one is meant'
        reading.object(row + 1, text)


def _judge_row(reading: Reading, row: int, fields: Sequence[str], width: int) -> None:
    if len(fields) not in _WIDTHS:
        reading.object(row, f"{len(fields)} fields in place of 4, or of 5 with a master user; ; is put between them")
        return
    if len(fields) != width:
        reading.object(row, "not as many fields as the first row has")
    _judge_fields(reading, row, fields)
    address = fields[0].lower()
    if not _ADDRESS.fullmatch(address):
        reading.object(row, "the local address is no address; a list has no heading")
    if not _SERVER.fullmatch(fields[-1]):
        reading.object(row, "the remote server is neither a name nor an address")
    first = reading.row_of.setdefault(address, row)
    if first != row:
        reading.object(row, f"the same local address as in row {first}")


def _judge_fields(reading: Reading, row: int, fields: Sequence[str]) -> None:
    names = ("local address", *(f"field {number}" for number in range(2, len(fields))), "remote server")
    for name, value in zip(names, fields, strict=True):
        if not value.strip():
            reading.object(row, f"the {name} is empty")
        elif len(value) > MAX_FIELD:
            reading.object(row, f"the {name} is longer than {MAX_FIELD} characters")
        elif not value.isprintable():
            reading.object(row, f"the {name} has a sign that cannot be printed")
