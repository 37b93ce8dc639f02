"""A real Nova (and, if wanted, Keystone) with scripted hypervisors, in a process and an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from lab.cache import cache_folder, report_progress
from lab.child import Child
from lab.environments import make_environment
from lab.nova_client import Compute, Control, call
from lab.steps import Step, run_step
from lab.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.cache import Report

SOURCES = Path(__file__).with_name("nova_sources")
REQUIREMENTS = SOURCES / "requirements.txt"
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
PASSWORD = "secret"  # noqa: S105 - the lab's own Keystone
READY_TIMEOUT_S = 150.0
BOOT_TIMEOUT_S = 150.0
"""A second on a quiet machine; what else runs beside it must not fail a test."""
INSTALLATION = Step(
    "nova: installing about 155 packages into an environment of its own",
    60,
    f"It needs a package index and 450 MB, or NOVALAB_PYTHON: an interpreter with {REQUIREMENTS}.",
)
DATABASES = Step(
    "nova: making its empty databases",
    10,
    f"They come from the packages of {REQUIREMENTS}: if NOVALAB_PYTHON is set, it must have these.",
)


def find_nova_python(report: Report = report_progress, environ: Mapping[str, str] = os.environ) -> Path:
    """Return an interpreter that has Nova: ``NOVALAB_PYTHON``, else a cached environment, made if missing.

    Raises:
        RuntimeError: The packages could not be installed; the message says what to do.
    """
    if named := environ.get("NOVALAB_PYTHON"):
        return Path(named)
    return make_environment("nova", REQUIREMENTS, step=INSTALLATION, report=report) / "python"


def prepare_nova(report: Report = report_progress) -> None:
    """Do all that the first start would need time for: the environment, and Nova's empty databases.

    Raises:
        RuntimeError: Something could not be made; the message says what to do.
    """
    python = find_nova_python(report)
    make: list[str | Path] = [python, "-m", "novalab.databases", _databases()]
    check = subprocess.run([*make, "--check"], env=_environ(), capture_output=True, check=False)  # noqa: S603 - ours
    if check.returncode:
        run_step(DATABASES, make, report, env=_environ())


def _databases() -> Path:
    return cache_folder() / "novalab-databases"


def _environ() -> dict[str, str]:
    """Return the environment of Nova's process, without the clouds and the Python of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "PYTHON", "COVERAGE"))}
    return kept | {"PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": "1"}


class NovaLab:
    """One cloud; a context manager. Its data is lost at its end.

    Attributes:
        compute: The Compute endpoint, ends with /v2.1.
        keystone: The Keystone endpoint, ends with /v3; None with token authentication.
        clouds: Path of a clouds.yaml with the clouds operator, manager, member, reader, other; with Keystone also
            admin and appcred.
        servers: Name to id of the servers booted at the start and by ``boot``.
        control: Plans, faults, request log.
        nova: The Compute API as user operator, without any SDK.
        log: What the process said.
    """

    def __init__(
        self,
        *options: str,
        auth: Literal["token", "keystone"] = "token",
        servers: int = 0,
        computes: Sequence[str] = ("cmp1", "cmp2", "cmp3"),
        python: Path | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            options: Further options of novalab (``nova_sources/README.md``), for example ``"--confirm-window", "2"``.
            auth: Tokens that are names, or a real Keystone.
            servers: How many servers vm-1 ... to boot.
            computes: Hosts, each ``NAME`` or ``NAME=PLAN``.
            python: An interpreter with Nova; found or made if not given.
        """
        self._python = python or find_nova_python()
        self._auth = auth
        self._options = [
            *(f"--auth={auth}", "--port=0"),
            *(word for compute in computes for word in ("--compute", compute)),
            *options,
        ]
        self._names = [f"vm-{number + 1}" for number in range(servers)]
        self._child: Child | None = None
        self._state = Path()
        self.compute = ""
        self.keystone: str | None = None
        self.clouds = Path()
        self.servers: dict[str, str] = {}
        self.log = Path()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> Self:
        """Start, and return once everything answers and the servers are active.

        Raises:
            NotInTimeError: It did not become ready; the message ends with what it said.
        """
        self._state = Path(tempfile.mkdtemp(prefix="osmig-nova-"))
        ready, self.log = self._state / "ready.json", self._state / "output.txt"
        command = [
            *(str(self._python), "-m", "novalab", f"--ready-file={ready}", f"--state={self._state / 'nova'}"),
            *(f"--cache={_databases()}", *self._options),
        ]
        child = self._child = Child(command, log=self.log, env=_environ())
        try:
            eventually(
                lambda: ready.exists() or child.returncode is not None, what="novalab", timeout_s=READY_TIMEOUT_S
            )
            self._learn(json.loads(ready.read_text(encoding="utf-8")))
            # Not by novalab's own --servers: the SDK that it uses for that costs seconds to import.
            self.servers = {name: self._order(name) for name in self._names}
            for name in self._names:
                self._await_active(name)
        except (AssertionError, OSError) as error:
            said = child.tail()
            self.stop()
            raise RuntimeError(f"novalab did not start:\n{said}") from error
        return self

    def _learn(self, ready: Mapping[str, Any]) -> None:
        self.compute, self.keystone = ready["compute"], ready["keystone"]
        self.clouds = Path(ready["clouds"])
        self.control = Control(ready["control"])
        self.nova = self.as_user("operator")

    def stop(self) -> None:
        """Stop, and remove the state."""
        if self._child:
            self._child.terminate(timeout_s=20)
            self._child = None
        shutil.rmtree(self._state, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process id of Nova, without Keystone's."""
        if self._child is None:
            raise RuntimeError("novalab was not started; use it as a context manager")
        return self._child.pid

    @property
    def service_log(self) -> Path:
        """What Nova's services have logged."""
        return self._state / "nova" / "nova.log"

    def errors(self, *, lines: int = 60) -> str:
        """Return the last lines that Nova logged as errors, with their tracebacks; not that a plug-in is missing."""
        log = self.service_log
        said = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        return "\n".join([line for line in said if " ERROR " in line and "stevedore" not in line][-lines:])

    def as_user(self, user: str) -> Compute:
        """Return the Compute API as one of the users operator, manager, member, reader (all in project lab), other."""
        return Compute(self.compute, self._keystone_token(user) if self.keystone else user)

    def boot(
        self,
        name: str,
        *,
        plan: str | None = None,
        host: str | None = None,
        user: str = "operator",
        flavor: str = "1",
        group: str | None = None,
    ) -> str:
        """Boot one more server and return its id once it is active.

        Args:
            name: Its name, also the key in ``servers``.
            plan: How the hypervisors treat it, see ``nova_sources/README.md``.
            host: The compute host it starts on.
            user: Who owns it.
            flavor: 1 to 3.
            group: The id of its server group.

        Raises:
            NotInTimeError: It did not become active.
        """
        self.servers[name] = self._order(name, plan=plan, host=host, user=user, flavor=flavor, group=group)
        self._await_active(name)
        return self.servers[name]

    def _order(
        self,
        name: str,
        *,
        plan: str | None = None,
        host: str | None = None,
        user: str = "operator",
        flavor: str = "1",
        group: str | None = None,
    ) -> str:
        wanted = {
            "name": name,
            "flavorRef": flavor,
            "imageRef": IMAGE,
            "networks": "none",
            "metadata": {"lab.plan": plan} if plan else {},
            **({"host": host} if host else {}),
        }
        hints = {"os:scheduler_hints": {"group": group}} if group else {}
        return str(self.as_user(user).post("/servers", {"server": wanted, **hints})["server"]["id"])

    def _await_active(self, name: str) -> None:
        """Wait for the note of what Nova wrote: to be asked for the server itself costs Nova 20 ms each time."""
        server = self.servers[name]

        def is_active() -> bool:
            last = [change for change in self.control.transitions(server) if change["kind"] == "server"][-1]
            return (last["vm_state"], last["task_state"]) == ("active", None)

        eventually(is_active, what=f"server {name} active", timeout_s=BOOT_TIMEOUT_S)

    def _keystone_token(self, user: str) -> str:
        domain = {"id": "default"}
        project = {"name": "other" if user == "other" else "lab", "domain": domain}
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": domain, "password": PASSWORD}},
        }
        body = {"auth": {"identity": identity, "scope": {"project": project}}}
        return call("POST", f"{self.keystone}/auth/tokens", body=body)[1]["x-subject-token"]
