"""One step of a Provider: Secret, connection, probe, sweep, status; and whom it wakes."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, PROVIDER
from controller_lab import DOWN, SPEC, Lab, lab_with
from domain_samples import record
from log_reading import configured
from osmig.api.names import Kind
from osmig.domain.capabilities import Capability
from osmig.domain.errors import (
    BackendError,
    EndpointRefused,
    InvalidConfiguration,
    KubeForbidden,
    KubeUnavailable,
    OutcomeUnknown,
    StaleView,
    TooManyRows,
    Transient,
    Unauthorized,
)
from server_fakes import FakeBackend

if TYPE_CHECKING:
    import datetime as dt

    from osmig.controllers.sessions import Session
    from osmig.domain.operations import Sweep

AWAY = OutcomeUnknown("NoAnswer", "the cloud does not answer", operation="o")
BUSY = Transient("Overloaded", "later", operation="o", retry_after_s=44.0)
BAD_LOGIN = Unauthorized("Unauthorized", "the credentials are refused", operation="o")


def new_lab(cloud: FakeBackend | None = None) -> Lab:
    lab = Lab(cloud=cloud)
    lab.offer(Kind.PROVIDER, provider_body())
    lab.controllers.first_sweep.begin()
    return lab


def session_of(lab: Lab) -> Session:
    session = lab.controllers.sessions.get(PROVIDER)
    assert session is not None
    return session


def condition(lab: Lab, kind: str) -> tuple[str, str] | None:
    found = [c for c in lab.api.status(PROVIDER)["conditions"] if c["type"] == kind]
    return (found[0]["status"], found[0]["reason"]) if found else None


async def test_a_new_provider_is_probed_swept_and_published() -> None:
    lab = new_lab(cloud=FakeBackend(rows=(record("running"), record("queued", number=9))))
    assert await lab.step(PROVIDER) == 10.0
    assert lab.cloud.calls == ["probe", "sweep"]
    status = lab.api.status(PROVIDER)
    assert (status["apiVersion"], status["endpoint"]) == ("2.104", "https://nova.example.org/v2.1")
    assert status["capabilities"] == sorted(capability.value for capability in Capability)
    counts = {"running": 1, "queued": 1, "awaitingConfirmation": 0}
    by_type = [{"type": "live-migration", "count": 2}]
    now = f"{lab.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    assert status["upstream"] == {"scope": "Cloud", **counts, "byType": by_type, "sampleTime": now}
    assert condition(lab, "Ready") == ("True", "ProbeSucceeded")
    assert lab.events.reasons == ["ProviderReady"]
    assert lab.count("osmig_provider_up") == 1
    assert lab.count("osmig_foreign_migrations") == 2
    assert lab.controllers.first_sweep.is_over()


async def test_a_provider_that_did_not_change_is_not_written() -> None:
    lab = new_lab()
    for _ in range(5):
        await lab.step(PROVIDER)
        await lab.clock.pass_by(10)
    assert len(lab.api.puts) == 1
    assert lab.cloud.calls == ["probe", *["sweep"] * 5]


async def test_a_wake_between_two_sweeps_does_not_sweep_again() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    await lab.clock.pass_by(4)
    await lab.step(PROVIDER)
    assert lab.cloud.calls.count("sweep") == 1


async def test_sweeps_ask_for_what_changed_and_every_ten_minutes_for_all() -> None:
    lab = new_lab()
    for _ in range(62):
        await lab.step(PROVIDER)
        await lab.clock.pass_by(10)
    full = [number for number, since in enumerate(lab.cloud.swept) if since is None]
    assert full == [0, 60]


async def test_full_sweeps_get_rarer_as_they_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = new_lab()
    sweep = lab.cloud.sweep

    async def take_long(since: dt.datetime | None) -> Sweep:
        """Take 20 s for all, nothing for what changed."""
        lab.clock.advance(20.0 if since is None else 0.0)
        return await sweep(since)

    monkeypatch.setattr(lab.cloud, "sweep", take_long)
    for _ in range(122):
        await lab.step(PROVIDER)
        await lab.clock.pass_by(10)
    full = [number for number, since in enumerate(lab.cloud.swept) if since is None]
    assert full == [0, 118]


async def test_what_a_cloud_can_do_is_learnt_anew_as_often_as_everything_is_listed() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.cloud.capabilities = frozenset({Capability.LIVE_MIGRATION})
    for _ in range(61):
        await lab.clock.pass_by(10)
        await lab.step(PROVIDER)
    assert lab.cloud.calls.count("probe") == 2
    assert lab.api.status(PROVIDER)["capabilities"] == ["LiveMigration"]


async def test_a_probe_that_fails_between_two_lists_is_tolerated_as_a_failed_list_is() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    await lab.clock.pass_by(600)
    lab.cloud.fail["probe"] = [DOWN]
    await lab.step(PROVIDER)
    assert condition(lab, "Ready") == ("True", "ProbeSucceeded")
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    assert lab.cloud.calls.count("probe") == 3


async def test_a_partial_answer_to_a_full_sweep_is_asked_for_again() -> None:
    lab = new_lab(cloud=FakeBackend(is_full=False))
    await lab.step(PROVIDER)
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    assert lab.cloud.swept == [None, None]


async def test_only_the_followers_of_what_changed_are_woken() -> None:
    lab = await lab_with()
    await lab.step(MIGRATION)
    lab.cloud.run("running")
    await lab.step(MIGRATION)
    await lab.run()
    lab.cloud.calls.clear()
    lab.cloud.run("preparing")
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    await lab.run()
    assert lab.api.status(MIGRATION)["upstream"]["status"] == "preparing"


# --- what fails


async def test_one_failed_sweep_changes_nothing_and_the_third_makes_a_provider_not_ready() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.cloud.fail["sweep"] = [AWAY, BUSY, AWAY]
    for expected, due_s in ((True, 10.0), (True, 44.0), (False, 10.0)):
        await lab.clock.pass_by(10)
        assert await lab.step(PROVIDER) == due_s
        assert session_of(lab).view.is_ready is expected
    assert condition(lab, "Ready") == ("False", "Unreachable")
    assert condition(lab, "Reconciling") == ("True", "Unreachable")
    assert lab.api.status(PROVIDER)["upstream"]["running"] == 0, "the last counts stand"
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    assert session_of(lab).view.is_ready
    assert lab.events.reasons == ["ProviderReady", "ProviderNotReady", "ProviderReady"]


async def test_too_many_rows_make_a_provider_not_ready_at_once_and_only_a_person_can_mend_it() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.cloud.fail["sweep"] = [TooManyRows("TooManyRows", "more than 10000 moves", operation="sweep")]
    await lab.clock.pass_by(10)

    assert await lab.step(PROVIDER) == 60.0
    assert condition(lab, "Ready") == ("False", "TooManyRows")
    assert condition(lab, "Stalled") == ("True", "TooManyRows")


async def test_what_changed_is_asked_for_no_more_once_it_has_too_many_rows() -> None:
    """As when the date of an answer lay far behind: then nothing but a list of what goes on comes to its end."""
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.cloud.fail["sweep"] = [TooManyRows("TooManyRows", "more than 10000 moves", operation="sweep")]
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    await lab.clock.pass_by(60)
    await lab.step(PROVIDER)
    assert lab.cloud.swept[-1] is None
    assert session_of(lab).view.is_ready


@pytest.mark.usefixtures("logging_as_before")
async def test_the_line_of_a_failed_sweep_names_its_provider() -> None:
    stream = io.StringIO()
    lab = new_lab()
    await lab.run()
    lab.cloud.fail["sweep"] = [AWAY]
    configured(stream)

    await lab.run(seconds=11)

    (line,) = [read for text in stream.getvalue().splitlines() if (read := json.loads(text))["event"] == "sweep.failed"]
    assert (line["kind"], line["namespace"], line["name"]) == PROVIDER


@pytest.mark.parametrize(("error", "reason"), [(AWAY, "Unreachable"), (BUSY, "Unreachable")])
async def test_a_failed_probe_makes_a_provider_not_ready_at_once(error: Exception, reason: str) -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    session_of(lab).wants_refresh = True
    lab.cloud.fail["probe"] = [error]
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    assert condition(lab, "Ready") == ("False", reason)


async def test_refused_credentials_are_tried_again_with_a_fresh_secret() -> None:
    lab = new_lab()
    lab.cloud.fail["probe"] = [BAD_LOGIN]
    assert await lab.step(PROVIDER) == 10.0
    assert condition(lab, "AuthenticationSucceeded") == ("False", "Unauthorized")
    assert condition(lab, "Stalled") == ("True", "Unauthorized")
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": b"new"}
    await lab.step(PROVIDER)
    assert (lab.made, condition(lab, "Ready")) == (2, ("True", "ProbeSucceeded"))


@pytest.mark.parametrize("cause", [InvalidConfiguration, EndpointRefused])
async def test_what_only_a_person_can_mend_is_stalled_and_seldom_tried(cause: type[BackendError]) -> None:
    lab = new_lab()
    lab.factory_error = cause(cause.__name__, "clouds.yaml: no", operation="configure")
    assert await lab.step(PROVIDER) == 60.0
    assert condition(lab, "Stalled") == ("True", cause.__name__)
    assert lab.controllers.first_sweep.is_over()


async def test_a_secret_that_goes_bad_makes_a_ready_provider_not_ready_at_once() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": b"bad"}
    lab.factory_error = InvalidConfiguration("InvalidConfiguration", "clouds.yaml: no", operation="configure")
    await lab.clock.pass_by(60)
    await lab.step(PROVIDER)
    assert lab.cloud.is_closed
    assert condition(lab, "Stalled") == ("True", "InvalidConfiguration")


async def test_a_missing_secret_is_named() -> None:
    lab = new_lab()
    lab.api.secrets.clear()
    assert await lab.step(PROVIDER) == 10.0
    assert condition(lab, "Ready") == ("False", "SecretNotFound")
    assert "clouds" in lab.events.notes[0][1]


@pytest.mark.parametrize("error", [DOWN, DOWN.__class__("TooManyRequests", "x", retry_after_s=7)])
async def test_an_api_server_that_is_away_says_nothing_about_the_provider(error: KubeUnavailable) -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.api.secret_error = error
    await lab.clock.pass_by(60)
    assert await lab.step(PROVIDER) == (error.retry_after_s or 10.0)
    assert session_of(lab).view.is_ready


FORBIDDEN = KubeForbidden("Forbidden", "get secrets is not allowed")


async def test_a_secret_that_may_not_be_read_is_told_unless_the_connection_stands() -> None:
    lab = new_lab()
    lab.api.secret_error = FORBIDDEN
    await lab.step(PROVIDER)
    assert condition(lab, "Ready") == ("False", "NotPermitted")
    lab.api.secret_error = None
    await lab.step(PROVIDER)
    lab.api.secret_error = FORBIDDEN
    await lab.clock.pass_by(60)
    await lab.step(PROVIDER)
    assert condition(lab, "Ready") == ("True", "ProbeSucceeded")


# --- what changes


async def test_the_secret_is_read_once_a_minute_and_a_new_one_makes_a_new_connection() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": b"rotated"}
    await lab.clock.pass_by(50)
    await lab.step(PROVIDER)
    assert lab.made == 1
    await lab.clock.pass_by(10)
    await lab.step(PROVIDER)
    assert (lab.made, lab.cloud.calls.count("probe")) == (2, 2)
    assert lab.cloud.swept[-1] is None
    await lab.clock.pass_by(60)
    await lab.step(PROVIDER)
    assert lab.made == 2


async def test_a_changed_spec_makes_a_new_connection_at_once() -> None:
    lab = new_lab()
    await lab.step(PROVIDER)
    changed = provider_body(
        spec={"openstack": {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "region-two"}}}
    )
    lab.api.add(Kind.PROVIDER, changed | {"status": lab.api.status(PROVIDER)})
    lab.show(PROVIDER)
    await lab.step(PROVIDER)
    assert lab.made == 2


async def test_migrations_wait_for_a_provider_and_are_woken_by_it() -> None:
    lab = Lab()
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC))
    await lab.run()
    assert lab.api.status(MIGRATION)["conditions"][0]["reason"] == "ProviderNotReady"
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.run()
    assert lab.cloud.calls.count("start") == 1


async def test_a_deleted_provider_is_closed_and_its_migrations_are_told() -> None:
    lab = await lab_with()
    await lab.step(MIGRATION)
    await lab.run()
    lab.controllers.intake.remove(Kind.PROVIDER, lab.api.objects.pop(PROVIDER))
    await lab.run()
    assert lab.cloud.is_closed
    ready = [c for c in lab.api.status(MIGRATION)["conditions"] if c["type"] == "ProviderReady"]
    assert (ready[0]["status"], ready[0]["reason"]) == ("False", "ProviderNotFound")
    assert lab.count("osmig_provider_up") == 0


async def test_a_manifest_that_this_version_cannot_follow_counts_as_contacted_and_serves_nobody() -> None:
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_body(spec={"type": "Abacus"}))
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC))
    lab.controllers.first_sweep.begin()
    assert await lab.step(PROVIDER) is None
    view = session_of(lab).view
    assert (view.is_ready, view.reason) == (False, "InvalidManifest")
    assert lab.controllers.first_sweep.is_over()
    await lab.step(MIGRATION)
    assert "start" not in lab.cloud.calls


async def test_a_conflict_on_the_status_is_the_schedulers_to_repeat() -> None:
    lab = new_lab()
    lab.api.change(PROVIDER, labels={"by": "somebody"})
    with pytest.raises(StaleView):
        await lab.step(PROVIDER)
    await lab.step(PROVIDER)
    assert condition(lab, "Ready") == ("True", "ProbeSucceeded")


async def test_a_provider_of_another_namespace_is_as_good_as_none() -> None:
    lab = Lab(cloud=FakeBackend())
    theirs = provider_body()
    theirs["metadata"]["namespace"] = "team-b"
    lab.offer(Kind.PROVIDER, theirs)
    await lab.step(PROVIDER._replace(namespace="team-b"))
    lab.offer(Kind.MIGRATION, migration_body(spec=SPEC))
    await lab.step(MIGRATION)
    alone = Lab()
    alone.offer(Kind.MIGRATION, migration_body(spec=SPEC))
    await alone.step(MIGRATION)

    said, said_alone = (each.api.status(MIGRATION)["conditions"] for each in (lab, alone))
    assert [(one["type"], one["reason"], one["message"]) for one in said] == [
        (one["type"], one["reason"], one["message"]) for one in said_alone
    ]
    assert ("ProviderReady", "False", "ProviderNotFound") in {(c["type"], c["status"], c["reason"]) for c in said}
    assert lab.cloud.calls.count("start") == 0
