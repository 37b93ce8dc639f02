"""Refused credentials are left alone: no account is locked by them, and whoever asks for a try is heard."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from api_samples import provider_body
from controller_fakes import PROVIDER, ApiServer
from controller_lab import Lab, lab_with
from osmig.api.names import Kind
from osmig.controllers.refused_logins import pause_after
from osmig.domain.errors import InvalidConfiguration, KubeUnavailable, OutcomeUnknown, Transient, Unauthorized
from tenant_fakes import WALDUR, waldur_body, waldur_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BAD_LOGIN = Unauthorized("Unauthorized", "the credentials are refused", operation="o")
AWAY = OutcomeUnknown("NoAnswer", "the cloud does not answer", operation="o")
DAY_S = 86_400
LOCKED_AFTER = 6
"""Refused passwords, in Keystone's hardening guide; nothing but a good one resets the count."""


def refused_lab(*, refusals: int = 1000, api: ApiServer | None = None, **given: Any) -> Lab:  # noqa: ANN401
    lab = Lab(api=api, **given)
    lab.cloud.fail["probe"] = [BAD_LOGIN] * refusals
    if api is None:
        lab.offer(Kind.PROVIDER, provider_body())
    else:
        lab.show(PROVIDER)
    return lab


def tries(lab: Lab) -> int:
    return lab.cloud.calls.count("probe")


def record(lab: Lab) -> Mapping[str, Any] | None:
    return lab.api.status(PROVIDER).get("refusedLogin")


async def pass_steps(lab: Lab, seconds: float) -> None:
    """Step the Provider whenever it wants to be, for some time."""
    end = lab.clock.boottime() + seconds
    while (due_s := await lab.step(PROVIDER)) is not None and lab.clock.boottime() + due_s <= end:
        assert due_s > 0
        await lab.clock.pass_by(due_s)


async def test_a_refused_password_is_tried_less_often_in_a_day_than_locks_an_account() -> None:
    lab = refused_lab()
    await pass_steps(lab, DAY_S)
    assert 1 < tries(lab) < LOCKED_AFTER
    assert record(lab) == {
        "attempts": tries(lab), "time": record(lab)["time"], "secretVersion": "1",  # type: ignore[index]
    }  # fmt: skip
    assert lab.events.reasons == ["ProviderNotReady"]


def test_the_pause_grows_from_minutes_to_a_day_and_stays_there() -> None:
    pauses = [pause_after(attempts) for attempts in range(1, 8)]
    assert pauses == [300.0, 1200.0, 4800.0, 19_200.0, 76_800.0, 86_400.0, 86_400.0]
    assert math.isfinite(pause_after(1000))


async def test_a_secret_that_was_mended_is_found_within_a_minute_however_long_the_pause_is() -> None:
    lab = refused_lab(refusals=3)
    await pass_steps(lab, 5000)
    assert tries(lab) == 3
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": b"mended"}
    await pass_steps(lab, 60)
    assert tries(lab) == 4
    assert lab.controllers.sessions.ensure(PROVIDER).view.is_ready
    assert record(lab) is None


async def test_another_secret_that_is_refused_is_counted_from_one() -> None:
    lab = refused_lab()
    await pass_steps(lab, 7000)
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": b"mistyped"}
    await pass_steps(lab, 60)
    assert (record(lab) or {})["attempts"] == 1


async def test_the_annotation_reconcile_of_the_provider_asks_for_one_try() -> None:
    lab = refused_lab()
    await lab.step(PROVIDER)
    for asked in range(1, 4):
        lab.annotate(PROVIDER, reconcile=str(asked))
        for _ in range(3):
            await lab.step(PROVIDER)
        assert tries(lab) == asked + 1
    assert (record(lab) or {})["reconcile"] == "3"


async def test_the_verb_reconcile_of_a_migration_asks_for_one_try() -> None:
    lab = await lab_with()
    lab.cloud.fail["sweep"] = [BAD_LOGIN]
    lab.cloud.fail["probe"] = [BAD_LOGIN] * 9
    await lab.run(seconds=60)
    before = tries(lab)
    lab.annotate(next(key for key in lab.api.objects if key.kind is Kind.MIGRATION), reconcile="1")
    await lab.run(seconds=60)
    assert tries(lab) == before + 1


async def test_a_process_that_is_started_again_and_again_does_not_begin_to_count_anew() -> None:
    first = refused_lab()
    await first.step(PROVIDER)
    for _ in range(20):
        again = refused_lab(api=first.api)
        again.clock.elapsed = first.clock.elapsed
        await again.step(PROVIDER)
        assert tries(again) == 0
        assert again.api.status(PROVIDER)["refusedLogin"]["attempts"] == 1
        ready = next(c for c in again.api.status(PROVIDER)["conditions"] if c["type"] == "Ready")
        assert (ready["reason"], ready["message"].count("tried again")) == ("Unauthorized", 1)


@pytest.mark.parametrize(("ahead_s", "left_s"), [(0, 300.0), (100, 200.0), (-5000, 300.0), (5000, 0.0)])
async def test_the_pause_goes_on_where_an_earlier_process_left_it_whatever_the_clocks_say(
    ahead_s: float, left_s: float
) -> None:
    first = refused_lab()
    await first.step(PROVIDER)
    again = refused_lab(api=first.api)
    again.clock.elapsed = first.clock.elapsed + ahead_s
    for waited_s in (0.0, left_s - 1, 1.0):
        await again.clock.pass_by(max(0.0, waited_s))
        await again.step(PROVIDER)
        if waited_s != 1.0 and left_s:
            assert tries(again) == 0
    assert tries(again) == 1


@pytest.mark.parametrize("change", ["secret", "spec", "annotation"])
async def test_what_changed_while_no_process_ran_is_tried_by_the_next_one(change: str) -> None:
    first = refused_lab()
    await first.step(PROVIDER)
    match change:
        case "secret":
            first.api.secret_version += 1
        case "spec":
            first.api.change(PROVIDER, generation=2)
        case _:
            first.api.change(PROVIDER, annotations={"osmig.dev/reconcile": "now"})
    again = refused_lab(api=first.api, refusals=0)
    await again.step(PROVIDER)
    assert tries(again) == 1


async def test_an_api_server_that_is_away_at_the_start_makes_nobody_forget() -> None:
    first = refused_lab()
    await first.step(PROVIDER)
    again = refused_lab(api=first.api)
    again.clock.elapsed = first.clock.elapsed
    again.api.secret_error = KubeUnavailable("Unavailable", "away")
    await again.step(PROVIDER)
    again.api.secret_error = None
    await again.step(PROVIDER)
    assert (tries(again), (record(again) or {})["attempts"]) == (0, 1)


async def test_a_cloud_that_is_away_at_the_next_try_does_not_make_the_count_begin_anew() -> None:
    lab = refused_lab(refusals=1)
    await lab.step(PROVIDER)
    lab.cloud.fail["probe"] = [AWAY, BAD_LOGIN]
    await pass_steps(lab, 330)
    assert tries(lab) == 3
    assert (record(lab) or {})["attempts"] == 2


async def test_when_the_cloud_says_when_to_come_back_it_is_not_asked_before() -> None:
    lab = refused_lab(refusals=0)
    lab.cloud.fail["probe"] = [Transient("Unreachable", "later", operation="o", retry_after_s=600.0)]
    assert await lab.step(PROVIDER) == 600.0
    lab.controllers.sessions.ensure(PROVIDER).wants_refresh = True
    await lab.clock.pass_by(599)
    await lab.step(PROVIDER)
    assert tries(lab) == 1
    await lab.clock.pass_by(1)
    await lab.step(PROVIDER)
    assert tries(lab) == 2


async def test_a_refusal_that_says_when_to_come_back_waits_at_least_as_long() -> None:
    lab = refused_lab(refusals=0)
    lab.cloud.fail["probe"] = [Unauthorized("Unauthorized", "locked", operation="o", retry_after_s=3000.0)]
    await pass_steps(lab, 2990)
    assert tries(lab) == 1
    await pass_steps(lab, 20)
    assert tries(lab) == 2


async def test_a_token_of_waldur_is_left_alone_alike() -> None:
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = waldur_secret(b"unknown")
    lab.offer(Kind.PROVIDER, waldur_body())
    for _ in range(100):
        await lab.step(WALDUR)
        await lab.clock.pass_by(10)
    assert sum(len(tenants.calls) for tenants in lab.tenants) == 2


async def test_a_secret_that_cannot_be_read_is_not_read_again_until_it_changes() -> None:
    lab = Lab()
    lab.factory_error = InvalidConfiguration("InvalidConfiguration", "clouds.yaml: no", operation="configure")
    lab.offer(Kind.PROVIDER, provider_body())
    for _ in range(5):
        assert await lab.step(PROVIDER) == 60.0
        await lab.clock.pass_by(60)
    assert lab.asked_to_make == 1
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": b"other"}
    await lab.step(PROVIDER)
    assert lab.asked_to_make == 2
    assert record(lab) is None
