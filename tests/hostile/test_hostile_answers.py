"""A backend in front of a hostile cloud: each call ends in time, as what it is, and costs next to nothing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hosting_support
import nova_support
import waldur_support
from hostile.behaviours import ROWS, Behaviour
from hostile.clouds import SERVER, TENANT
from hostile.measuring import measuring
from hostile.upstream import serving
from osmig.domain.errors import BackendError, NotPermitted, OutcomeUnknown, Refused, TooManyRows, Transient
from osmig.drivers.mailboxes.views import MailboxJob
from osmig.drivers.servers.views import Job
from osmig.net.bounds import Timeouts
from osmig.net.failures import NoMemoryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TESTS = Path(__file__).parents[1]
HASTY = Timeouts(connect_s=1.0, read_s=1.0, list_s=1.0)
UNHURRIED = Timeouts(connect_s=2.0, read_s=2.0, list_s=2.0)
"""For what is asked several times, some of which never end."""
NO_MEMORY = str(NoMemoryError())
GUARD_S = 60.0
"""Against what never ends: thirty times the deadline of a hasty call, for the machine may be busy."""
NEVER_ENDING = frozenset({Behaviour.HANG, Behaviour.DRIP_HEADERS, Behaviour.DRIP_BODY})
MAX_BLOCK_S = 0.25
MAX_GROWTH_MIB = 64.0

MAILBOXES = MailboxJob(file_name="a-1.csv", content="ann@example.org;ann;p;imap.example.net", preset="Gmail")

SLOW, LONG = ("in time",), ("too long",)
NOT_JSON = ("nested too deeply", "not Waldur", "not the hosting service")
WHOLE = {
    Behaviour.HANG: SLOW,
    Behaviour.DRIP_HEADERS: SLOW,
    Behaviour.DRIP_BODY: SLOW,
    Behaviour.ENDLESS_HEADERS: (*LONG, "broke"),
    Behaviour.ENDLESS_CONTINUES: (*LONG, "broke"),
    Behaviour.ENDLESS_CHUNK_LINE: (*LONG, "broke", "failed"),
    Behaviour.TINY_CHUNKS: LONG,
    Behaviour.HUGE_JSON: LONG,
    Behaviour.DEEP_JSON: NOT_JSON,
    Behaviour.MANY_VALUES: NOT_JSON,
    Behaviour.GZIP_BOMB: ("compressed",),
}
"""What stands in place of any answer, and what its Transient says: one of these."""


@asynccontextmanager
async def open_nova(url: str, timeouts: Timeouts) -> AsyncIterator[Any]:
    login = {"username": "u", "password": "p", "project_name": "p", "default_domain_id": "default"}
    secret = nova_support.clouds_yaml(auth_url=f"{url}/v3", **login)
    backend = nova_support.make_backend(secret, timeouts=timeouts)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def open_waldur(url: str, timeouts: Timeouts) -> AsyncIterator[Any]:
    backend = waldur_support.make_backend(url, timeouts=timeouts)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def open_hosting(url: str, timeouts: Timeouts) -> AsyncIterator[Any]:
    backend = hosting_support.make_backend(url, timeouts=timeouts)
    try:
        yield backend
    finally:
        await backend.close()


Question = tuple[Callable[[str, Timeouts], Any], Callable[[Any], Awaitable[Any]]]
SWEEP: Question = (open_nova, lambda backend: backend.sweep(None))
PROBE: Question = (open_nova, lambda backend: backend.probe())
START: Question = (open_nova, lambda backend: backend.start(Job(server_id=SERVER), nova_support.GRANTED))
RUNS: Question = (open_waldur, lambda backend: backend.runs(TENANT))
ORDER: Question = (open_waldur, lambda backend: backend.replicate(waldur_support.job_for(), waldur_support.GRANTED))
JOBS: Question = (open_hosting, lambda backend: backend.jobs(None))
COPY: Question = (open_hosting, lambda backend: backend.copy(MAILBOXES, waldur_support.GRANTED))
COUNTED_RUNS: Question = (open_waldur, lambda backend: backend.list_operations())
COUNTED_JOBS: Question = (open_hosting, lambda backend: backend.list_operations())
HOST: Question = (open_nova, lambda backend: backend.compute_hosts.sweep_host("cmp1"))
PROJECT: Question = (open_nova, lambda backend: backend.compute_hosts.sweep_project("p"))
GROUPS: Question = (open_nova, lambda backend: backend.compute_hosts.list_groups())
ALL_HOSTS: Question = (open_nova, lambda backend: backend.compute_hosts.list_hosts())
LOOKS = {"host": HOST, "project": PROJECT}
READS = {"nova": SWEEP, "waldur": RUNS, "hosting": JOBS}
LISTS = READS | {"counted runs": COUNTED_RUNS, "counted jobs": COUNTED_JOBS}
STARTS = {"nova": START, "waldur": ORDER, "hosting": COPY}


async def ask(url: str, question: Question, behaviour: Behaviour = Behaviour.HONEST) -> Any:  # noqa: ANN401 - what it brings
    """Ask one thing, and hold its costs to the bounds; return the answer or the error."""
    opened, send = question
    timeouts = HASTY if behaviour in NEVER_ENDING else nova_support.PATIENT
    async with opened(url, timeouts) as backend, measuring() as cost:
        try:
            async with asyncio.timeout(GUARD_S):
                found = await send(backend)
        except BackendError as error:
            found = error
    assert cost.longest_block_s < MAX_BLOCK_S
    assert cost.growth_mib < MAX_GROWTH_MIB
    return found


@pytest.mark.parametrize("question", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("behaviour", WHOLE)
async def test_what_stands_in_place_of_an_answer_is_told(behaviour: Behaviour, question: Question) -> None:
    with serving(behaviour, "--after-login") as url:
        found = await ask(url, question, behaviour)

    assert isinstance(found, Transient)
    assert any(words in found.message for words in WHOLE[behaviour]), found.message


@pytest.mark.parametrize("question", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("behaviour", [*WHOLE, *sorted(ROWS), Behaviour.MORE_ROWS, Behaviour.FAT_LISTS])
async def test_a_look_at_hosts_or_servers_that_misses_anything_proves_nothing(
    behaviour: Behaviour, question: Question
) -> None:
    with serving(behaviour, "--after-login") as url:
        found = await ask(url, question, behaviour)

    assert found.problem
    assert not found.is_complete


@pytest.mark.parametrize("question", [GROUPS, ALL_HOSTS], ids=["groups", "hosts"])
@pytest.mark.parametrize("behaviour", [*WHOLE, *sorted(ROWS), Behaviour.FAT_LISTS])
async def test_lists_of_hosts_and_groups_are_bounded(behaviour: Behaviour, question: Question) -> None:
    with serving(behaviour, "--after-login") as url:
        found = await ask(url, question, behaviour)

    assert isinstance(found, BackendError | tuple)
    if behaviour in WHOLE:
        assert isinstance(found, Transient)
    if behaviour is Behaviour.FAT_LISTS:
        assert (question is GROUPS) == isinstance(found, TooManyRows)


@pytest.mark.parametrize("behaviour", WHOLE)
async def test_what_stands_in_place_of_a_login_is_told(behaviour: Behaviour) -> None:
    with serving(behaviour) as url:
        found = await ask(url, PROBE, behaviour)

    assert isinstance(found, Transient)


@pytest.mark.parametrize("question", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("behaviour", WHOLE)
async def test_what_stands_in_place_of_an_answer_to_a_start_leaves_its_outcome_open(
    behaviour: Behaviour, question: Question
) -> None:
    with serving(behaviour, "--after-login") as url:
        found = await ask(url, question, behaviour)

    assert isinstance(found, OutcomeUnknown)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        (SWEEP, Transient),
        (START, OutcomeUnknown),
        (RUNS, NotPermitted),
        (ORDER, OutcomeUnknown),
        (JOBS, NotPermitted),
        (COPY, OutcomeUnknown),
    ],
    ids=["sweep", "start", "runs", "order", "jobs", "copy"],
)
async def test_hostile_text_costs_no_more_than_any_other(question: Question, kind: type[BackendError]) -> None:
    with serving(Behaviour.HOSTILE_TEXT, "--after-login") as url:
        found = await ask(url, question)

    assert isinstance(found, kind | Refused)
    assert len(found.message) < 1000


@pytest.mark.parametrize("behaviour", sorted(ROWS))
async def test_odd_rows_hide_no_other(behaviour: Behaviour) -> None:
    with serving(behaviour, "--after-login") as url:
        sweep, runs, known = [await ask(url, question) for question in READS.values()]

    assert "1" in {record.id for record in sweep.records}
    assert "c" * 32 in {run.id for run in runs}
    assert "MG00000001" in {job.code for job in known.jobs}


@pytest.mark.parametrize("behaviour", sorted(ROWS))
async def test_an_odd_object_is_an_answer_or_a_backends_error(behaviour: Behaviour) -> None:
    questions: tuple[Question, ...] = (
        PROBE,
        (open_nova, lambda backend: backend.pre_start_state(Job(server_id=SERVER))),
        (open_nova, lambda backend: backend.explain(SERVER, "req-1")),
        (open_nova, lambda backend: backend.progress(SERVER, "1")),
        (open_nova, lambda backend: backend.preflight(Job(server_id=SERVER))),
        (open_waldur, lambda backend: backend.probe()),
        (open_waldur, lambda backend: backend.run(TENANT)),
        (open_waldur, lambda backend: backend.replica(TENANT, TENANT)),
        (open_waldur, lambda backend: backend.preflight(waldur_support.job_for())),
        ORDER,
        (open_hosting, lambda backend: backend.probe()),
        (open_hosting, lambda backend: backend.job("MG00000001")),
        (open_hosting, lambda backend: backend.mailboxes("MG00000001")),
        COPY,
    )
    with serving(behaviour, "--after-login") as url:
        for question in questions:
            await ask(url, question)


@pytest.mark.parametrize("behaviour", [Behaviour.MORE_ROWS, Behaviour.ENDLESS_PAGES])
async def test_a_list_beyond_its_bounds_is_told_as_such(behaviour: Behaviour) -> None:
    with serving(behaviour, "--after-login") as url:
        sweep, *others = [await ask(url, question) for question in READS.values()]

    assert isinstance(sweep, TooManyRows)
    assert sweep.reason == "TooManyRows"
    for found in others:
        assert isinstance(found, Transient)
        assert "more than" in found.message


@pytest.mark.parametrize("question", LISTS.values(), ids=LISTS)
async def test_redirects_are_answers(question: Question) -> None:
    with serving(Behaviour.ENDLESS_REDIRECTS, "--after-login") as url:
        found = await ask(url, question)

    assert isinstance(found, Transient)
    assert "302" in found.message


@pytest.mark.parametrize("question", READS.values(), ids=READS)
@pytest.mark.parametrize("behaviour", [Behaviour.DRIP_BODY, Behaviour.DEEP_JSON, Behaviour.MANY_VALUES])
async def test_what_is_no_answer_keeps_no_memory_from_the_next(behaviour: Behaviour, question: Question) -> None:
    opened, send = question
    told = []
    gc.disable()  # an exception may keep what its frames knew until the collector comes
    try:
        with serving(behaviour, "--after-login") as url:
            async with opened(url, UNHURRIED) as backend:
                for _ in range(2):
                    with pytest.raises(BackendError) as caught:
                        await send(backend)
                    told.append(caught.value.message)
                    del caught
    finally:
        gc.enable()

    assert not [message for message in told if NO_MEMORY in message]
