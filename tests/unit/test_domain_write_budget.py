"""What is written when: facts at once, words and numbers seldom, and nothing for nothing."""

from __future__ import annotations

import math

import pytest

from domain_samples import NOW, control, intent, started, status_in, stored
from osmig.api.migration import MigrationStatus, Progress, ServerFacts, UpstreamFacts
from osmig.api.names import ControlResult, Phase, Verb
from osmig.domain.write_budget import Urgency, judge

BEFORE = started(progress=Progress(percent=40, sample_time=NOW))
NOW_, LATER = Urgency.NOW, Urgency.LATER


def changed(**changes: object) -> MigrationStatus:
    return BEFORE.model_copy(update=changes)


def worded(message: str) -> MigrationStatus:
    first, *rest = BEFORE.conditions
    return changed(conditions=(first.model_copy(update={"message": message}), *rest))


@pytest.mark.parametrize("age_s", [0.0, 15.0, 1e6, math.inf])
def test_what_did_not_change_is_never_written(age_s: float) -> None:
    assert judge(BEFORE, stored(BEFORE), age_s=age_s) is LATER


@pytest.mark.parametrize(("age_s", "urgency"), [(60.0, LATER), (599.0, LATER), (600.0, NOW_)])
def test_other_words_for_the_same_wait_in_the_queue_are_written_every_ten_minutes(
    age_s: float, urgency: Urgency
) -> None:
    queued = status_in(Phase.QUEUED)
    first, *rest = queued.conditions
    worded_anew = queued.model_copy(update={"conditions": (first.model_copy(update={"message": "new"}), *rest)})
    assert judge(queued, worded_anew, age_s=age_s) is urgency


ESSENTIAL = {
    "phase": changed(phase=Phase.ABORTING),
    "order": changed(controls=(control(Verb.ABORT),)),
    "result of an order": changed(controls=(control(Verb.ABORT, ControlResult.DONE),)),
    "intent": changed(pending_call=intent()),
    "record": changed(upstream=UpstreamFacts(id="8", request_id="req-ours", previous_id="6")),
    "word of upstream": changed(
        upstream=UpstreamFacts(id="7", status="queued", request_id="req-ours", previous_id="6")
    ),
    "record dropped": changed(upstream=None),
    "end": changed(completion_time=NOW),
    "reason": changed(conditions=status_in(Phase.RUNNING, "PostCopy").conditions),
    "generation": changed(observed_generation=9),
}


@pytest.mark.parametrize("after", ESSENTIAL.values(), ids=ESSENTIAL)
def test_facts_are_never_delayed(after: MigrationStatus) -> None:
    assert judge(BEFORE, after, age_s=0.0) is NOW_


@pytest.mark.parametrize(
    ("percent", "age_s", "urgency"),
    [
        (44, 0.0, LATER),
        (44, 299.0, LATER),
        (44, 300.0, NOW_),
        (45, 14.9, LATER),
        (45, 15.0, NOW_),
        (35, 15.0, NOW_),
        (None, 14.0, LATER),
        (None, 15.0, NOW_),
        (40, 15.0, LATER),
        (40, 300.0, NOW_),
    ],
)
def test_progress_is_written_for_five_points_after_15_s_or_for_anything_after_5_min(
    percent: int | None, age_s: float, urgency: Urgency
) -> None:
    after = changed(progress=Progress(percent=percent, sample_time=NOW.replace(minute=1)))
    assert judge(BEFORE, after, age_s=age_s) is urgency


@pytest.mark.parametrize(
    ("old", "new", "urgency"),
    [(None, Progress(percent=1), NOW_), (None, Progress(sample_time=NOW), LATER), (Progress(percent=1), None, NOW_)],
)
def test_the_first_number_counts_as_five_points(old: Progress | None, new: Progress | None, urgency: Urgency) -> None:
    assert judge(changed(progress=old), changed(progress=new), age_s=15.0) is urgency


@pytest.mark.parametrize(("age_s", "urgency"), [(0.0, LATER), (59.9, LATER), (60.0, NOW_), (math.inf, NOW_)])
def test_a_new_wording_of_the_same_reason_waits_for_a_minute(age_s: float, urgency: Urgency) -> None:
    assert judge(BEFORE, worded("other words"), age_s=age_s) is urgency


@pytest.mark.parametrize(("age_s", "urgency"), [(0.0, LATER), (299.0, LATER), (300.0, NOW_)])
def test_the_servers_own_words_and_upstreams_clock_wait_for_five_minutes(age_s: float, urgency: Urgency) -> None:
    assert BEFORE.upstream is not None
    ticked = changed(upstream=BEFORE.upstream.model_copy(update={"updated_time": NOW}))
    renamed = changed(server=ServerFacts(id="s", status="MIGRATING"))
    assert judge(BEFORE, ticked, age_s=age_s) is urgency
    assert judge(BEFORE, renamed, age_s=age_s) is urgency
