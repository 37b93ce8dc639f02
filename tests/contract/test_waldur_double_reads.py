"""The lab's Waldur answers every read, order and termination as the real one did, to each role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab.waldur import WaldurLab
from lab.waldurlab import recorded_catalogue as world
from waldur_reads import ACTS, PAIRS, TIED, is_of_first_world, roles_of, seed_old_rows
from waldur_recording import load
from waldur_scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.waldurlab.server import Age
    from waldur_recording import Pair

OF_FIRST_WORLD = [pair for pair in PAIRS if is_of_first_world(pair)]
OTHERS = [pair for pair in PAIRS if pair not in OF_FIRST_WORLD]


@pytest.fixture(scope="module")
def first_world() -> Iterator[WaldurLab]:
    """The world before the first order, with 473 rows of migrations; only for reading."""
    with WaldurLab(world="recorded") as lab:
        seed_old_rows(lab)
        yield lab


@pytest.mark.parametrize("pair", OF_FIRST_WORLD, ids=lambda pair: pair["label"])
def test_a_read_of_the_world_is_answered_as_it_was_recorded(pair: Pair, first_world: WaldurLab) -> None:
    for user in roles_of(pair):
        found = Scene(first_world).compare(pair, user)

        assert found == [], f"as {user}: {found}"


@pytest.mark.parametrize("pair", OTHERS, ids=lambda pair: pair["label"])
def test_what_orders_make_is_answered_as_it_was_recorded(pair: Pair) -> None:
    age: Age = "before-7.7" if "server without" in pair["label"] else "current"
    with WaldurLab(world="recorded", age=age) as lab:
        scene = Scene(lab)
        scene.prepare(pair)
        for user in roles_of(pair):
            scene.reach(pair, user)

            found = scene.compare(pair, user)

            assert found == [], f"as {user}: {found}"


def test_no_recorded_answer_is_missing_and_nothing_is_arranged_that_no_pair_needs() -> None:
    labels = [pair["label"] for pair in PAIRS]

    assert (len(PAIRS), sum(len(list(roles_of(pair))) for pair in PAIRS)) == (370, 531)
    assert (len(OF_FIRST_WORLD), len(OTHERS)) == (202, 168)
    assert len(set(labels)) == len(labels)
    assert set(labels) >= TIED
    assert [part for part in ACTS if not any(part in pair["label"] for pair in OTHERS)] == []


def test_the_world_has_the_recorded_ids_under_their_names() -> None:
    made = r"(run|replica|tenant of) .*|run_(owner|rival)"
    named = {name: uuid for name, uuid in load("waldur_reads_ids.json").items() if not re.fullmatch(made, name)}
    assert len(named) > 80

    for name, uuid in named.items():
        kind, _, user = name.partition(" ")
        stem, _, number = name.rstrip("]").partition("[")
        if kind == "user":
            assert world.USERS[user] == uuid
        elif number:
            assert getattr(world, stem.upper())[int(number)] == uuid
        else:
            assert getattr(world, name.upper()) == uuid, name


def test_the_comparison_sees_another_row_a_missing_header_and_another_state(first_world: WaldurLab) -> None:
    pair = next(pair for pair in PAIRS if pair["label"] == "networks: two, as staff")
    response = pair["response"]
    first = response["body"][0]

    def compare(**changed: object) -> list[str]:
        return Scene(first_world).compare({**pair, "response": {**response, **changed}}, "staff")

    assert compare() == []
    assert compare(body=response["body"][::-1])
    assert compare(body=[{**first, "state": "ERRED"}, response["body"][1]])
    assert compare(headers={**response["headers"], "allow": "GET"})
    assert compare(headers={name: value for name, value in response["headers"].items() if name != "link"})
    assert compare(status=404)
    assert compare(rows=3)
