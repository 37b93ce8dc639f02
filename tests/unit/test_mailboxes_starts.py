"""The order of a job: once through every fault and every kill, found again by its file's name; checked before."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from hosting_support import HOSTING, LIST, MEANT, WAVE, MailLab, hosting_body, mail_lab, wave_body
from lab.hosting import Fault, HostingWorld
from osmig.api.names import Kind
from osmig.domain.errors import KubeForbidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.net.requests import Request

LONG_S = 400.0
"""Long enough for a lookup to end and for the order to be sent again."""

FIRST = "2030-01-02T00:00:00Z"


class Killed(BaseException):
    """The process ends here."""


def begin(lab: MailLab, **given: Any) -> None:  # noqa: ANN401
    lab.offer(Kind.MIGRATION, wave_body(**given))


@pytest.mark.parametrize("counts", [True, False], ids=["lists are counted", "lists are not counted"])
@pytest.mark.parametrize("renames", [True, False], ids=["files are renamed", "files keep their names"])
@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        (Fault.ERROR_AFTER, 1),
        (Fault.ERROR_BEFORE, 2),
        (Fault.LOST_AFTER, 1),
        (Fault.LOST_BEFORE, 2),
        (Fault.TOO_MANY, 2),
        (Fault.UNNAMED, 1),
        (Fault.BY_LOCATION, 1),
    ],
)
async def test_one_job_is_made_whatever_becomes_of_the_answer(
    fault: Fault, posts: int, *, renames: bool, counts: bool
) -> None:
    world = HostingWorld(faults={"POST": [fault]}, renames=renames, counts=counts)
    for number in range(60):
        world.make_job(name=f"other-{number}.csv", status="completed")
    lab = await mail_lab(world)
    begin(lab)
    await lab.play(seconds=LONG_S)
    assert (world.count("POST"), len(world.lists), lab.told["phase"]) == (posts, 1, "Starting")
    assert lab.told["upstream"]["id"] in world.lists
    assert "pendingCall" not in lab.told


async def test_an_effect_that_shows_late_is_awaited_and_followed() -> None:
    world = HostingWorld(faults={"POST": [Fault.LATE]})
    lab = await mail_lab(world)
    begin(lab)
    await lab.play(seconds=100)
    assert (world.count("POST"), lab.told["pendingCall"]["answer"]) == (1, "NoAnswer")
    world.settle_late()
    await lab.play(seconds=100)
    assert (world.count("POST"), len(world.lists), lab.told["phase"]) == (1, 1, "Starting")


async def test_two_orders_without_a_trace_end_it() -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_BEFORE, Fault.LOST_BEFORE]}))
    begin(lab)
    await lab.play(seconds=3 * LONG_S)
    assert (lab.world.count("POST"), lab.told["phase"], lab.reason) == (2, "Failed", "StartLost")


def kill_before(method: str) -> Callable[[Request], None]:
    def kill(request: Request) -> None:
        if request.method == method:
            raise Killed

    return kill


@pytest.mark.parametrize(("point", "posts"), [("before", 1), ("after", 1)])
async def test_a_killed_process_leaves_an_intent_whose_effect_is_found(point: str, posts: int) -> None:
    dying = await mail_lab()
    setattr(dying.way, point, kill_before("POST"))
    begin(dying)
    with pytest.raises(Killed):
        await dying.step(WAVE)
    assert dying.told["pendingCall"]["operation"] == "copy-mailboxes"
    assert len(dying.world.lists) == (point == "after")
    heir = await mail_lab(dying.world, api=dying.api, holder="next")
    heir.show(WAVE)
    await heir.play(seconds=LONG_S)
    assert (heir.world.count("POST"), len(heir.world.lists), heir.told["phase"]) == (posts, 1, "Starting")


async def test_a_list_that_moves_between_its_pages_is_read_anew() -> None:
    world = HostingWorld(page_rows=10)
    for number in range(25):
        world.make_job(name=f"other-{number}.csv", status="completed")
    lab = await mail_lab(world)
    begin(lab)
    await lab.step(WAVE)
    drifts = iter(range(1))

    def drift(page: int) -> None:
        # ours was on a later page, and moves to the first one after that was read
        if page == 2 and next(drifts, None) is not None:
            code = next(iter(world.lists))
            world.jobs = {code: world.jobs.pop(code)} | world.jobs

    lab.world.on_page = drift
    status = copy.deepcopy(lab.told)
    # as if the answer had been lost
    del status["upstream"]
    status["phase"] = "Starting"
    name = status["mailboxes"]["fileName"]
    call = {"operation": "copy-mailboxes", "attempt": 1, "holder": "gone", "time": "2030-01-01T00:00:00.000000Z"}
    status["pendingCall"] = call | {"sends": 1, "mark": {"name": name}}
    lab.api.objects[WAVE]["status"] = status
    lab.api.change(WAVE)
    lab.show(WAVE)
    await lab.step(WAVE)
    assert next(drifts, None) is None, "nothing moved"
    assert (world.count("POST"), lab.told["upstream"]["id"] in world.lists) == (1, True)


async def test_odd_rows_hide_no_job_and_fail_no_list() -> None:
    world = HostingWorld(faults={"POST": [Fault.LOST_AFTER]})
    world.odd_rows = [None, 7, "x", {}, {"code": None}, {"code": "MG1", "status": 5, "created_at": "yesterday"}]
    lab = await mail_lab(world)
    begin(lab)
    await lab.play(seconds=20)
    assert (world.count("POST"), lab.told["phase"]) == (1, "Starting")


async def test_the_same_manifest_finds_its_job_again_and_another_list_makes_another() -> None:
    lab = await mail_lab()
    begin(lab)
    await lab.play(seconds=5)
    first = lab.told["upstream"]["id"]
    del lab.api.objects[WAVE]
    again = await mail_lab(lab.world, api=lab.api, holder="another cluster")
    again.offer(Kind.MIGRATION, wave_body(uid="u-2"))
    await again.play(seconds=5)
    assert (again.told["upstream"]["id"], again.world.count("POST")) == (first, 1)
    assert "MigrationAdopted" in again.events.reasons
    again.put_list(LIST.replace("hunter2", "hunter3").encode())
    again.offer(Kind.MIGRATION, wave_body(uid="u-3"))
    await again.play(seconds=5)
    assert again.world.count("POST") == 2


async def test_several_jobs_of_the_name_are_told_and_the_oldest_is_followed() -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_AFTER]}))
    begin(lab)

    def order_again(request: Request) -> None:
        if request.method == "POST":
            lab.world.make_job(name=dict(request.body or {})["csv_file_name"])

    lab.way.after = order_again
    await lab.play(seconds=2)
    assert (lab.reason, lab.told["upstream"]["id"]) == ("AmbiguousStart", "MG00000001")


# --- what is checked


async def test_a_validation_sends_nothing_and_has_a_table() -> None:
    lab = await mail_lab()
    begin(lab, mode="Validate", mailboxes={"preset": "Other", "executeNow": None, "firstExecutionTime": FIRST})
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason, lab.world.count("POST")) == ("Succeeded", "Validated", 0)
    found = [(check["check"], check["result"]) for check in lab.told["preflight"]]
    assert found == [
        ("List", "Pass"),
        ("Preset", "Warn"),
        ("Times", "Pass"),
        ("Deadline", "Warn"),
        ("Jobs", "Pass"),
        ("Destination", "Skipped"),
    ]


@pytest.mark.parametrize(
    ("content", "mailboxes", "told"),
    [
        (b"x", {}, "row 1: 1 fields in place of 4"),
        (b"", {}, "the list is empty"),
        (None, {"executeNow": None, "firstExecutionTime": "2029-12-31T00:00:00Z"}, "firstExecutionTime: has passed"),
        (None, {"secondExecutionTime": "2029-12-31T00:00:00Z"}, "secondExecutionTime: has passed"),
    ],
)
async def test_what_cannot_be_ordered_fails_before_anything_is_sent(
    content: bytes | None, mailboxes: dict[str, Any], told: str
) -> None:
    lab = await mail_lab()
    if content is not None:
        lab.put_list(content)
    begin(lab, mailboxes=mailboxes)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason, lab.world.count("POST")) == ("Failed", "PreflightFailed", 0)
    assert told in lab.told["failure"]["message"]


async def test_a_second_execution_much_later_is_warned_of() -> None:
    lab = await mail_lab()
    begin(lab, mode="Validate", mailboxes={"secondExecutionTime": FIRST})
    await lab.play(seconds=5)
    warned = [check["path"] for check in lab.told["preflight"] if check["result"] == "Warn"]
    assert warned == ["spec.mailboxes.secondExecutionTime", "spec.deadlineSeconds"]


@pytest.mark.parametrize("key", ["mailboxes.csv", None], ids=["no key", "no Secret"])
async def test_a_list_that_is_not_there_is_waited_for(key: str | None) -> None:
    lab = await mail_lab()
    listed = lab.api.secrets.pop(("team-a", "list"))
    if key is not None:
        lab.api.secrets["team-a", "list"] = dict(MEANT)
    begin(lab)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason) == ("Pending", "SecretNotFound")
    lab.api.secrets["team-a", "list"] = listed
    await lab.play(seconds=61)
    assert lab.world.count("POST") == 1


async def test_a_list_that_may_not_be_read_is_told_and_one_of_another_use_refused() -> None:
    lab = await mail_lab()
    lab.api.secret_error = KubeForbidden("Forbidden", "RBAC forbids it")
    begin(lab)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason) == ("Pending", "Retrying")
    lab.api.secret_error = None
    lab.api.secret_types["team-a", "list"] = "kubernetes.io/service-account-token"
    await lab.play(seconds=61)
    assert (lab.told["phase"], lab.reason, lab.world.count("POST")) == ("Pending", "Retrying", 0)
    assert "made for something else" in lab.told["conditions"][0]["message"]


async def test_a_list_that_is_not_meant_for_the_endpoint_is_not_sent() -> None:
    lab = await mail_lab()
    lab.api.secrets["team-a", "list"]["endpoint"] = b"https://elsewhere.example.org"
    begin(lab)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.world.count("POST")) == ("Pending", 0)
    assert "patch secret list" in lab.told["conditions"][0]["message"]
    lab.put_list(LIST)
    await lab.play(seconds=61)
    assert lab.world.count("POST") == 1


async def test_a_list_that_changes_between_check_and_order_ends_it() -> None:
    lab = await mail_lab()
    codes = [lab.world.make_job() for _ in range(5)]
    begin(lab)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason) == ("Queued", "SlotsTaken")
    lab.world.jobs[codes[0]]["status"] = "completed"
    lab.put_list(LIST.replace("bob", "eve").encode())
    await lab.play(seconds=61)
    assert (lab.told["phase"], lab.reason, lab.world.count("POST")) == ("Failed", "CSVChanged", 0)


@pytest.mark.parametrize("change", ["changes", "goes"])
async def test_a_list_that_changes_before_an_order_is_sent_again_ends_it(change: str) -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_BEFORE]}))
    begin(lab)
    await lab.step(WAVE)
    if change == "goes":
        del lab.api.secrets["team-a", "list"]
    else:
        lab.put_list(b"other@example.org;o;p;s")
    await lab.play(seconds=LONG_S)
    assert (lab.world.count("POST"), lab.told["phase"], lab.reason) == (1, "Failed", "CSVChanged")


async def test_an_order_whose_time_has_passed_meanwhile_is_not_sent_again() -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_BEFORE]}))
    begin(lab, mailboxes={"executeNow": None, "firstExecutionTime": "2030-01-01T00:01:00Z"})
    await lab.play(seconds=LONG_S)
    assert (lab.world.count("POST"), lab.reason) == (1, "PreflightFailed")


async def test_an_abort_during_the_lookup_sends_nothing_more() -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_BEFORE]}))
    begin(lab)
    await lab.step(WAVE)
    lab.annotate(WAVE, abort="1")
    await lab.play(seconds=LONG_S)
    assert (lab.world.count("POST"), lab.told["phase"]) == (1, "Aborted")


async def test_a_name_removed_from_status_ends_the_lookup() -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [Fault.LOST_BEFORE]}))
    begin(lab)
    await lab.step(WAVE)
    del lab.api.objects[WAVE]["status"]["pendingCall"]["mark"]["name"]
    lab.api.change(WAVE)
    lab.show(WAVE)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason) == ("Failed", "RecordGone")


async def test_the_sixth_job_waits_for_a_place_and_is_told_the_count() -> None:
    lab = await mail_lab()
    codes = [lab.world.make_job() for _ in range(5)]
    begin(lab)
    await lab.play(seconds=5)
    message = lab.told["conditions"][0]["message"]
    assert (lab.reason, message) == ("SlotsTaken", "5/5 jobs of the customer are under way at the service")
    lab.world.jobs[codes[0]]["status"] = "failed"
    await lab.play(seconds=61)
    assert lab.world.count("POST") == 1


async def test_two_migrations_do_not_take_one_place() -> None:
    lab = await mail_lab(maxJobs=1)
    begin(lab)
    lab.offer(Kind.MIGRATION, wave_body(name="wave-2"))
    await lab.step(WAVE)
    other = type(WAVE)(Kind.MIGRATION, "team-a", "wave-2")
    await lab.step(other)
    assert lab.world.count("POST") == 1
    condition = lab.api.status(other)["conditions"][0]
    assert condition["reason"] == "SlotsTaken"
    requests = len(lab.world.requests)
    await lab.step(other)
    assert len(lab.world.requests) == requests, "nothing is read while all slots are taken"


@pytest.mark.parametrize(
    ("fault", "reason", "told"),
    [
        (Fault.INVALID, "InvalidSpec", "objects to spec.mailboxes.preset, the list of mailboxes"),
        (Fault.FORBIDDEN, "NotPermitted", "billing profile"),
    ],
)
async def test_a_refusal_names_fields_and_rights(fault: Fault, reason: str, told: str) -> None:
    lab = await mail_lab(HostingWorld(faults={"POST": [fault]}))
    begin(lab)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.reason, lab.world.count("POST")) == ("Failed", reason, 1)
    assert told in lab.told["failure"]["message"]


async def test_a_retry_makes_a_new_job_with_a_new_name() -> None:
    lab = await mail_lab()
    begin(lab)
    await lab.play(seconds=5)
    lab.world.finish(lab.told["upstream"]["id"], "failed")
    await lab.play(seconds=30)
    assert (lab.told["phase"], lab.reason) == ("Failed", "MailboxesFailed")
    lab.annotate(WAVE, retry="1")
    await lab.play(seconds=5)
    names = lab.world.orders
    assert (len(names), names[0].replace("-1.csv", "-2.csv")) == (2, names[1])


async def test_an_abort_before_the_order_sends_nothing() -> None:
    lab = await mail_lab()
    body = wave_body()
    body["metadata"]["annotations"] = {"osmig.dev/abort": "1"}
    lab.offer(Kind.MIGRATION, body)
    await lab.play(seconds=5)
    assert (lab.told["phase"], lab.world.count("POST")) == ("Aborted", 0)


async def test_what_is_ordered_is_what_the_spec_says() -> None:
    bodies: list[dict[str, Any]] = []
    lab = await mail_lab(customerCode="of-provider")
    lab.way.after = lambda request: bodies.append(dict(request.body or {})) if request.method == "POST" else None
    options = {
        "executeNow": None,
        "firstExecutionTime": FIRST,
        "secondExecutionTime": "2030-01-02T12:00:00Z",
        "dateFilter": {"preset": "Custom", "fromDate": "2029-06-01"},
        "customerCode": "of-migration",
    }
    begin(lab, mailboxes=options)
    await lab.play(seconds=5)
    sent = bodies[0]
    assert sent.pop("csv_file_name") == lab.told["mailboxes"]["fileName"]
    assert sent == {
        "csv_file_content": LIST,
        "csv_file_size": len(LIST),
        "preset": "Standard-SSL",
        "first_execution_date": FIRST,
        "second_execution_date": "2030-01-02T12:00:00Z",
        "date_filter_preset": "custom",
        "custom_from_date": "2029-06-01",
        "customer_code": "of-migration",
    }


async def test_a_provider_with_a_bad_token_is_not_ready_and_its_migrations_wait() -> None:
    lab = await mail_lab()
    lab.api.secrets["team-a", "hosting"] = {"token": b"bad"} | MEANT
    lab.api.secret_version += 1
    lab.offer(Kind.PROVIDER, hosting_body(maxJobs=4))
    await lab.step(HOSTING)
    begin(lab)
    await lab.play(seconds=5)
    ready = lab.api.status(HOSTING)["conditions"][0]
    assert (ready["reason"], lab.told["phase"]) == ("Unauthorized", "Queued")
