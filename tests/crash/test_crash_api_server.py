"""The API server fails or refuses: no call without an intent on record, and no second one for want of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash.scene import PATIENT_LEASE

if TYPE_CHECKING:
    from crash.scene import Scene

pytestmark = pytest.mark.timeout(180)
"""Several waits in a row take longer, on a busy machine."""

FAILED = 1


def test_a_conflict_on_the_intent_means_no_call(scene: Scene) -> None:
    operator = scene.start(at="before-intent")
    scene.order()
    operator.wait_reached()
    scene.touch()

    operator.let_go(1)

    operator.wait_reached(2)
    assert scene.sent() == []
    assert "pendingCall" not in scene.migration().get("status", {})
    operator.let_go()
    scene.assert_started_once(operator)


def test_a_conflict_on_the_record_is_merged(scene: Scene) -> None:
    operator = scene.start(at="before-record")
    scene.order()
    operator.wait_reached()
    scene.touch()

    operator.let_go()

    scene.assert_started_once(operator)
    assert scene.migration()["metadata"]["labels"] == {"touched": "yes"}
    # merged, not found again by a look
    assert "MigrationAdopted" not in scene.wait_for_event("MigrationSucceeded")


def test_an_intent_that_cannot_be_written_means_no_call(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    operator = scene.start(at="before-intent")
    scene.order()
    operator.wait_reached()
    scene.stop_apiserver()

    operator.let_go(1)

    operator.wait_reached(2)
    assert scene.sent() == []
    operator.let_go()
    scene.start_apiserver()
    scene.assert_started_once(operator)


def test_an_api_server_restarted_between_intent_and_record_costs_no_second_start(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    operator = scene.start(at="after-call")
    scene.order()
    operator.wait_reached()
    scene.stop_apiserver()

    operator.let_go()

    scene.start_apiserver()
    scene.assert_started_once(operator)


def test_an_api_server_restarted_in_mid_flight_costs_no_second_start(scene: Scene) -> None:
    scene.adjust(PATIENT_LEASE)
    scene.nova.control.plan(scene.server, "hang")
    operator = scene.start()
    scene.order()
    scene.wait_for("jsonpath={.status.phase}=Running")

    scene.stop_apiserver()
    scene.start_apiserver()

    scene.finish_move()
    scene.assert_started_once(operator)


def test_an_api_server_gone_for_longer_than_the_renew_deadline_ends_the_process_and_the_next_goes_on(
    scene: Scene,
) -> None:
    operator = scene.start(at="after-call")
    scene.order()
    operator.wait_reached()
    scene.stop_apiserver()

    operator.let_go()

    assert operator.wait_ended(timeout_s=10) == FAILED
    scene.start_apiserver()
    scene.assert_started_once(scene.start())
