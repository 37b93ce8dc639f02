"""Hosts that a spec names: "no longer there" is said only of a name that is a host of the cloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decided import Decided, decide
from domain_samples import call_lookup, message_of, observe, observe_waited, pre_start, reason_of, sent, server
from domain_world import World, decide_in
from osmig.api.names import Phase, Reason
from osmig.domain.host_names import find_similar, tell_difference
from osmig.drivers.servers.calls import StartCall
from osmig.drivers.servers.views import CallLookupKind, NamedHost, ServerView

MISSING = NamedHost(name="cmp9", exists=False)
THERE = NamedHost(name="cmp9", exists=True)


def decided(*named: NamedHost, source: str | None = None, destination: str | None = None) -> Decided:
    """Decide about a server on cmp1."""
    observation = observe(source=source, destination=destination, pre_start=pre_start())
    return decide_in(World(named_hosts=named), observation)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (MISSING, "spec.placement.sourceHost: the cloud has no compute host cmp9: correct sourceHost"),
        (replace(MISSING, similar="cmp9.example.org"), "but cmp9.example.org, which differs by its domain only"),
        (NamedHost(name="CMP1", exists=False, similar="cmp1"), "on cmp1, which differs from CMP1 by its case only"),
        (NamedHost(name="cmp1.example.org", exists=False), "differs from cmp1.example.org by its domain only"),
        (NamedHost(name="cmp1.example.org"), "on cmp1, which differs from cmp1.example.org by its domain only"),
    ],
)
def test_a_source_that_no_host_of_the_cloud_is_called_fails_and_names_the_one_that_is_meant(
    named: NamedHost, words: str
) -> None:
    decision = decided(named, source=named.name)
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.HOST_NOT_FOUND)
    assert words in message_of(decision.status)
    assert message_of(decision.status).endswith("nothing was sent")
    assert (decision.call, decision.status.start_time) == (None, None)


def test_a_source_that_is_a_host_of_the_cloud_counts_as_left() -> None:
    decision = decided(THERE, source="cmp9")
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)
    assert message_of(decision.status) == "the server is on cmp1, no longer on cmp9; nothing was sent"


def test_a_source_that_the_server_was_moved_away_from_need_not_be_asked_for() -> None:
    left = replace(pre_start(), past_hosts=frozenset({"cmp9"}))
    decision = decide(observe(source="cmp9", pre_start=left))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)


def test_without_the_right_to_list_hosts_the_success_says_what_was_not_checked() -> None:
    decision = decided(NamedHost(name="cmp9"), source="cmp9")
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)
    assert "whether the cloud has a host cmp9 could not be checked: these credentials may not" in message_of(
        decision.status
    )


def test_a_destination_in_another_spelling_of_where_the_server_is_fails_before_anything_is_sent() -> None:
    named = NamedHost(name="CMP1", exists=False, similar="cmp1")
    decision = decided(named, destination="CMP1")
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.HOST_NOT_FOUND)
    assert "spec.placement.destinationHost" in message_of(decision.status)
    assert decision.call is None


def test_two_hosts_whose_names_differ_by_case_are_two_hosts() -> None:
    assert decided(NamedHost(name="CMP1", exists=True), destination="CMP1").call == StartCall()


def test_a_misspelt_destination_beside_a_source_that_was_left_is_named() -> None:
    named = (NamedHost(name="cmp3", exists=True), NamedHost(name="Cmp1", exists=False, similar="cmp1"))
    decision = decided(*named, source="cmp3", destination="Cmp1")
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.HOST_NOT_FOUND)
    assert "destinationHost" in message_of(decision.status)


def test_a_start_that_is_sent_again_asks_the_same() -> None:
    world = World(
        call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=pre_start(server("cmp3")), named_hosts=(MISSING,)
    )
    decision = decide_in(world, observe_waited(sent(), source="cmp9"))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.HOST_NOT_FOUND)
    assert "the start is not sent again" in message_of(decision.status)


def test_a_server_on_the_named_source_is_moved_without_a_question_about_hosts() -> None:
    assert decide(observe(source="cmp1", destination="cmp2", pre_start=pre_start())).call == StartCall()


@pytest.mark.parametrize(
    ("name", "other", "way"),
    [
        ("cmp1", "cmp1", ""),
        ("cmp1", "CMP1", "case"),
        ("cmp1", "Cmp1.example.org", "domain"),
        ("cmp1.a", "cmp1.b", "domain"),
        ("cmp1", "cmp10", ""),
        ("10.0.0.1", "10.0.0.2", ""),
    ],
)
def test_spellings_of_one_host_are_told_from_two_hosts(name: str, other: str, way: str) -> None:
    assert tell_difference(name, other) == tell_difference(other, name) == way


def test_the_first_similar_name_is_told() -> None:
    assert find_similar("cmp1", ("cmp2", "cmp1.b", "cmp1.a")) == "cmp1.a"
    assert find_similar("cmp1", ("cmp2",)) is None


HERE, ELSEWHERE = "a" * 56, "b" * 56
HIDDEN = replace(server(None), host_id=HERE)


@pytest.mark.parametrize(
    ("view", "named", "expected"),
    [
        (HIDDEN, {"sourceHostID": HERE}, None),
        (replace(HIDDEN, host_id=ELSEWHERE), {"sourceHostID": HERE}, (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)),
        (replace(server(), host_id=HERE), {"sourceHostID": HERE}, None),
        (
            replace(server(), host_id=ELSEWHERE),
            {"sourceHostID": HERE},
            (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST),
        ),
        (
            replace(server(), host_id=ELSEWHERE),
            {"sourceHost": "cmp1", "sourceHostID": HERE},
            (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST),
        ),
        (
            replace(server(), host_id=ELSEWHERE),
            {"sourceHostID": HERE, "destinationHost": "cmp2"},
            (Phase.FAILED, Reason.NOT_ON_SOURCE_HOST),
        ),
        (
            replace(server("cmp2"), host_id=ELSEWHERE),
            {"sourceHostID": HERE, "destinationHost": "cmp2"},
            (Phase.SUCCEEDED, Reason.ALREADY_AT_DESTINATION),
        ),
        (HIDDEN, {"sourceHost": "cmp1", "sourceHostID": HERE}, (Phase.FAILED, Reason.HOSTS_NOT_VISIBLE)),
        (replace(HIDDEN, host_id=None), {"sourceHostID": HERE}, (Phase.FAILED, Reason.HOSTS_NOT_VISIBLE)),
        (replace(server(), host_id=None), {"sourceHostID": HERE}, (Phase.FAILED, Reason.HOSTS_NOT_VISIBLE)),
        (
            replace(HIDDEN, host_id="", is_on_no_host=True, status="SHELVED_OFFLOADED"),
            {"sourceHostID": HERE},
            (Phase.FAILED, Reason.START_REFUSED),
        ),
    ],
)
def test_a_server_that_left_the_host_of_an_anonymous_name_is_not_moved_again(
    view: ServerView, named: dict[str, str], expected: tuple[Phase, Reason] | None
) -> None:
    decision = decide_in(World(), observe(wanted={"placement": named}, pre_start=pre_start(view)))
    if expected is None:
        assert decision.call == StartCall()
        return
    assert (decision.status.phase, reason_of(decision.status)) == expected
    assert message_of(decision.status).endswith("nothing was sent")
    assert (decision.call, decision.status.start_time) == (None, None)


def test_a_start_whose_answer_was_lost_is_not_sent_again_once_the_server_left_that_host() -> None:
    left = pre_start(replace(HIDDEN, host_id=ELSEWHERE))
    world = World(call_lookup=call_lookup(CallLookupKind.NOTHING), pre_start=left)
    decision = decide_in(world, observe_waited(sent(), wanted={"placement": {"sourceHostID": HERE}}))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.SUCCEEDED, Reason.NOT_ON_SOURCE_HOST)
    assert "the start is not sent again" in message_of(decision.status)
