"""What the lab needs is found or made whole: once, with nothing built that nobody asked for, and nothing half-made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from lab.binaries import TOOLS, find_binaries, find_tools, tools_folder
from lab.cache import key_of, locked, scratch
from lab.child import LEASH, Child
from lab.environments import make_environment
from lab.steps import Step, StepError, reported, run_step, side_by_side, spell
from lab.waiting import eventually

TESTS = Path(__file__).parent.parent
STEP = Step("building it", 90, "Bring more disk.")
GO = """#!{python}
import os, pathlib, sys, time
here = pathlib.Path(__file__).parent
verb, words = sys.argv[1], sys.argv[2:]
if verb == "env":
    print("go1.26.0")
    sys.exit()
with open(here / "said", "a") as said:
    print(verb, *[word for word in words if "/" in word and not word.startswith("-") and word[-1] != "/"], file=said)
if verb == "build":
    while (here / "wait").exists():
        time.sleep(0.01)
    for package in words[words.index("-o") + 2:]:
        name = package.removesuffix("/v3").rpartition("/")[2]
        path = pathlib.Path(words[words.index("-o") + 1], name)
        path.touch(mode=0o755)
        if (here / "fail").exists():
            sys.exit("no space left on device")
"""
"""A stand-in for Go: says what it was asked, builds empty programs, and waits or fails while a file tells it to."""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stand-in for Go, alone on PATH, with an empty cache and no folder of programs."""
    folder = tmp_path / "go"
    folder.mkdir()
    program = folder / "go"
    program.write_text(GO.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return folder


def builds(go: Path) -> list[str]:
    """Return the packages of each build so far."""
    said = go / "said"
    lines = said.read_text(encoding="utf-8").splitlines() if said.exists() else []
    return [line.removeprefix("build ") for line in lines if line.startswith("build")]


def bring_kubectl(go: Path, version: str) -> Path:
    """Put a kubectl on PATH that says it has a version."""
    kubectl = go / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho \'{{"clientVersion": {{"gitVersion": "{version}"}}}}\'\n', encoding="utf-8")
    kubectl.chmod(0o755)
    return kubectl


def drop(_: str) -> None:
    """Take a progress line that the test does not look at."""


def test_programs_come_from_kubebuilder_assets_first(tmp_path: Path) -> None:
    for name in TOOLS:
        (tmp_path / name).touch(mode=0o755)

    found = find_binaries(report=pytest.fail, environ={"KUBEBUILDER_ASSETS": str(tmp_path)})

    names = ("etcd", "kube-apiserver", "kubectl", "kube-controller-manager")
    assert [found.etcd, found.apiserver, found.kubectl, found.controllers] == [tmp_path / name for name in names]


def test_only_what_is_asked_for_is_built_all_in_one_build(go: Path) -> None:
    bring_kubectl(go, "v1.36.9")

    found = find_binaries(report=drop, with_controllers=False)

    assert builds(go) == [f"{TOOLS['etcd'].package} {TOOLS['kube-apiserver'].package}"]
    assert found.controllers is None
    assert {path.name for path in tools_folder().iterdir()} == {"etcd", "kube-apiserver"}


@pytest.mark.parametrize("version", ["v1.35.0", "v1.36.3", "v1.37.1+k3s1"])
def test_a_kubectl_on_path_is_taken_if_it_is_a_minor_version_away_at_most(go: Path, version: str) -> None:
    kubectl = bring_kubectl(go, version)

    assert find_tools(["kubectl"], report=pytest.fail) == {"kubectl": kubectl}


@pytest.mark.parametrize("version", ["v1.32.4-dispatcher", "v1.34.9", "v1.38.0", "v2.36.0", '"', ""])
def test_a_kubectl_of_another_age_is_built(go: Path, version: str) -> None:
    bring_kubectl(go, version)

    assert find_tools(["kubectl"], report=drop) == {"kubectl": tools_folder() / "kubectl"}
    assert builds(go) == [TOOLS["kubectl"].package]


@pytest.mark.parametrize(("version", "is_taken"), [("v4.0.0+g1", True), ("v4.3.2", True), ("v3.19.0+g2", False)])
def test_a_helm_on_path_is_taken_if_it_is_a_helm_4(go: Path, version: str, *, is_taken: bool) -> None:
    helm = go / "helm"
    helm.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    helm.chmod(0o755)

    assert (find_tools(["helm"], report=drop) == {"helm": helm}) is is_taken
    assert builds(go) == ([] if is_taken else [TOOLS["helm"].package])


def test_a_build_that_fails_says_what_to_do_and_leaves_nothing_that_counts_as_built(go: Path) -> None:
    (go / "fail").touch()

    with pytest.raises(StepError) as failed:
        find_tools(["etcd", "kubectl"], report=drop)

    for words in ("building etcd and kubectl failed", "GOCACHE", "KUBEBUILDER_ASSETS", "no space left on device"):
        assert words in str(failed.value)
    assert list(tools_folder().iterdir()) == []
    (go / "fail").unlink()
    assert os.access(find_tools(["etcd"], report=drop)["etcd"], os.X_OK)


def test_two_who_need_the_same_program_at_once_build_it_once(go: Path) -> None:
    wait = go / "wait"
    wait.touch()

    def report(line: str) -> None:
        if line.startswith("somebody else"):
            wait.unlink()

    both = [threading.Thread(target=find_tools, args=(["etcd"], report)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)

    assert builds(go) == [TOOLS["etcd"].package]


def test_every_program_is_a_tool_of_its_go_mod() -> None:
    for tool in TOOLS.values():
        declared = re.findall(
            r"^(?:tool)?\s+(\S+)$", (tool.sources / "go.mod").read_text(encoding="utf-8"), re.MULTILINE
        )

        assert tool.package in declared


def test_a_changed_source_or_flag_has_another_place_in_the_cache(tmp_path: Path) -> None:
    source = tmp_path / "go.sum"
    source.write_text("a", encoding="utf-8")
    before = key_of(source, "-s")

    source.write_text("b", encoding="utf-8")

    assert len({before, key_of(source, "-s"), key_of(source, "-w")}) == 3


def test_a_second_builder_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    entered = threading.Event()

    def build() -> None:
        with locked(tmp_path / "x", said.append):
            entered.set()

    with locked(tmp_path / "x", said.append):
        second = threading.Thread(target=build)
        second.start()
        eventually(lambda: said, what="a word from the second")
        assert not entered.is_set()
    second.join(5)
    assert entered.is_set()


def test_what_a_killed_builder_left_is_gone_before_the_next_one_begins(tmp_path: Path) -> None:
    left = tmp_path / "x.unfinished" / "half"
    left.parent.mkdir()
    left.touch()

    with scratch(tmp_path / "x") as work:
        assert list(work.iterdir()) == []
        assert work.stat().st_dev == tmp_path.stat().st_dev
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_was_begun_and_not_finished_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    requirements = tmp_path / "requirements.txt"
    requirements.touch()
    make = partial(make_environment, "x", requirements, step=STEP)
    half = make(report=drop).parent
    (half / "complete").unlink()
    (half / "half").touch()

    folder = make(report=drop)

    assert not (half / "half").exists()
    assert (folder / "python").exists()
    assert make(report=pytest.fail) == folder


def test_packages_that_cannot_be_installed_are_reported_with_what_pip_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("./absent\n", encoding="utf-8")

    with pytest.raises(StepError, match=r"(?s)building it failed .*Bring more disk\..*absent"):
        make_environment("x", requirements, "--no-index", step=STEP, report=drop)


def test_a_step_says_about_how_long_it_takes_and_that_it_still_runs() -> None:
    said: list[str] = []

    with reported(STEP, said.append, every_s=0.01):
        eventually(lambda: len(said) > 2, what="two words")

    assert said[0] == "building it, about 1 min 30 s ..."
    assert all(re.fullmatch(r"building it: \d+ s so far, 1 min 30 s on two quiet cores", one) for one in said[1:-1])
    assert re.fullmatch(r"building it: done after \d+ s", said[-1])


def test_a_step_that_fails_is_not_called_done() -> None:
    said: list[str] = []

    with pytest.raises(StepError, match=r"(?s)building it failed \(3\)\. Bring more disk\.\nits last words"):
        run_step(STEP, ["/bin/sh", "-c", "echo its last words; exit 3"], said.append)

    assert said == ["building it, about 1 min 30 s ..."]


def test_a_step_whose_program_is_absent_says_so(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"(?s)building it failed\. Bring more disk\..*No such file"):
        run_step(STEP, [tmp_path / "absent"], drop)


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.7, "1 min"), (90, "1 min 30 s"), (240, "4 min")])
def test_durations_are_spelled_for_people(seconds: float, words: str) -> None:
    assert spell(seconds) == words


def test_tasks_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=30)

    side_by_side(meeting.wait, meeting.wait)


def test_the_first_error_does_not_wait_for_the_other_tasks() -> None:
    never = threading.Event()
    try:
        with pytest.raises(ZeroDivisionError):
            side_by_side(never.wait, lambda: 1 / 0)
    finally:
        never.set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_step_ends_with_all_it_started_when_its_preparer_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    script = """
import sys
from lab.steps import Step, run_step, side_by_side
# the background process is what a compiler is to Go
command = ["/bin/sh", "-c", "(echo begun; exec sleep 600) > $0 & wait", sys.argv[1]]
side_by_side(lambda: run_step(Step("x", 1, ""), command, lambda line: None))
"""
    command = [sys.executable, "-c", script, str(fifo)]
    environ = {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environ) as preparer, fifo.open(encoding="utf-8") as alive:  # noqa: S603 - above
        assert alive.readline() == "begun\n"

        preparer.send_signal(number)

        assert alive.read() == ""  # ends when the last writer has


def test_a_child_is_on_its_leash_from_its_first_moment(tmp_path: Path) -> None:
    """Whoever is killed right after it started a child had no time left to put it on a leash."""
    said = tmp_path / "said"
    child = Child(
        ["/bin/sh", "-c", 'read -r _ _ _ _ group _ < /proc/$$/stat; tr "\\0" " " < /proc/$group/cmdline'], log=said
    )

    assert child.wait(60) == 0
    assert said.read_text(encoding="utf-8").split()[-1] == str(LEASH)


def test_what_a_child_left_running_ends_with_it(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    child = Child(["/bin/sh", "-c", "(echo begun; exec sleep 600) > $0 &", fifo], log=tmp_path / "said")
    with fifo.open(encoding="utf-8") as alive:
        assert alive.readline() == "begun\n"

        assert child.wait(60) == 0

        assert alive.read() == ""
