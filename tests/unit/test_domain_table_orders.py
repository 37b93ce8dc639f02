"""Rows abort, force-complete, confirm, revert and suspend of "What happens when", one test per cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decided import decide
from domain_columns import MOMENTS, TERMINAL, UNDER_WAY, Seen, give, same, see
from domain_samples import ask, observe, pre_start, result_of
from domain_world import World
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.calls import Answer
from osmig.domain.errors import NotInThisState
from osmig.drivers.servers.calls import VerbCall

ABORT, FORCE, CONFIRM, REVERT, RETRY = Verb.ABORT, Verb.FORCE_COMPLETE, Verb.CONFIRM, Verb.REVERT, Verb.RETRY
ACCEPTED, REJECTED, DONE = ControlResult.ACCEPTED, ControlResult.REJECTED, ControlResult.DONE
TOO_LATE, UNSUPPORTED = ControlResult.TOO_LATE, ControlResult.UNSUPPORTED
CALLED_OFF = Seen(Phase.ABORTING, Reason.ABORTING, ACCEPTED, ABORT)
WAITS_TO_CALL_OFF = Seen(Phase.ABORTING, Reason.ABORTING, ACCEPTED, None)

CELLS: dict[Verb, dict[str, Seen]] = {
    ABORT: {
        "before the intent": Seen(Phase.ABORTED, Reason.ABORTED, DONE, None),
        "starting, unknown": same("starting, unknown", ACCEPTED),
        "starting, no record": Seen(Phase.ABORTING, Reason.AWAITING_RECORD, ACCEPTED, None),
        "accepted": WAITS_TO_CALL_OFF,
        "queued": CALLED_OFF,
        "preparing": CALLED_OFF,
        "running": CALLED_OFF,
        "cold running": WAITS_TO_CALL_OFF,
        "post-copy": CALLED_OFF,
        "switching over": CALLED_OFF,
        "cold switching over": WAITS_TO_CALL_OFF,
        "awaiting": Seen(Phase.ABORTING, Reason.REVERTING, ACCEPTED, REVERT),
        "confirming": same("confirming", REJECTED),
        "reverting": same("reverting", REJECTED),
        **{name: same(name, REJECTED) for name in TERMINAL},
    },
    FORCE: {
        "before the intent": Seen(Phase.STARTING, Reason.STARTING, ACCEPTED, "start"),
        **{name: same(name, ACCEPTED) for name in ("starting, unknown", "starting, no record")},
        **{name: same(name, ACCEPTED) for name in ("accepted", "queued", "preparing")},
        "running": same("running", ACCEPTED, FORCE),
        **{name: same(name, TOO_LATE) for name in ("post-copy", "switching over")},
        **{name: same(name, UNSUPPORTED) for name in ("cold running", "cold switching over")},
        **{name: same(name, REJECTED) for name in ("awaiting", "confirming", "reverting", *TERMINAL)},
    },
    CONFIRM: {
        "before the intent": Seen(Phase.STARTING, Reason.STARTING, REJECTED, "start"),
        **{name: same(name, REJECTED) for name in (*UNDER_WAY, *TERMINAL)},
        "awaiting": Seen(Phase.CONFIRMING, Reason.CONFIRMING, ACCEPTED, CONFIRM),
    },
    REVERT: {
        "before the intent": Seen(Phase.STARTING, Reason.STARTING, REJECTED, "start"),
        **{name: same(name, REJECTED) for name in (*UNDER_WAY, *TERMINAL)},
        "awaiting": Seen(Phase.REVERTING, Reason.REVERTING, ACCEPTED, REVERT),
    },
    RETRY: {
        "before the intent": Seen(Phase.STARTING, Reason.STARTING, REJECTED, "start"),
        **{name: same(name, REJECTED) for name in (*UNDER_WAY, "terminal Succeeded")},
        **{name: Seen(Phase.PENDING, Reason.RETRYING, DONE, None) for name in TERMINAL if name != "terminal Succeeded"},
    },
}
ROWS = [(verb, name, expected) for verb, cells in CELLS.items() for name, expected in cells.items()]


@pytest.mark.parametrize(
    ("verb", "name", "expected"), ROWS, ids=[f"{verb}: {name}".replace(" ", "_") for verb, name, _ in ROWS]
)
def test_an_order_does_in_each_column_what_the_table_says(verb: Verb, name: str, expected: Seen) -> None:
    assert see(give(MOMENTS[name], ask(verb)), verb) == expected


@pytest.mark.parametrize("verb", CELLS)
def test_the_table_of_orders_has_every_column(verb: Verb) -> None:
    assert set(CELLS[verb]) == set(MOMENTS)


@pytest.mark.parametrize("name", MOMENTS, ids=[name.replace(" ", "_") for name in MOMENTS])
def test_reconcile_is_done_everywhere_and_changes_nothing(name: str) -> None:
    told, before = give(MOMENTS[name], ask(Verb.RECONCILE)), give(MOMENTS[name])
    assert see(told, Verb.RECONCILE).result is DONE
    assert see(told) == see(before)


@pytest.mark.parametrize("name", ["post-copy", "switching over"])
def test_an_abort_that_the_cloud_refuses_while_it_switches_over_is_too_late(name: str) -> None:
    moment = MOMENTS[name]
    ordered = give(moment, ask(ABORT))
    answer = Answer(
        call=VerbCall(verb=ABORT, record_id="7"), error=NotInThisState("NotInThisState", "no", operation="abort")
    )
    answered = decide(observe(ordered.status, records=moment.world.records, answer=answer))
    assert result_of(answered.status, ABORT) is TOO_LATE


# --- suspend

NO_EFFECT = {name: same(name) for name in (*UNDER_WAY, *TERMINAL)}
SUSPEND = {"before the intent": Seen(Phase.SUSPENDED, Reason.SUSPENDED), **NO_EFFECT}


@pytest.mark.parametrize(("name", "expected"), SUSPEND.items(), ids=[name.replace(" ", "_") for name in SUSPEND])
def test_suspend_holds_back_only_what_was_not_begun(name: str, expected: Seen) -> None:
    assert see(give(MOMENTS[name], wanted={"suspend": True})) == expected


@pytest.mark.parametrize("name", [name for name in TERMINAL if name != "terminal Succeeded"])
def test_suspend_blocks_a_retry_until_it_is_taken_back(name: str) -> None:
    again = give(MOMENTS[name], ask(RETRY), wanted={"suspend": True}).status
    held = replace(MOMENTS[name], status=again, world=World(pre_start=pre_start()))
    assert see(give(held, wanted={"suspend": True})) == Seen(Phase.SUSPENDED, Reason.SUSPENDED)
    assert see(give(held)) == Seen(Phase.STARTING, Reason.STARTING, None, "start")
