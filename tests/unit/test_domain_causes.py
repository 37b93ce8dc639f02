"""Causes that look alike and are told apart: what was sent before, a server on no host, a token that would do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decided import decide
from domain_cold_samples import awaiting
from domain_samples import NOW, READY, ask, message_of, observe, pre_start, reason_of, server, started, status_in
from osmig.api.names import ControlResult, Phase, Reason, Verb
from osmig.domain.capabilities import Capability

SHELVED = replace(server(None), status="SHELVED_OFFLOADED", is_on_no_host=True)
ANOTHER = status_in(Phase.PENDING, start_time=NOW, attempt=2)


@pytest.mark.parametrize(("source", "destination"), [("cmp1", None), (None, "cmp2")])
def test_a_server_on_no_host_is_not_told_as_hidden_hosts(source: str | None, destination: str | None) -> None:
    decision = decide(observe(source=source, destination=destination, pre_start=pre_start(SHELVED)))
    assert (decision.status.phase, reason_of(decision.status)) == (Phase.FAILED, Reason.START_REFUSED)
    assert "its status is SHELVED_OFFLOADED: bring it onto one" in message_of(decision.status)


def test_of_a_later_attempt_nobody_says_that_nothing_was_sent() -> None:
    first = decide(observe(source="cmp1", pre_start=pre_start(server(None))))
    assert message_of(first.status).endswith("; nothing was sent")
    later = decide(observe(ANOTHER, source="cmp1", pre_start=pre_start(server(None))))
    assert message_of(later.status).endswith("; nothing more is sent")
    blind = replace(READY, capabilities=frozenset({Capability.LIVE_MIGRATION}))
    unlisted = decide(observe(ANOTHER, provider=blind))
    assert message_of(unlisted.status).endswith("could not be followed; nothing more is sent")


@pytest.mark.parametrize(
    ("token", "would_do"),
    [("2", "1/2"), ("7/again", "1/again")],
)
def test_a_token_of_another_attempt_is_answered_with_one_that_would_do(token: str, would_do: str) -> None:
    (told,) = decide(observe(awaiting(), verb_requests=(ask(Verb.CONFIRM, token),))).status.controls
    assert told.result is ControlResult.REJECTED
    assert f"the current attempt is 1: {would_do} would do, or any text that is not a number" in (told.message or "")
    (taken,) = decide(observe(awaiting(), verb_requests=(ask(Verb.CONFIRM, would_do),))).status.controls
    assert taken.result is ControlResult.ACCEPTED


def test_an_order_that_came_too_early_is_answered_with_a_token_for_later() -> None:
    early = decide(observe(started(), verb_requests=(ask(Verb.CONFIRM, "1"),))).status
    (told,) = early.controls
    assert told.result is ControlResult.REJECTED
    assert "give the order again then, with another token such as 1/confirm" in (told.message or "")
    later = awaiting().model_copy(update={"controls": early.controls})
    (taken,) = decide(observe(later, verb_requests=(ask(Verb.CONFIRM, "1/confirm"),))).status.controls
    assert taken.result is ControlResult.ACCEPTED
