"""When an Event is a repetition."""

from __future__ import annotations

from osmig.kube.repeats import WINDOW_S, EventKey, Repeats, Series

KEY = EventKey("team-a", "uid", "Started", "Start", "note")


def test_the_same_event_belongs_to_its_series_for_ten_minutes_from_the_first() -> None:
    repeats = Repeats()
    repeats.remember(KEY, Series("first", begun=100.0))

    assert repeats.find(KEY, 100.0 + WINDOW_S - 0.1) == Series("first", begun=100.0)
    assert repeats.find(KEY, 100.0 + WINDOW_S) is None


def test_repetitions_do_not_prolong_the_window() -> None:
    repeats = Repeats()
    first = Series("first", begun=0.0)
    repeats.remember(KEY, first)
    repeats.remember(KEY, first.next())

    assert repeats.find(KEY, 1.0) == Series("first", begun=0.0, count=2)
    assert repeats.find(KEY, WINDOW_S) is None


def test_another_namespace_object_reason_action_or_note_is_another_event() -> None:
    repeats = Repeats()
    repeats.remember(KEY, Series("first", begun=0.0))

    for field in EventKey._fields:
        assert repeats.find(KEY._replace(**{field: "other"}), 1.0) is None


def test_an_event_gone_from_the_server_is_forgotten() -> None:
    repeats = Repeats()
    repeats.remember(KEY, Series("first", begun=0.0))

    repeats.forget(KEY)
    repeats.forget(KEY)

    assert repeats.find(KEY, 1.0) is None


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    repeats = Repeats()
    for number in range(5000):
        repeats.remember(KEY._replace(uid=str(number)), Series("x", begun=0.0))

    kept = sum(repeats.find(KEY._replace(uid=str(number)), 1.0) is not None for number in range(5000))

    assert kept == 4096
    assert repeats.find(KEY._replace(uid="4999"), 1.0) is not None


def test_a_namespace_that_floods_forgets_its_own_and_no_other() -> None:
    repeats = Repeats()
    quiet = KEY._replace(namespace="team-b")
    repeats.remember(quiet, Series("quiet", begun=0.0))
    for number in range(5000):
        repeats.remember(KEY._replace(uid=str(number)), Series("x", begun=0.0))

    assert repeats.find(quiet, 1.0) is not None
    assert repeats.find(KEY._replace(uid="4999"), 1.0) is not None
