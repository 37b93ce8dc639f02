"""A Waldur that answers, but slowly: lists of a source with many records take longer than any other request may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e_operator import READ_S
from e2e_status import condition, outcome
from e2e_waldur import orders, replicate, requests
from lab.waiting import eventually

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.waldur import WaldurLab

LIST_S = 7.0
"""So long a list of 40 records took on a busy server (docs/waldur.md: Limits)."""
OF_THE_SOURCE = "src_resource_uuid"


def test_slow_lists_of_a_source_with_many_records_make_nothing_not_ready(owner: Tenant, waldur: WaldurLab) -> None:
    assert LIST_S > READ_S, "any other request would have been given up"
    waldur.control.seed(count=40, steps=3)
    before = condition(owner.provider("waldur")["status"], "Ready")
    waldur.control.fault(path=OF_THE_SOURCE, method="GET", action="pass", delay_s=LIST_S, count=0)
    moves = [replicate(owner, name=f"copy-{number}") for number in range(2)]

    eventually(lambda: len(orders(waldur)) == len(moves), what="both orders")
    # each Migration reads the list once before its order, and once more only after an answer that was lost
    lists = [one for one in requests(waldur, "GET") if OF_THE_SOURCE in {name for name, _ in one["query"]}]
    assert len(lists) <= len(moves)
    assert condition(owner.provider("waldur")["status"], "Ready") == before
    made = [row["uuid"] for row in waldur.control.rows()][-len(moves) :]
    for row in made:
        waldur.control.advance(str(row), 3)
    assert [outcome(move.until_finished()) for move in moves] == [("Succeeded", "Succeeded")] * len(moves)
