"""The lab's own tools: waiting, and the operator as a subprocess."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.osmig_run import OsmigRun
from lab.waiting import LONGEST_PAUSE_S, NotInTimeError, eventually, eventually_async

STAND_IN = """
import http.server, json, os, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
        self.wfile.write(b"x")
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
print("no JSON")
print(json.dumps({"event": "started", "arguments": sys.argv[1:], "environ": sorted(os.environ)}), flush=True)
print(json.dumps({"event": "http.listening", "port": server.server_port}), flush=True)
server.serve_forever()
"""


def test_eventually_returns_the_first_true_answer_and_forgives_what_is_not_there_yet() -> None:
    answers = iter([LookupError("not yet"), 0, "yes"])

    def probe() -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert eventually(probe, what="the answer", every_s=0) == "yes"


def test_eventually_says_what_it_saw_last() -> None:
    with pytest.raises(NotInTimeError, match=r"the phase is Running was not so after 0 s; last seen: \[\]"):
        eventually(list, what="the phase is Running", timeout_s=0)


def test_whoever_waits_long_asks_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    eventually(lambda: len(pauses) == 20, what="twenty pauses", every_s=0.1)

    assert pauses[0] == 0.1
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S


def test_whoever_chose_a_longer_pause_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    eventually(lambda: len(pauses) == 3, what="three pauses", every_s=1.0)

    assert pauses == [1.0] * 3


async def test_eventually_async_asks_coroutine_functions_and_plain_ones() -> None:
    async def probe() -> int:
        raise KeyError("phase")

    assert await eventually_async(lambda: 3, what="three") == 3
    with pytest.raises(NotInTimeError, match="KeyError: 'phase'"):
        await eventually_async(probe, what="it", timeout_s=0)


def test_an_error_that_is_no_not_yet_ends_the_wait_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 / 0, what="never")


@pytest.fixture
def osmig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsmigRun:
    """A stand-in that says and answers what the operator does."""
    monkeypatch.setenv("OS_CLOUD", "mine")
    command = (sys.executable, "-c", STAND_IN)
    return OsmigRun("--namespace", "n", kubeconfig=Path("k"), command=command, env={"MORE": "1"}, log=tmp_path / "log")


def test_the_operator_is_started_with_flags_and_without_the_clouds_of_whoever_runs_the_tests(osmig: OsmigRun) -> None:
    with osmig:
        osmig.wait_ready()
        (started,) = osmig.logs("started")

        assert started["arguments"] == ["--kubeconfig", "k", "--http-port", "0", "--namespace", "n"]
        assert "MORE" in started["environ"]
        assert "OS_CLOUD" not in started["environ"]
        assert osmig.http("/livez")[0] == 503


def test_a_frozen_operator_answers_again_after_it_was_resumed(osmig: OsmigRun) -> None:
    with osmig:
        osmig.wait_ready()
        osmig.pause()
        with pytest.raises(TimeoutError):
            osmig.http("/readyz", timeout_s=0.3)

        osmig.resume()

        assert osmig.http("/readyz")[0] == 200


def test_a_killed_operator_can_be_started_again_and_shows_the_new_logs_alone(osmig: OsmigRun) -> None:
    with osmig:
        first = osmig.wait_ready().port
        assert osmig.kill() == -9

        osmig.start().wait_ready()

        assert len(osmig.logs("started")) == 1
        assert osmig.port != first


def test_an_operator_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('bad flag')")
    with (
        OsmigRun(kubeconfig=tmp_path, command=command, log=tmp_path / "log") as osmig,
        pytest.raises(RuntimeError, match=r"(?s)ended with 1.*bad flag"),
    ):
        osmig.wait_ready()
