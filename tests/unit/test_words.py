"""Retired words stay retired: the code says what Nova and Kubernetes say, and one word means one thing."""

from __future__ import annotations

import keyword
import tokenize
from typing import TYPE_CHECKING

import pytest

from doc_pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = sorted((ROOT / "operator" / "osmig").rglob("*.py"))

RETIRED = {
    "course": "policy",
    "moving": "policy",
    "engine": "controllers, or driver",
    "assembly": "build",
    "tend": "reconcile_finalizer",
    "deleting": "finalizer",
    "hold_out": "wait_for_provider_or_read",
    "hold_back": "check_gates",
    "held": "blocked",
    "holding": "visibility, or slot_holders",
    "wants": "ReadFacts.names",
    "standins": "synthetic_records",
    "is_made_up": "is_synthetic",
    "looking": "read",
    "look": "read, or lookup",
    "look_round": "collect_facts",
    "contacting": "provider_connection",
    "contact": "connection",
    "providercontact": "ProviderConnection",
    "lose": "mark_not_ready",
    "mark": "baseline",
    "marking": "replica_name",
    "survey": "pre_start",
    "finding": "call_lookup",
    "findingkind": "CallLookupKind",
    "rival": "conflicting",
    "find_rival": "find_conflicting",
    "gate": "verify_resize, or cold_options",
    "pursuit": "repeatable_verbs",
    "pursue": "send_if_due",
    "latching": "verbs",
    "latch": "accept",
    "is_latch": "goes_on",
    "ask": "VerbRequest",
    "asks": "verb_requests",
    "trouble": "read_error",
    "waiting_for": "wait_key",
    "waited_s": "wait_ages_s",
    "label_of": "wait_key_of",
    "frees": "releases",
    "losses": "ownership_changes",
    "call_next": "next_waiters",
    "_walked": "_evaluated",
    "move": "hosts, or HostPair",
    "load": "HostLoad",
    "_room": "_Capacity",
    "hindrance": "StallCheck",
    "standing": "ReplicationState",
    "standings": "REPLICATION_STATES",
    "recording": "next_status",
    "surroundings": "Dependencies, or environment",
    "tuning": "Periods",
    "tune": "read_periods",
    "most": "max_…",
    "patiencesettings": "TimeoutSettings",
    "patience_s": "timeout_s",
    "mended_by_a_person_s": "MANUAL_FIX_RETRY_S",
    "_unless_troubled": "_optional",
    "_words": "_message",
    "_hurdle": "_connect_error",
    "parting": "deletion_events",
    "neighbours": "local_state",
    "may_be_blind": "may_be_hidden",
}
"""In lower case, with what is said instead."""

ELSEWHERE = {"load": {"Load"}, "move": {"Move"}}
"""Words that are good as verbs and nouns of their own, and retired as the name of a class alone."""


def read_names(source: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every name in a module, its own name first."""
    yield 0, source.stem
    with source.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                yield token.start[0], token.string


def is_retired(name: str) -> bool:
    """Whether a name is a retired word, in whatever case."""
    word = name.lower()
    return word in RETIRED and name in ELSEWHERE.get(word, {name})


def test_no_retired_word_comes_back_as_a_name() -> None:
    found = [
        f"{source.relative_to(ROOT)}:{line}: {name}; say {RETIRED[name.lower()]}"
        for source in SOURCES
        for line, name in read_names(source)
        if is_retired(name)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["survey", "Survey", "RIVAL", "Load", "gate"])
def test_a_retired_word_is_found_in_any_case(name: str) -> None:
    assert is_retired(name)


@pytest.mark.parametrize("name", ["load", "remove", "aggregate", "masks"])
def test_another_word_is_no_retired_one(name: str) -> None:
    assert not is_retired(name)
