"""Which run is this Migration's: of an earlier life any attempt, of a later attempt only its own."""

from __future__ import annotations

from typing import Any

import pytest

from osmig.drivers.tenants.policy import choosing
from osmig.drivers.tenants.views import ReplicaStage, RunStage, RunView
from replication_samples import BASE, OFFERING, PLAN, run

OK = (RunStage.OK, ReplicaStage.OK)
ERRED = (RunStage.ERRED, ReplicaStage.ERRED)
CREATING = (RunStage.CREATING, ReplicaStage.CREATING)


def row(
    id: str,  # noqa: A002 - its name in the row
    name: str | None,
    pair: tuple[RunStage, ReplicaStage] = CREATING,
    **changes: Any,  # noqa: ANN401 - its other fields
) -> RunView:
    return run(*pair, id=id, replica_name=name, **changes)


def choose(*runs: RunView, attempt: int = 1) -> choosing.Choice | None:
    return choosing.choose(runs, base=BASE, offering=OFFERING, attempt=attempt)


@pytest.mark.parametrize(
    ("runs", "chosen", "attempt", "others"),
    [
        ([], None, 0, ()),
        ([row("a", f"{BASE}-1")], "a", 1, ()),
        ([row("a", f"{BASE}-1_xyz")], "a", 1, ()),
        ([row("a", f"{BASE}-1", OK), row("b", f"{BASE}-2")], "a", 1, ()),
        ([row("a", f"{BASE}-1", ERRED), row("b", f"{BASE}-2", OK), row("c", f"{BASE}-3", ERRED)], "b", 2, ()),
        ([row("a", f"{BASE}-1", OK), row("b", f"{BASE}-3", OK)], "b", 3, ()),
        ([row("a", f"{BASE}-1", ERRED), row("b", f"{BASE}-10"), row("c", f"{BASE}-9")], "b", 10, ()),
        ([row("a", f"{BASE}-1"), row("b", f"{BASE}-1"), row("c", f"{BASE}-1_x")], "a", 1, ("b", "c")),
        ([row("a", f"{BASE}-1", ERRED), row("b", f"{BASE}-1", OK)], "b", 1, ("a",)),
        ([row("a", f"{BASE}-1", (RunStage.OK, ReplicaStage.TERMINATED)), row("b", f"{BASE}-2")], "b", 2, ()),
        ([row("a", "other-1"), row("b", None), row("c", BASE), row("d", f"x{BASE}-1")], None, 0, ()),
        ([row("a", f"{BASE}-1", offering_id=PLAN.replace("-", ""))], None, 0, ()),
    ],
    ids=[
        "nothing",
        "one",
        "renamed by Keystone",
        "a success goes before a newer attempt",
        "a success between failures",
        "the newest success",
        "else the newest attempt, by number",
        "the oldest of one name",
        "a success of one name",
        "a success that was terminated is none",
        "names of others",
        "another offering",
    ],
)
def test_the_first_attempt_takes_over_what_an_earlier_life_left(
    runs: list[RunView], chosen: str | None, attempt: int, others: tuple[str, ...]
) -> None:
    choice = choose(*runs)
    if choice is None:
        assert chosen is None
        return
    assert (choice.found.id, choice.attempt, choice.others) == (chosen, attempt, others)


def test_a_later_attempt_knows_only_its_own() -> None:
    earlier, later = row("a", f"{BASE}-1", OK), row("c", f"{BASE}-3", OK)
    assert choose(earlier, later, attempt=2) is None
    choice = choose(earlier, row("b", f"{BASE}-2", ERRED), later, attempt=2)
    assert choice is not None
    assert (choice.found.id, choice.attempt) == ("b", 2)


def test_an_offering_is_the_same_with_dashes_and_without() -> None:
    assert choosing.choose([row("a", f"{BASE}-1")], base=BASE, offering=OFFERING.replace("-", ""), attempt=1)


def test_one_of_34_runs_is_found_wherever_it_stands() -> None:
    rows = [row(f"r{number}", f"other-{number}-1") for number in range(34)]
    for place in (0, 9, 10, 33):
        mixed = [*rows[:place], row("ours", f"{BASE}-1"), *rows[place + 1 :]]
        choice = choose(*mixed)
        assert choice is not None
        assert (choice.found.id, choice.others) == ("ours", ())


def test_after_an_order_only_the_very_name_that_was_ordered_is_taken() -> None:
    rows = [row("a", f"{BASE}-1", OK), row("b", f"{BASE}-2_xyz"), row("c", f"{BASE}-2")]
    choice = choosing.find_named(rows, f"{BASE}-2", attempt=2)
    assert choice is not None
    assert (choice.found.id, choice.attempt, choice.others) == ("b", 2, ("c",))
    assert choosing.find_named(rows, f"{BASE}-3", attempt=3) is None
