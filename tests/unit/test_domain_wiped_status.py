"""A status from which the record of a start was removed: nothing is sent a second time."""

from __future__ import annotations

import pytest

from decided import decide
from domain_samples import NOW, observe, pre_start, reason_of
from osmig.api.migration import MigrationStatus
from osmig.api.names import Phase, Reason
from osmig.drivers.servers.calls import StartCall


@pytest.mark.parametrize("phase", [None, Phase.STARTING, Phase.RUNNING, Phase.ABORTING])
def test_a_start_without_intent_and_record_is_never_repeated(phase: Phase | None) -> None:
    decision = decide(observe(MigrationStatus(start_time=NOW, phase=phase), pre_start=pre_start()))

    assert decision.call is None
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.RECORD_GONE)


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.QUEUED])
def test_a_start_that_certainly_came_to_nothing_is_sent_again(phase: Phase) -> None:
    decision = decide(observe(MigrationStatus(start_time=NOW, phase=phase), pre_start=pre_start()))

    assert isinstance(decision.call, StartCall)


def test_an_object_that_is_being_deleted_is_left_alone_whatever_its_status_lost() -> None:
    status = MigrationStatus(start_time=NOW)

    assert decide(observe(status, deleting=True, pre_start=pre_start())).status == status
