"""A list of mailboxes: what is read of it, what is wrong with it by rows, and that no word of it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osmig.drivers.mailboxes.policy.csv_list import MAX_BYTES, MAX_PROBLEMS, read_list

ROW = "a@example.org;ann;hunter2;imap.example.net"
MASTER = "a@example.org;ann;master;hunter2;imap.example.net"


def rows_of(count: int) -> bytes:
    return "\n".join(f"u{number}@example.org;u;p;imap.example.net" for number in range(count)).encode()


def problems(text: str | bytes) -> list[tuple[int, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(problem.row, problem.text) for problem in read_list(raw).problems]


@pytest.mark.parametrize(
    "text",
    [
        ROW,
        f"{ROW}\n",
        f"{ROW}\r\n",
        f"\ufeff{ROW}",
        f"{ROW}\n\nb@example.org;b;p;imap.example.net:993\n\n",
        MASTER,
        'a@example.org;ann;"hun;ter""2";192.0.2.7',
        "a@example.org;ann;pä ss;[2001:db8::7]",
        "A.B+c@sub.example.org;DOMAIN\\ann;p;imap",
    ],
    ids=["a row", "newline", "crlf", "bom", "blank rows", "master user", "quotes", "signs", "odd names"],
)
def test_a_good_list_has_no_problem(text: str) -> None:
    assert problems(text) == []


def test_the_mark_of_a_spreadsheet_is_not_sent() -> None:
    assert read_list(f"\ufeff{ROW}".encode()).content == ROW


def test_five_hundred_rows_are_taken_and_one_more_is_not() -> None:
    assert (problems(rows_of(500)), read_list(rows_of(500)).rows) == ([], 500)
    assert problems(rows_of(501)) == [(0, "more than 500 rows; make several lists, and a Migration of each")]


@pytest.mark.parametrize(
    ("text", "row", "told"),
    [
        ("", 0, "the list is empty"),
        ("\n\n", 0, "the list is empty"),
        (b"x" * (MAX_BYTES + 1), 0, "the list is longer than 512 KiB"),
        (f"{ROW}\nb@example.org;b;p\xe4;s".encode("latin-1"), 2, "not in UTF-8"),
        (ROW.encode("utf-16"), 1, "not in UTF-8"),
        (ROW.replace(";", ","), 1, "1 fields in place of 4"),
        (f"{ROW};more;again", 1, "6 fields in place of 4"),
        (f"{ROW}\n{MASTER.replace('a@', 'b@')}", 2, "not as many fields as the first row has"),
        ("a@example.org;;p;s", 1, "the field 2 is empty"),
        ("a@example.org;u; ;s", 1, "the field 3 is empty"),
        ("local;user;password;server", 1, "the local address is no address; a list has no heading"),
        ("a@example;u;p;s", 1, "the local address is no address"),
        ("a@example.org;u;p;im ap", 1, "the remote server is neither a name nor an address"),
        (f"a@example.org;u;{'p' * 513};s", 1, "the field 3 is longer than 512 characters"),
        ("a@example.org;u;p\x07;s", 1, "the field 3 has a sign that cannot be printed"),
        (f"{ROW}\n{ROW.replace('a@', 'A@')}", 2, "the same local address as in row 1"),
        ('a@example.org;u;"p"x;s', 1, "the quotes do not fit"),
        ('a@example.org;u;"p;s', 1, "the quotes do not fit"),
        (f'{ROW}\nb@example.org;u;"p\nq";s', 2, "a field goes on in the next line"),
        (f"a@example.org;u;{'p' * 200_000};s", 1, "the quotes do not fit"),
    ],
)
def test_what_is_wrong_is_told_by_its_row(text: str | bytes, row: int, told: str) -> None:
    first = problems(text)[0]
    assert first[0] == row
    assert first[1].startswith(told)


def test_many_problems_are_told_by_the_first_few() -> None:
    assert len(problems("\n".join(f"x;y;z{number}" for number in range(400)))) == MAX_PROBLEMS


@given(st.binary(max_size=400) | st.text(alphabet='a@.;"\n\r\0é', max_size=200).map(str.encode))
def test_whatever_is_in_a_list_it_is_judged_without_an_exception(raw: bytes) -> None:
    reading = read_list(raw)
    assert reading.rows or reading.problems


def test_neither_a_password_nor_an_address_is_shown() -> None:
    reading = read_list(f'{ROW}\n{ROW}\nbob@example.org;b;"hunter2"x;s'.encode())
    shown = repr(reading) + "".join(problem.text for problem in reading.problems)
    assert not [word for word in ("hunter2", "example", "ann", "bob") if word in shown]
