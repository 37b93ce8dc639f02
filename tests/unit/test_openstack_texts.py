"""Upstream's words for tenants: cut, cleaned, or replaced by our own."""

from __future__ import annotations

import pytest

from osmig.drivers.servers.nova.explain import UNEXPLAINED, explain, pick_action
from osmig.drivers.servers.nova.texts import is_unknown_action, known_refusal, known_state
from osmig.drivers.servers.nova.translate import ActionView
from osmig.net.cleaning import clean_text


@pytest.mark.parametrize(
    "dirty",
    [
        "http://10.0.0.1:8774/v2.1/servers?x=y", "https://user:pw@host/", "mysql+pymysql://nova:pw@db/nova",
        "10.0.0.1", "10.0.0.1:5672", "fe80::1", "2001:db8:0:1:2:3:4:5", "fa:16:3e:00:11:22",
        "/var/lib/nova/instances/disk", "/etc/nova/nova.conf", "0123456789abcdef0123456789abcdef",
        "<object at 0x7f>", "<p>",
    ],
)  # fmt: skip
def test_what_tells_of_the_cloud_inside_is_removed(dirty: str) -> None:
    assert clean_text(f"before {dirty} after") == "before … after"


@pytest.mark.parametrize(
    "plain", ["Instance 1b2c3d4e-0000-4000-8000-0123456789ab is locked", "host cmp1.example.org", "50% at 10:30, a/b"]
)
def test_plain_words_stay(plain: str) -> None:
    assert clean_text(plain) == plain


def test_a_text_becomes_one_line_of_bounded_length() -> None:
    assert clean_text("Traceback:\n  File\tx\x00\x1b[31m") == "Traceback: File x [31m"
    assert len(clean_text("word " * 10_000)) == 300


def test_nasty_texts_are_cleaned_in_no_time() -> None:
    for text in (":" * 100_000, "/a" * 50_000, "<" * 100_000, "0" * 100_000, "1." * 50_000, "a://" * 20_000):
        assert len(clean_text(text)) <= 300


@pytest.mark.parametrize("text", ["", "something else", "Unexpected API Error."])
def test_an_unknown_text_is_nobodys_reason(text: str) -> None:
    assert known_refusal(text) is None


def event(name: str, *, result: str | None = "Error", details: str | None = None) -> dict[str, str | None]:
    return {"event": name, "result": result, "details": details, "traceback": '  File "/x.py"'}


CHECK = "compute_check_can_live_migrate_destination"
CONDUCTOR = "conductor_live_migrate_instance"


def test_the_checks_own_words_tell_more_than_the_schedulers() -> None:
    action = {
        "events": [
            event(CONDUCTOR, details="No valid host was found. There are not enough hosts available."),
            event(CHECK, details="Migration pre-check error: CPU of 10.1.2.3 has no avx."),
        ]
    }

    explanation = explain(action)

    assert explanation.reason == "PreCheckFailed"
    assert explanation.message == "The check before the move failed: CPU of … has no avx"


def test_without_details_the_failed_event_names_the_reason() -> None:
    explanation = explain({"events": [event(CHECK, result=None), event(CHECK), event(CONDUCTOR)]})

    assert (explanation.reason, explanation.message) == ("PreCheckFailed", "The check before the move failed")


def test_a_check_that_did_not_fail_explains_nothing() -> None:
    assert explain({"events": [event(CHECK, result="Success"), event(CONDUCTOR)]}) == UNEXPLAINED


def test_the_fault_of_a_server_explains_when_no_event_does() -> None:
    assert explain({}, fault="Disk /var/lib/nova/x is gone").message == "Disk … is gone"


def test_unknown_details_are_cleaned_and_shown() -> None:
    explanation = explain({"events": [event("compute_live_migration", details="Broken at http://10.0.0.1/")]})

    assert (explanation.reason, explanation.message) == (None, "Broken at …")


def test_unknown_details_are_not_overruled_by_a_guess_from_the_events_name() -> None:
    explanation = explain({"events": [event(CHECK, details="The agent died"), event(CONDUCTOR)]})

    assert (explanation.reason, explanation.message) == (None, "The agent died")


@pytest.mark.parametrize("action", [{}, {"events": None}, {"events": [1, None, {}]}])
def test_an_action_that_says_nothing_stays_unexplained(action: dict[str, object]) -> None:
    assert explain(action) == UNEXPLAINED


@pytest.mark.parametrize("text", ["", "Unexpected API Error.", "Instance X could not be found."])
def test_what_says_nothing_of_a_state_is_no_state(text: str) -> None:
    assert known_state(text) is None
    assert not is_unknown_action(text)


def told(request_id: str, name: str, *, failed: bool = True) -> ActionView:
    return ActionView(request_id=request_id, name=name, is_failed=failed)


COLD_LIFE = (
    told("req-5", "reboot"),
    told("req-4", "confirmResize"),
    told("req-3", "migrate", failed=False),
    told("req-2", "live-migration"),
    told("req-1", "create", failed=False),
)


def test_a_start_that_failed_itself_tells_why() -> None:
    assert pick_action(COLD_LIFE, "req-2") == "req-2"


@pytest.mark.parametrize("name", ["confirmResize", "revertResize", "RevertResize"])
def test_a_move_that_failed_after_its_start_is_explained_by_what_failed(name: str) -> None:
    assert pick_action((told("req-4", name), *COLD_LIFE[2:]), "req-3") == "req-4"


def test_what_failed_before_a_start_does_not_explain_it() -> None:
    assert pick_action(COLD_LIFE[2:], "req-3") == "req-3"


def test_a_start_that_is_not_in_the_list_is_asked_for_all_the_same() -> None:
    assert pick_action(COLD_LIFE, "req-0") == "req-0"


@pytest.mark.parametrize(("actions", "picked"), [(COLD_LIFE, "req-4"), (COLD_LIFE[2:], "req-2"), ((), None)])
def test_without_a_request_id_the_newest_failed_move_explains(
    actions: tuple[ActionView, ...], picked: str | None
) -> None:
    assert pick_action(actions, None) == picked


@pytest.mark.parametrize("name", ["reboot", "resetState", "create"])
def test_other_failed_actions_explain_no_move(name: str) -> None:
    assert pick_action((told("req-1", name),), None) is None
