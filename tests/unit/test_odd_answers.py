"""Whatever stands in an answer, a translator makes a view of it or refuses it; what it makes can be written down."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import clouds
from osmig.clock import SystemClock
from osmig.domain.errors import BackendError
from osmig.domain.operations import RecordView
from osmig.drivers.servers.nova import explain, synthetic_records, translate
from osmig.drivers.servers.nova.listing import SWEEP_OVERLAP
from osmig.drivers.servers.nova.rows import read_views
from osmig.drivers.servers.nova.texts import known_refusal, known_state
from osmig.drivers.tenants.waldur import texts, wire
from osmig.drivers.tenants.waldur.session import make_access
from osmig.drivers.tenants.waldur.translate import view_run
from osmig.net.answers import Answer
from osmig.net.bounds import LARGE_BYTES, MAX_DEPTH, MAX_VALUES, Timeouts
from osmig.net.connection import Connection
from osmig.net.endpoints import EndpointGuard, EndpointPolicy
from osmig.net.json_reading import ODD_VALUE_ERRORS, UnreadableError, is_bounded, parse_json, take_turn
from osmig.net.limiting import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.net.wire import WireModel

NUMBERS = ("1e400", "-1e400", "NaN", "-Infinity", "9" * 5000, "-" + "9" * 30, "1e-999", "18446744073709551616")
DATES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01", "99999-01-01", "2026-11-21T10:00:00Z")
RAW_TEXTS = (r'"\ud800"', r'"\u0000"', '"' + "x" * 9000 + '"', r'"\\ud800"')

SIGNS = "aZ0é\u4e2d\U0001f600\"'\\\n\x00\u2028 /:-_.<>{}[]=@"

LEAVES = st.one_of(
    st.sampled_from((*NUMBERS, *RAW_TEXTS, *(json.dumps(date) for date in DATES), "null", "true", "0", "-1", '""')),
    st.text(SIGNS, max_size=20).map(json.dumps),
    st.integers().map(str),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
        st.dictionaries(st.sampled_from(("id", "message", "uuid", "x")), inner, max_size=3).map(
            lambda parts: "{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}"
        ),
    ),
    max_leaves=6,
)
"""JSON as it comes, also what Python's own writer would not write."""


@st.composite
def rows_like(draw: st.DrawFn, row: dict[str, object]) -> bytes:
    """A row with some of its values replaced by odd ones."""
    odd = draw(st.dictionaries(st.sampled_from(sorted(row)), VALUES, max_size=4))
    parts = {name: json.dumps(value) for name, value in row.items()} | odd
    return ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in parts.items()) + "}").encode()


def write_down(view: object) -> None:
    """Write a view as statuses, logs and labels would; a sweep moves its times."""
    repr(view).encode()
    if isinstance(view, RecordView) and view.updated is not None:
        assert view.updated - SWEEP_OVERLAP < view.updated + SWEEP_OVERLAP
    json.dumps(str(view), allow_nan=False)


TRANSLATORS: tuple[tuple[dict[str, object], Callable[[Any], object]], ...] = (
    (clouds.SERVER_ROW, translate.to_server),
    (clouds.RECORD_ROW, translate.to_record),
    (clouds.RECORD_ROW, translate.to_progress),
    (clouds.ACTION_ROW, translate.to_action),
    (clouds.ACTION_ROW, explain.explain),
    (clouds.SERVICE_ROW, translate.to_host),
)
MODELS = (
    (clouds.RUN_ROW, wire.RunRow),
    (clouds.RESOURCE_ROW, wire.ResourceRow),
    ({"uuid": "c" * 32, "token_prefix": "t", "expires_at": "2026-11-21T10:00:00Z", "is_active": True}, wire.TokenRow),
    ({"uuid": "c" * 32, "name": "n", "state": "OK", "tenant_uuid": "d" * 32, "subnets": []}, wire.NetworkRow),
)


@pytest.mark.parametrize(("row", "view"), TRANSLATORS, ids=lambda it: getattr(it, "__name__", ""))
@given(data=st.data())
def test_a_row_of_novas_is_a_view_or_refused(
    row: dict[str, object], view: Callable[[Any], object], data: st.DataObject
) -> None:
    given_row = parse_json(data.draw(rows_like(row)))
    try:
        made = view(given_row)
    except ODD_VALUE_ERRORS:
        return
    write_down(made)


@pytest.mark.parametrize(("row", "model"), MODELS, ids=lambda it: getattr(it, "__name__", ""))
@given(data=st.data())
def test_a_row_of_waldurs_is_read_or_left_out(
    row: dict[str, object], model: type[WireModel], data: st.DataObject
) -> None:
    content = b"[%s,%s]" % (data.draw(rows_like(row)), data.draw(VALUES).encode())
    for made in wire.read_rows(model, content).rows.values():
        write_down(view_run(made) if isinstance(made, wire.RunRow) else made)


@given(data=st.data())
def test_a_list_with_odd_rows_is_a_list(data: st.DataObject) -> None:
    good = json.dumps(clouds.RECORD_ROW)
    odd = data.draw(st.lists(VALUES, max_size=4))
    body = parse_json(f'{{"migrations": [{",".join((*odd, good))}]}}'.encode())
    assert "1" in {record.id for record in read_views(body, "migrations", translate.to_record, "sweep")}


@given(value=VALUES)
def test_an_action_and_an_objection_may_be_anything(value: str) -> None:
    parsed = parse_json(value.encode())
    record = RecordView(id="1")
    synthetic_records.judge_by_events(record, {"events": parsed})
    explain.explain({"events": parsed})
    texts.list_objections(parsed)


@given(words=st.text(SIGNS, max_size=50), count=st.integers(1, 2000))
def test_a_text_of_any_length_is_judged(words: str, count: int) -> None:
    known_refusal(words * count)
    known_state(words * count)


@given(content=st.binary(max_size=200) | VALUES.map(str.encode))
def test_whatever_comes_is_json_or_unreadable(content: bytes) -> None:
    try:
        found = parse_json(content)
    except UnreadableError:
        return
    json.dumps(found, allow_nan=False).encode()
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("content", "is_kept"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, True),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), False),
        (b'["' + b"[" * 1000 + b'"]', True),
        (b'["\\"' + b"[" * 1000 + b'"]', True),
        (b"[" + b"0," * (MAX_VALUES - 1) + b"0]", True),
        (b"[" + b"0," * (MAX_VALUES + 1) + b"0]", False),
        (b'["' + b"," * (2 * MAX_VALUES) + b'"]', True),
        (b"<" + b"[" * 1000, True),
    ],
    ids=["deepest", "too deep", "in a text", "behind a quote", "most values", "too many values", "commas", "no JSON"],
)
def test_depth_and_values_are_counted_outside_of_texts(content: bytes, is_kept: bool) -> None:  # noqa: FBT001
    assert is_bounded(content) is is_kept


def test_a_list_of_nothing_but_odd_rows_is_not_novas() -> None:
    with pytest.raises(BackendError):
        read_views({"migrations": [1, None]}, "migrations", translate.to_record, "sweep")


def test_large_bodies_are_computed_on_one_at_a_time_and_half_of_the_time_none_is() -> None:
    """Each thread that computes keeps the event loop waiting, and a hostile cloud answers all the time."""
    body = b"[" + b",".join([b'"x"'] * 100_000) + b"]"
    turns: list[tuple[float, float, float]] = []

    def compute() -> None:
        with take_turn(len(body)):
            began_s, cpu_s = time.monotonic(), time.thread_time()
            for _ in range(30):
                is_bounded(body)
            turns.append((began_s, time.monotonic(), time.thread_time() - cpu_s))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(compute) for _ in range(4)]:
            done.result()
    for (_, ended_s, cpu_s), (next_s, _, _) in pairwise(sorted(turns)):
        assert next_s - ended_s >= 0.9 * cpu_s


def watch_turns(read: Callable[[Callable[[object], None]], object]) -> int:
    """Let four threads read many rows each; count how often another one's turn began."""
    seen: list[int] = []

    def note(_: object) -> None:
        seen.append(threading.get_ident())
        time.sleep(0)  # whoever may, goes on now

    barrier = threading.Barrier(4)

    def begin() -> None:
        barrier.wait()
        read(note)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(begin) for _ in range(4)]:
            done.result()
    return len(list(groupby(seen)))


def test_the_rows_of_large_lists_are_read_one_list_at_a_time_too() -> None:
    body: dict[str, object] = {"migrations": [{}] * 2_000}
    assert watch_turns(lambda note: read_views(body, "migrations", note, "sweep")) == 4


def test_so_are_those_of_every_other_server() -> None:
    large = Answer(200, b" " * (LARGE_BYTES + 1))
    guard = EndpointGuard(EndpointPolicy())

    async def parse(note: Callable[[object], None]) -> None:
        access = make_access("https://192.0.2.1", "t", guard=guard, timeouts=Timeouts())
        limiter = Limiter(1, SystemClock())
        connection = Connection(access, service="s", limiter=limiter, observe=lambda *_: None, name="n")
        await connection.parse(large, lambda _: list(map(note, range(2_000))))
        await connection.close()

    assert watch_turns(lambda note: asyncio.run(parse(note))) == 4
