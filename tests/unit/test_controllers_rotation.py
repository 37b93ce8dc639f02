"""A Secret that is replaced by another cloud's mid-run: what was decided on one is neither sent nor judged there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from controller_fakes import MIGRATION, PROVIDER
from controller_lab import Lab, lab_with
from osmig.domain.errors import Absent
from server_fakes import FakeBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

GONE = Absent("ServerNotFound", "These credentials see no such server", operation="read-server")
ENDLESS = 10_000


def elsewhere(**changes: str) -> FakeBackend:
    """A cloud that knows nothing of our server."""
    missing = {name: [GONE] * ENDLESS for name in ("pre_start", "server", "find", "records")}
    return FakeBackend(**{"endpoint": "https://nova.other.example/v2.1", **changes}, fail=dict(missing))  # type: ignore[arg-type]


def rotate(lab: Lab, cloud: FakeBackend, secret: bytes = b"other") -> None:
    lab.cloud = cloud
    lab.api.secrets["team-a", "clouds"] = {"clouds.yaml": secret}
    lab.controllers.sessions.ensure(PROVIDER).wants_refresh = True


def succeeded(lab: Lab) -> Mapping[str, str]:
    return next(c for c in lab.api.status(MIGRATION)["conditions"] if c["type"] == "Succeeded")


async def test_a_move_waits_while_the_secret_leads_to_another_cloud_and_goes_on_when_it_leads_back() -> None:
    lab = await lab_with()
    home = lab.cloud
    await lab.run(seconds=1)
    home.run("running")
    await lab.run(seconds=30)
    assert lab.api.status(MIGRATION)["phase"] == "Running"

    rotate(lab, elsewhere())
    await lab.run(seconds=300)
    assert (lab.api.status(MIGRATION)["phase"], succeeded(lab)["reason"]) == ("Running", "CredentialsOfAnotherCloud")
    assert set(lab.cloud.calls) == {"probe", "sweep"}

    home.run("completed")
    rotate(lab, home, b"x")
    await lab.run(seconds=120)
    assert lab.api.status(MIGRATION)["phase"] == "Succeeded"
    assert home.calls.count("start") == 1


async def test_of_another_project_of_the_same_cloud_nothing_is_concluded_either() -> None:
    lab = await lab_with(cloud=FakeBackend(project_id="p1"))
    await lab.run(seconds=1)
    rotate(lab, elsewhere(endpoint=lab.cloud.endpoint, project_id="p9"))
    await lab.run(seconds=300)
    assert succeeded(lab)["reason"] == "CredentialsOfAnotherCloud"


async def test_a_start_that_was_decided_before_is_not_sent_over_the_new_connection() -> None:
    lab = await lab_with()
    home, other = lab.cloud, elsewhere()
    other.fail.clear()

    def replace_connection(_: object) -> None:
        rotate(lab, other)
        session = lab.controllers.sessions.ensure(PROVIDER)
        session.begin_connection()
        session.backend = other

    lab.api.after_put.append(replace_connection)
    await lab.run(seconds=600)
    assert "start" not in [*home.calls, *other.calls]
    assert lab.api.status(MIGRATION)["pendingCall"]["mark"]["endpoint"] == home.endpoint
    assert succeeded(lab)["reason"] == "CredentialsOfAnotherCloud"


async def test_what_an_old_connection_read_is_not_decided_on_under_a_new_one() -> None:
    lab = await lab_with()
    home, other = lab.cloud, elsewhere()
    other.fail.clear()
    changed: list[bool] = []

    def replace_connection() -> None:
        if not changed:
            changed.append(True)
            rotate(lab, other)
            session = lab.controllers.sessions.ensure(PROVIDER)
            session.begin_connection()

    home.on_survey = replace_connection
    await lab.run(seconds=30)
    assert "start" not in home.calls
    mark = other.calls.index("start")
    assert other.calls[:mark].count("pre_start") == 1, "it was read anew where it is started"
    assert lab.api.status(MIGRATION)["upstream"]["endpoint"] == other.endpoint


async def test_nothing_is_read_or_started_over_a_new_connection_before_its_first_sweep() -> None:
    lab = await lab_with()
    await lab.run(seconds=1)
    lab.cloud.run("running")
    await lab.run(seconds=10)
    rotated = elsewhere(endpoint=lab.cloud.endpoint)
    seen: list[list[str]] = []
    rotated.on_probe = lambda: seen.append(list(rotated.calls))
    rotate(lab, rotated)
    probing = asyncio.create_task(lab.step(PROVIDER))
    stepping = asyncio.create_task(lab.step(MIGRATION))
    await asyncio.wait({probing, stepping})
    assert seen == [["probe"]]
    assert rotated.calls[:2] == ["probe", "sweep"]


async def test_rows_of_the_old_cloud_are_forgotten_with_its_connection() -> None:
    lab = await lab_with()
    await lab.run(seconds=1)
    lab.cloud.run("running")
    await lab.run(seconds=30)
    session = lab.controllers.sessions.ensure(PROVIDER)
    assert session.rows.get("7") is not None
    revision = session.rows.revision
    session.begin_connection()
    assert (session.rows.get("7"), session.rows.revision) == (None, revision + 1)
