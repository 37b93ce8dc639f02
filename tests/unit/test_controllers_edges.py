"""Where the engine meets Kubernetes: lists and ghosts, status writes, Events, reports, kopf's handlers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import kopf
import pytest

from api_samples import migration_body, provider_body
from controller_fakes import MIGRATION, OTHER, PROVIDER, ApiServer
from controller_lab import DOWN, SPEC, Lab, lab_with
from domain_samples import started
from fake_clock import FakeClock, HeldClock
from osmig.api.names import EventReason, Kind
from osmig.controllers.deletion_events import DeletionEvents
from osmig.controllers.inbox import Inbox
from osmig.controllers.intake import Intake
from osmig.controllers.ledger import Ledger
from osmig.controllers.publishing import Publisher
from osmig.controllers.relisting import Relist
from osmig.domain.errors import ListExpired, ObjectGone, StaleView, WriteConflict
from osmig.domain.observation import Note
from osmig.handlers import LOGIN_PAUSE_S, Login, NoEssence, build_registry, build_settings
from osmig.kube.credentials import Credentials

if TYPE_CHECKING:
    from osmig.controllers.keys import Key
    from osmig.domain.errors import KubeUnavailable

MINUTE = timedelta(minutes=1)

# --- our own list


class Listing:
    """A Relist over an API server in memory."""

    def __init__(self, *namespaces: str) -> None:
        """Know nothing yet; no namespaces means all."""
        self.api, self.inbox, self.clock = ApiServer(), Inbox(), FakeClock()
        self.woken: list[Key] = []
        self.intake = Intake(self.inbox, Ledger(), self.woken.append)
        self.relist = Relist(
            inbox=self.inbox,
            intake=self.intake,
            resources=self.api.as_resources,
            clock=self.clock,
            namespaces=namespaces,
            period_s=600.0,
        )

    async def again(self, times: int = 1) -> None:
        """List that many times more, each after its period."""
        task = asyncio.create_task(self.relist.run())
        end = self.clock.elapsed + 600.0 * times
        while self.clock.elapsed <= end:  # noqa: ASYNC110 - the clock is moved by who sleeps
            await asyncio.sleep(0)  # noqa: TID251 - gives way, does not wait
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize("namespaces", [(), ("team-a", "team-b")])
async def test_the_first_list_takes_in_everything_there_is(namespaces: tuple[str, ...]) -> None:
    listing = Listing(*namespaces)
    listing.api.add(Kind.MIGRATION, migration_body())
    listing.api.add(Kind.PROVIDER, provider_body())
    await listing.relist.first()
    assert set(listing.woken) == {MIGRATION, PROVIDER}


async def test_the_first_list_is_repeated_until_it_works() -> None:
    listing = Listing()
    listing.api.add(Kind.MIGRATION, migration_body())
    listing.api.list_errors = [DOWN, ListExpired("Expired", "begin again")]
    await listing.relist.first()
    assert listing.clock.elapsed == 4.0
    assert listing.woken == [MIGRATION]


async def test_a_later_list_adds_what_the_watch_missed_and_wakes_nobody_else() -> None:
    listing = Listing()
    listing.api.add(Kind.MIGRATION, migration_body())
    await listing.relist.first()
    other = migration_body()
    other["metadata"] |= {"name": "db-08", "uid": "u-9"}
    listing.api.add(Kind.MIGRATION, other)
    await listing.again(2)
    assert listing.woken == [MIGRATION, OTHER]


async def test_an_object_whose_deletion_nobody_told_us_is_dropped_as_a_ghost() -> None:
    listing = Listing()
    listing.api.add(Kind.MIGRATION, migration_body())
    await listing.relist.first()
    listing.api.objects.clear()
    await listing.again()
    assert listing.inbox.get(MIGRATION) is None
    assert listing.woken == [MIGRATION, MIGRATION], "its step cleans up"


@pytest.mark.parametrize("error", [None, DOWN])
async def test_an_object_that_is_younger_than_the_list_or_cannot_be_asked_for_stays(
    error: KubeUnavailable | None,
) -> None:
    listing = Listing("team-b")
    listing.intake.offer(Kind.MIGRATION, listing.api.add(Kind.MIGRATION, migration_body()))
    listing.api.get_error = error
    await listing.relist.first()
    assert listing.inbox.get(MIGRATION) is not None


# --- status writes and Events


def publisher_of(lab: Lab) -> Publisher:
    inbox, events = lab.controllers.inbox, lab.events.as_recorder
    return Publisher(
        inbox=inbox,
        intake=lab.controllers.intake,
        statuses=lab.api,
        resources=lab.api.as_resources,
        events=events,
        deletion_events=DeletionEvents(inbox=inbox, ledger=Ledger(), events=events),
    )


async def test_an_own_write_is_known_at_once_and_wakes_nobody() -> None:
    lab = await lab_with()
    await publisher_of(lab).put(MIGRATION, started())
    entry = lab.controllers.inbox.get(MIGRATION)
    assert entry is not None
    assert entry.body["status"]["phase"] == "Running"


async def test_a_conflict_brings_the_newest_body() -> None:
    lab = await lab_with()
    lab.api.change(MIGRATION, annotations={"osmig.dev/abort": "now"})
    with pytest.raises(StaleView):
        await publisher_of(lab).put(MIGRATION, started())
    entry = lab.controllers.inbox.get(MIGRATION)
    assert entry is not None
    assert entry.body["metadata"]["annotations"] == {"osmig.dev/abort": "now"}


async def test_an_object_that_is_gone_is_forgotten_whether_the_write_or_the_reading_shows_it() -> None:
    lab = await lab_with("db-07", "db-08")
    lab.api.objects.pop(MIGRATION)
    with pytest.raises(ObjectGone):
        await publisher_of(lab).put(MIGRATION, started())

    def conflict(_: object) -> None:
        lab.api.objects.pop(OTHER)
        raise WriteConflict("Conflict", "x")

    lab.api.before_put.append(conflict)
    with pytest.raises(ObjectGone):
        await publisher_of(lab).put(OTHER, started())
    assert lab.controllers.inbox.keys(Kind.MIGRATION) == ()
    with pytest.raises(ObjectGone):
        await publisher_of(lab).put(OTHER, started())


async def test_events_are_posted_about_what_exists() -> None:
    lab = await lab_with()
    note = Note(reason=EventReason.VERB_REJECTED, text="why", is_warning=True)
    publisher_of(lab).announce(MIGRATION, (note,))
    publisher_of(lab).announce(OTHER, (note,))
    assert lab.events.notes == [("VerbRejected", "why")]


# --- kopf


def handlers_of(registry: kopf.OperatorRegistry) -> dict[str, Any]:
    """Return what is registered; kopf has no public way to ask."""
    return {str(handler.id): handler.fn for handler in registry._watching.get_all_handlers()}  # noqa: SLF001


async def test_what_kopf_sees_goes_through_the_one_door() -> None:
    woken: list[Key] = []
    inbox = Inbox()
    login = Login(read_credentials("t"), FakeClock(), timedelta(minutes=10))
    handlers = handlers_of(build_registry(Intake(inbox, Ledger(), woken.append), login))
    assert set(handlers) == {"offer-migrations", "offer-providers", "offer-migrationmappings", "offer-migrationplans"}
    migration = migration_body(spec=SPEC)
    for kind in (None, "ADDED", "MODIFIED"):
        await handlers["offer-migrations"](event={"type": kind, "object": migration}, logger=None)
    await handlers["offer-providers"](event={"type": "ADDED", "object": provider_body()}, logger=None)
    assert woken == [MIGRATION, PROVIDER]
    await handlers["offer-migrations"](event={"type": "DELETED", "object": migration}, logger=None)
    assert inbox.get(MIGRATION) is None


def read_credentials(*tokens: str | None) -> Any:  # noqa: ANN401 - a coroutine function
    rest = list(tokens)

    async def read() -> Credentials:
        token = rest.pop(0) if len(rest) > 1 else rest[0]
        return Credentials(server="https://api.example.org", token=token)

    return read


async def test_a_login_gives_kopf_what_it_needs_to_connect() -> None:
    clock = FakeClock()
    info = await Login(read_credentials("t-1"), clock, timedelta(minutes=10)).connect(logger=None)
    assert (info.server, info.token) == ("https://api.example.org", "t-1")
    assert info.expiration == clock.now() + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("tokens", "passed_s", "pause_s"),
    [
        (("t-1", "t-2"), 1.0, 0.0),
        (("t-1", "t-1", "t-2"), 1.0, LOGIN_PAUSE_S),
        (("t-1",), 59.0, LOGIN_PAUSE_S),
        (("t-1",), 60.0, 0.0),
        ((None,), 1.0, LOGIN_PAUSE_S),
    ],
)
async def test_a_token_that_was_refused_moments_ago_is_read_again_only_after_a_pause(
    tokens: tuple[str | None, ...], passed_s: float, pause_s: float
) -> None:
    clock = FakeClock()
    login = Login(read_credentials(*tokens), clock, timedelta(minutes=10))
    await login.connect()
    clock.advance(passed_s)
    info = await login.connect()
    assert clock.elapsed == passed_s + pause_s
    assert info.token == tokens[-1]


def test_kopf_keeps_its_hands_off_our_objects() -> None:
    settings = build_settings()
    assert isinstance(settings.persistence.diffbase_storage, NoEssence)
    assert NoEssence().build(body=kopf.Body({}), extra_fields=None) == {}
    assert settings.peering.standalone
    assert not settings.posting.enabled
    assert isinstance(settings.watching.server_timeout, int)


async def test_a_manual_clock_wakes_sleepers_in_their_order() -> None:
    clock = HeldClock()
    order: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        order.append(clock.elapsed)

    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (3.0, 1.0, 2.0)]
    await clock.pass_by(2.5)
    assert order == [1.0, 2.0]
    await clock.pass_by(1.0)
    await asyncio.gather(*tasks)
