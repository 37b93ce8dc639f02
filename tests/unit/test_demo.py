"""The demo's table and its verdict; the demo itself is run by hand (``make demo ONCE=1``)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from lab import demo_tenant
from lab.demo_story import PARTS, SPARE, describe_migration, describe_provider, is_over, is_rising, judge
from lab.demo_table import WIDTH, Board, Row, draw_bar, is_live, read_row, render_head, render_row
from log_reading import Terminal
from osmig.api.mapping import parse_mapping
from osmig.api.migration import parse_migration
from osmig.api.names import ControlResult, Phase, Verb
from osmig.api.provider import parse_provider

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
META = {"namespace": "demo", "uid": "u"}
SEEN = {"web-01": [2, 35, 68, 100]}
STARTS = {"web-01": 1, "db-07": 1, "batch-03": 1, "cache-04": 1, "mail-05": 1, "app-02": 0}


def ended(name: str, phase: str, verb: str | None = None, result: str = "Done") -> dict[str, Any]:
    controls = [{"verb": verb, "result": result, "time": "2026-11-21T10:00:00Z"}] if verb else []
    failure = None if phase == "Succeeded" else {"reason": "X", "message": "it went wrong"}
    return {"metadata": {"name": name}, "status": {"phase": phase, "controls": controls, "failure": failure}}


def all_well() -> dict[str, dict[str, Any]]:
    return {part.name: ended(part.name, part.phase, part.verb) for part in PARTS}


def row(percent: int | None = None, phase: str = "Running", name: str = "web-01") -> Row:
    return Row(name=name, phase=phase, percent=percent, source="cmp1", destination="cmp3")


def test_the_widest_row_fits_into_80_columns_behind_its_time() -> None:
    out = io.StringIO()
    orders = [f"{verb} {result}" for verb in Verb for result in ControlResult]
    board = Board(out, live=False, clock=iter(range(0, 9000, 10)).__next__)

    for part in (*PARTS, SPARE):
        for order in orders:
            wide = Row(
                name=part.name, phase=max(Phase, key=len), percent=100, source="cmp1", destination="cmp3", order=order
            )
            board.show([wide])

    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(line.endswith(tuple(orders)) for line in lines[1:]), "an order was cut"


def test_a_row_says_where_the_move_stands() -> None:
    body = {
        "metadata": {"name": "db-07"},
        "status": {
            "phase": "Running",
            "progress": {"percent": 70},
            "placement": {"sourceHost": "cmp2"},
            "controls": [
                {"verb": "abort", "result": "Rejected", "time": "2026-11-21T10:00:00Z"},
                {"verb": "force-complete", "result": "Accepted", "time": "2026-11-21T10:00:09Z"},
            ],
        },
    }

    assert render_row(read_row(body)).split() == [
        *("db-07", "Running", "[#####...]", "70%", "cmp2->?", "force-complete", "Accepted")
    ]


def test_an_object_that_osmig_has_not_seen_shows_as_a_dash() -> None:
    assert read_row({"metadata": {"name": "a"}, "status": {"observedGeneration": -1}}) == Row(name="a")


@pytest.mark.parametrize(
    ("percent", "drawn"),
    [(None, ""), (0, "[........]   0%"), (99, "[#######.]  99%"), (100, "[########] 100%")],
)
def test_the_bar_is_full_at_100_only(percent: int | None, drawn: str) -> None:
    assert draw_bar(percent) == drawn


def test_without_a_terminal_each_change_is_one_plain_line_and_nothing_is_repeated() -> None:
    out = io.StringIO()
    board = Board(out, live=False, clock=iter([0.0, 1.0, 2.0, 3.0]).__next__)

    board.show([row(2), row(name="db-07")])
    board.show([row(2), row(name="db-07")])
    board.show([row(35), row(name="db-07")])

    assert out.getvalue().splitlines() == [
        f"  TIME {render_head()}",
        f"   1 s {render_row(row(2))}",
        f"   2 s {render_row(row(name='db-07'))}",
        f"   3 s {render_row(row(35))}",
    ]


def test_on_a_terminal_the_table_is_redrawn_below_what_is_said() -> None:
    out = Terminal()
    board = Board(out, live=True)
    board.show([row(2)])
    board.say("$ kubectl annotate")
    board.show([row(35)])

    screen = replay(out.getvalue())
    assert screen == ["$ kubectl annotate", "", render_head(), render_row(row(35)), ""]


def test_a_narrow_terminal_cuts_the_lines_instead_of_breaking_them() -> None:
    out = Terminal()
    Board(out, live=True, columns=20).show([row(35)])

    assert max(map(len, replay(out.getvalue()))) == 20


def test_a_closed_board_leaves_the_table_where_it_is() -> None:
    out = Terminal()
    board = Board(out, live=True)
    board.show([row(100, phase="Succeeded")])
    board.close()
    board.say("done")

    assert replay(out.getvalue()) == ["", render_head(), render_row(row(100, phase="Succeeded")), "", "done"]


def replay(text: str) -> list[str]:
    """Return the lines that a terminal shows after ``text``: the only movement is "up n lines, clear to the end"."""
    lines: list[str] = []
    for piece in re.split(r"(\x1b\[\d+F\x1b\[J)", text):
        moved = re.fullmatch(r"\x1b\[(\d+)F\x1b\[J", piece)
        if moved:
            del lines[len(lines) - int(moved[1]) :]
        else:
            lines += ESCAPE.sub("", piece).splitlines()
    return lines


@pytest.mark.parametrize(
    ("stream", "environ", "live"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_only_a_real_terminal_without_no_color_is_redrawn(
    stream: io.StringIO, environ: dict[str, str], *, live: bool
) -> None:
    assert is_live(stream, environ) is live


def test_nothing_is_complained_of_when_every_promise_was_kept() -> None:
    assert judge(all_well(), SEEN, STARTS) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"web-01": ended("web-01", "Failed")}, "web-01 is Failed instead of Succeeded: it went wrong"),
        (
            {"db-07": ended("db-07", "Succeeded", "force-complete", "TooLate")},
            "db-07: force-complete is TooLate instead of Done",
        ),
        ({"batch-03": ended("batch-03", "Aborted")}, "batch-03: abort is not recorded instead of Done"),
        ({"mail-05": ended("mail-05", "Succeeded", "revert")}, "mail-05 is Succeeded instead of Reverted"),
        ({"batch-03": {"metadata": {"name": "batch-03"}}}, "batch-03 is not seen instead of Aborted"),
    ],
)
def test_each_broken_promise_is_named(change: dict[str, dict[str, Any]], complaint: str) -> None:
    complaints = judge(all_well() | change, SEEN, STARTS)

    assert any(said.startswith(complaint) for said in complaints), complaints


@pytest.mark.parametrize("count", [0, 2])
def test_a_start_that_nova_saw_twice_or_never_is_a_broken_promise(count: int) -> None:
    (complaint,) = judge(all_well(), SEEN, STARTS | {"db-07": count})

    assert complaint == f"db-07: Nova was asked {count} times to start, not once"


@pytest.mark.parametrize("figures", [[], [100], [2, 100], [35, 2, 100]])
def test_progress_that_jumps_or_falls_is_a_broken_promise(figures: list[int]) -> None:
    assert not is_rising(figures)
    assert judge(all_well(), {"web-01": figures}, STARTS)


def test_the_story_is_over_only_when_every_migration_has_ended() -> None:
    running = {"metadata": {"name": "db-07"}, "status": {"phase": "Running"}}

    assert is_over(all_well())
    assert not is_over(all_well() | {"db-07": running})
    assert not is_over({})


def test_the_manifests_are_ones_that_osmig_follows() -> None:
    for part in (*PARTS, SPARE):
        body = describe_migration(part)
        assert parse_migration(body | {"metadata": body["metadata"] | META}).spec.source_host == part.host
    provider = describe_provider()
    assert parse_provider(provider | {"metadata": provider["metadata"] | META}).spec.type == "OpenStack"


def test_a_replication_shows_how_many_of_its_parts_are_there() -> None:
    body = {
        "metadata": {"name": "shop-dc2"},
        "status": {"phase": "Running", "progress": {"items": {"of": "networks", "total": 4, "done": 1}}},
    }

    assert render_row(read_row(body)).split() == ["shop-dc2", "Running", "[##......]", "1/4"]


ORDERED: Any = {"method": "POST", "path": "/api/openstack-migrations/"}
LOOKED: Any = {"method": "GET", "path": "/api/openstack-migrations/"}
ROW = {"dst_resource_name": "shop-dc2-0a1b2c3d-1"}


def replicated(phase: str = "Succeeded", result: str = "Pass", name: str = "shop-dc2-0a1b2c3d-1") -> dict[str, Any]:
    status = {"phase": phase, "tenant": {"destinationName": name}, "preflight": [{"check": "Plan", "result": result}]}
    return {"metadata": {"name": "shop-dc2"}, "status": status}


def test_nothing_is_complained_of_when_waldur_was_asked_once_and_made_what_the_status_names() -> None:
    assert demo_tenant.judge(replicated(), [LOOKED, ORDERED, LOOKED], [ROW]) == []


@pytest.mark.parametrize(
    ("body", "requests", "rows", "complaint"),
    [
        (replicated("Failed"), [ORDERED], [ROW], "shop-dc2 is Failed instead of Succeeded: no failure is recorded"),
        (replicated(), [], [ROW], "shop-dc2: Waldur was asked 0 times to replicate, not once"),
        (replicated(), [ORDERED, ORDERED], [ROW], "shop-dc2: Waldur was asked 2 times to replicate, not once"),
        (replicated(), [ORDERED], [], "shop-dc2: Waldur made nothing, the status names shop-dc2-0a1b2c3d-1"),
        (replicated(name="x"), [ORDERED], [ROW], "shop-dc2: Waldur made shop-dc2-0a1b2c3d-1, the status names x"),
        (replicated(result="Fail"), [ORDERED], [ROW], "shop-dc2: the preflight is missing or failed"),
    ],
)
def test_each_broken_promise_of_the_replication_is_named(
    body: dict[str, Any], requests: list[Any], rows: list[dict[str, Any]], complaint: str
) -> None:
    assert demo_tenant.judge(body, requests, rows) == [complaint]


def test_the_manifests_of_the_tenant_are_ones_that_osmig_follows() -> None:
    provider, mapping, migration = (
        body | {"metadata": body["metadata"] | META}
        for body in (
            demo_tenant.describe_waldur("http://127.0.0.1:1"),
            demo_tenant.describe_mapping(),
            demo_tenant.describe_replication(),
        )
    )

    assert parse_provider(provider).spec.secret_name == demo_tenant.SECRET
    assert parse_mapping(mapping).spec.volume_types
    options = parse_migration(migration).spec.tenant
    assert options is not None
    assert options.mapping_ref is not None
    assert options.mapping_ref.name == mapping["metadata"]["name"]
    assert not demo_tenant.is_over(migration)
    assert demo_tenant.is_over(replicated("Aborted"))
