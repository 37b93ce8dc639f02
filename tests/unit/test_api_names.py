"""Names and the texts that explain them."""

from __future__ import annotations

import re

import pytest

from osmig.api.names import ConditionType, EventReason, Phase, Reason, Verb, verb_annotation
from osmig.api.reasons import EVENT_REASONS, REASONS, VERBS


def test_every_reason_event_and_verb_is_explained() -> None:
    assert set(REASONS) == set(Reason)
    assert set(EVENT_REASONS) == set(EventReason)
    assert set(VERBS) == set(Verb)


@pytest.mark.parametrize("text", sorted({*REASONS.values(), *EVENT_REASONS.values(), *VERBS.values()}))
def test_every_explanation_is_made_of_sentences(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z].*\.", text)


@pytest.mark.parametrize("name", sorted({*Reason, *EventReason, *ConditionType, *Phase}))
def test_every_name_is_a_camel_case_word(name: str) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", name)


def test_no_condition_type_misleads_tools_that_look_for_its_presence_only() -> None:
    assert not {"Complete", "Failed"} & set(ConditionType)


def test_a_verb_is_given_by_an_annotation_of_our_group() -> None:
    assert verb_annotation(Verb.FORCE_COMPLETE) == "osmig.dev/force-complete"
