"""Names and the texts that explain them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from osmig.api.names import (
    CheckResult,
    ConditionType,
    ControlResult,
    EventReason,
    Phase,
    Policy,
    Reason,
    Trend,
    Verb,
    verb_annotation,
)
from osmig.api.plan_names import Judgement, PlanCondition, PlanPhase, PlanReason, PlanVerb
from osmig.api.plan_reasons import JUDGEMENTS, PLAN_CONDITIONS, PLAN_PHASES, PLAN_REASONS, PLAN_VERBS
from osmig.api.reasons import CHECK_RESULTS, CONTROL_RESULTS, EVENT_REASONS, PHASES, POLICIES, REASONS, TRENDS, VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

EXPLAINED: dict[type[StrEnum], Mapping[Any, str]] = {
    Reason: REASONS,
    EventReason: EVENT_REASONS,
    Verb: VERBS,
    Policy: POLICIES,
    Phase: PHASES,
    Trend: TRENDS,
    CheckResult: CHECK_RESULTS,
    ControlResult: CONTROL_RESULTS,
    PlanVerb: PLAN_VERBS,
    PlanPhase: PLAN_PHASES,
    PlanCondition: PLAN_CONDITIONS,
    Judgement: JUDGEMENTS,
    PlanReason: PLAN_REASONS,
}


@pytest.mark.parametrize("words", EXPLAINED, ids=lambda words: words.__name__)
def test_every_word_is_explained(words: type[StrEnum]) -> None:
    assert set(EXPLAINED[words]) == set(words)


@pytest.mark.parametrize("text", sorted({text for texts in EXPLAINED.values() for text in texts.values()}))
def test_every_explanation_is_made_of_sentences(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z].*\.", text)


@pytest.mark.parametrize(
    "name", sorted({*Reason, *EventReason, *ConditionType, *Phase, *Trend, *CheckResult, *ControlResult})
)
def test_every_name_is_a_camel_case_word(name: str) -> None:
    assert re.fullmatch(r"([A-Z]+[a-z]+)+", name)


def test_no_condition_type_misleads_tools_that_look_for_its_presence_only() -> None:
    assert not {"Complete", "Failed"} & set(ConditionType)


def test_a_verb_is_given_by_an_annotation_of_our_group() -> None:
    assert verb_annotation(Verb.FORCE_COMPLETE) == "osmig.dev/force-complete"
