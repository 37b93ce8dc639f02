"""The lab's Nova is a real one whose hypervisors, answers and services misbehave on command."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from lab.nova_client import HELD_S, HttpError
from lab.waiting import eventually

if TYPE_CHECKING:
    from lab.nova import NovaLab

OF_A_SLEEPER = 10
"""Waits a second. A listener that looks for messages waits twenty times; one that reports its state, a few."""
LIVE_MIGRATE = {"os-migrateLive": {"host": None, "block_migration": "auto"}}


@pytest.fixture
def server(nova: NovaLab, request: pytest.FixtureRequest) -> str:
    """A server of its own for one test, whose moves finish at once."""
    return nova.boot(f"for-{request.node.name[:60]}")


def newest(nova: NovaLab, server: str) -> dict[str, Any]:
    """Return the last migration record of a server; none yet is a LookupError."""
    return nova.nova.migrations(server)[-1]


def test_a_live_migration_moves_the_server_and_every_status_is_on_record(nova: NovaLab, server: str) -> None:
    source = nova.nova.server(server)["OS-EXT-SRV-ATTR:host"]

    request_id = nova.nova.live_migrate(server)

    eventually(lambda: newest(nova, server)["status"] == "completed", what="completed")
    assert nova.nova.server(server)["OS-EXT-SRV-ATTR:host"] != source
    assert nova.nova.actions(server)[-1]["request_id"] == request_id
    seen = [t["status"] for t in nova.control.transitions(server) if t["kind"] == "migration"]
    assert list(dict.fromkeys(seen)) == ["accepted", "queued", "preparing", "running", "completed"]


def test_a_plan_makes_a_migration_hang_until_it_is_steered_to_its_end(nova: NovaLab) -> None:
    server = nova.boot("hangs", plan="hang", host="cmp2")
    nova.nova.live_migrate(server)
    eventually(lambda: newest(nova, server)["status"] == "running", what="running")
    assert nova.nova.server(server)["OS-EXT-SRV-ATTR:host"] == "cmp2"

    nova.control.steer(server, "fail")

    eventually(lambda: newest(nova, server)["status"] == "failed", what="failed")


def test_a_migration_is_steered_as_soon_as_its_hypervisor_has_begun(nova: NovaLab) -> None:
    server = nova.boot("early", plan=f"hang,precheck_delay={HELD_S}", host="cmp2")
    nova.nova.live_migrate(server)

    with ThreadPoolExecutor(1) as pool:
        steering = pool.submit(nova.control.steer, server, "fail")
        with pytest.raises(TimeoutError):
            steering.result(timeout=1)
        nova.control.release(server, "precheck")
        steering.result()

    eventually(lambda: newest(nova, server)["status"] == "failed", what="failed")


def count_waits(lab: NovaLab) -> dict[str, int]:
    """Return how often each thread of Nova has gone to sleep."""
    tasks = Path(f"/proc/{lab.pid}/task").glob("*/status")
    lines = {task.parent.name: task.read_text(encoding="ascii").splitlines() for task in tasks}
    return {
        thread: int(line.split()[1])
        for thread, said in lines.items()
        for line in said
        if line.startswith("voluntary_ctxt_switches")
    }


def test_nova_is_done_with_a_server_once_all_of_its_newest_action_has_ended(nova: NovaLab) -> None:
    server = nova.boot("confirmed", plan=f"finish,confirm_delay={HELD_S}")
    nova.nova.post(f"/servers/{server}/action", {"migrate": {}})
    eventually(lambda: nova.nova.server(server)["status"] == "VERIFY_RESIZE", what="awaits its confirmation")
    eventually(lambda: nova.nova.is_done(server), what="done with the move")

    nova.nova.post(f"/servers/{server}/action", {"confirmResize": None})

    assert not nova.nova.is_done(server)
    nova.control.release(server, "confirm")
    eventually(lambda: nova.nova.is_done(server), what="done with the confirmation")
    assert nova.nova.server(server)["status"] == "ACTIVE"


def test_what_nova_logs_as_an_error_can_be_told(nova: NovaLab) -> None:
    server = nova.boot("fails", plan="live=crash", host="cmp2")

    nova.nova.post(f"/servers/{server}/action", LIVE_MIGRATE)

    eventually(lambda: server in nova.errors() and "Traceback" in nova.errors(), what="told")


def test_the_threads_of_an_idle_nova_sleep_until_they_are_woken(nova: NovaLab) -> None:
    def all_sleep() -> bool:
        before, begin = count_waits(nova), time.monotonic()
        time.sleep(3)  # the claim is on what happens meanwhile
        now, seconds = count_waits(nova), time.monotonic() - begin
        a_second = {thread: (waits - before[thread]) / seconds for thread, waits in now.items() if thread in before}
        assert [thread for thread, waits in a_second.items() if waits > OF_A_SLEEPER] == []
        return True

    # what the test before it left to do is done first; a thread that polls is never without
    eventually(all_sleep, what="all sleep")


@pytest.mark.parametrize(("when", "starts"), [("before", 0), ("after", 1)])
def test_a_cut_before_or_after_the_effect_gives_no_answer(
    nova: NovaLab, server: str, when: Literal["before", "after"], starts: int
) -> None:
    nova.control.fault(path=server, method="POST", when=when, action="cut")

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        nova.nova.post(f"/servers/{server}/action", LIVE_MIGRATE)

    assert [a["action"] for a in nova.nova.actions(server)].count("live-migration") == starts


def test_a_redirect_after_the_effect_carries_its_location(nova: NovaLab, server: str) -> None:
    target = f"{nova.compute}/servers/{server}/action"
    nova.control.fault(path=server, method="POST", when="after", status=307, headers={"Location": target})
    mark = nova.control.request_mark()

    with pytest.raises(HttpError) as caught:
        nova.nova.post(f"/servers/{server}/action", LIVE_MIGRATE)

    assert (caught.value.status, caught.value.headers["Location"]) == (307, target)
    (post,) = [r for r in nova.control.requests(since=mark) if r["method"] == "POST"]
    assert (post["status"], post["nova_status"]) == (307, 202)
    assert post["request_id"] == nova.nova.actions(server)[-1]["request_id"]


def test_a_delay_after_the_effect_shows_the_effect_before_the_answer(nova: NovaLab, server: str) -> None:
    nova.control.fault(path=server, method="POST", when="after", action="delay", delay=4)
    mark = nova.control.request_mark()
    begin = time.time()  # noqa: TID251 - compared with the lab's stamps

    request_id = nova.nova.live_migrate(server)

    answered = time.time()  # noqa: TID251 - compared with the lab's stamps
    assert answered - begin > 4
    (post,) = [r for r in nova.control.requests(since=mark) if r["method"] == "POST"]
    assert (post["status"], post["request_id"]) == (202, request_id)
    effects = [change["t"] for change in nova.control.transitions(server) if change["t"] >= begin]
    assert effects[0] < answered


def test_the_request_log_numbers_requests_and_names_their_users(nova: NovaLab, server: str) -> None:
    mark = nova.control.request_mark()

    nova.nova.server(server)
    nova.as_user("reader").server(server)

    logged = nova.control.requests(since=mark)
    assert [(r["n"], r["user"]) for r in logged] == [(mark + 1, "operator"), (mark + 2, "reader")]


def test_a_stopped_compute_counts_as_down_and_comes_back(nova: NovaLab) -> None:
    def state() -> str:
        (service,) = nova.nova.get("/os-services?binary=nova-compute&host=cmp4")["services"]
        return str(service["state"])

    nova.control.service("cmp4", "stop")
    eventually(lambda: state() == "down", what="cmp4 down")

    nova.control.service("cmp4", "start")

    eventually(lambda: state() == "up", what="cmp4 up")


def test_keystone_gives_real_tokens_and_the_log_still_names_the_user(nova_keystone: NovaLab) -> None:
    server = nova_keystone.servers["vm-1"]

    nova_keystone.nova.live_migrate(server)

    eventually(lambda: newest(nova_keystone, server)["status"] == "completed", what="completed")
    assert nova_keystone.keystone
    (post,) = [r for r in nova_keystone.control.requests() if "os-migrateLive" in r["body"]]
    assert post["user"] == "operator"
