"""The tables of ``docs/`` that are made from the code; a test holds the pages equal.

``PYTHONPATH=tests python -m doc_tables`` writes them anew, between the marker lines of each page.
"""

from __future__ import annotations

import itertools
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from load import figures
from osmig.api.names import Phase, Reason
from osmig.domain.capabilities import Capability
from osmig.domain.operations import TERMINAL_STAGES, WAITING_STAGES, Stage
from osmig.domain.phases import FINISHED, TRANSITIONS
from osmig.drivers.servers.nova.cloud_keys import IGNORED_KEYS, IGNORED_SETTINGS
from osmig.drivers.servers.nova.credentials import AUTH_TYPES
from osmig.drivers.servers.nova.probing import find_permitted, find_possible
from osmig.drivers.servers.nova.translate import STAGES
from osmig.drivers.tenants.policy.stages import REPLICATION_STATES, ReplicationState
from osmig.drivers.tenants.views import ReplicaStage, RunStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

DOCS = Path(__file__).parent.parent / "docs"
WIDTH = 120

LIVE_WORDS = ("accepted", "queued", "preparing", "running", "running (post-copy)", "completed", "cancelled", "failed")
"""Nova's words for live migrations alone; ``error`` and the ``done`` of old clouds are said of both kinds."""
COLD_WORDS = (
    *("pre-migrating", "migrating", "post-migrating", "finished"),
    *("confirming", "confirmed", "reverting", "reverted"),
)

ROLES = {
    "admin": ("admin", "manager", "member", "reader"),
    "manager": ("manager", "member", "reader"),
    "member": ("member", "reader"),
    "reader": ("reader",),
}
"""The roles that Keystone puts into a token: each with those that it implies."""
NEWEST_MINOR = 104
FEW = 3


def render_transitions() -> str:
    """Return which phase one step may lead to from which; phases that lead to the same ones share a row."""
    groups: dict[frozenset[Phase], list[Phase | None]] = {}
    for before, after in TRANSITIONS.items():
        groups.setdefault(after, []).append(before)
    rows = ((", ".join(map(_phase, befores)), _describe_targets(afters)) for afters, befores in groups.items())
    return _table(("From", "To"), rows)


def _describe_targets(afters: frozenset[Phase]) -> str:
    missing = [phase for phase in Phase if phase not in afters]
    if len(missing) > FEW:
        return ", ".join(_phase(phase) for phase in Phase if phase in afters)
    return f"all but {', '.join(map(_phase, missing))}" if missing else "all"


def render_budgets() -> str:
    """Return what ``load.bench`` holds a run to."""
    return _table(
        ("What", "At most"),
        (
            ("status writes of one attempt, without progress", f"{figures.MAX_WRITES:g}, and 2 per verb"),
            ("requests to the cloud ÷ those that no client could do without", f"{figures.MAX_REQUESTS_RATIO:g}"),
            (
                "from apply to the start, 99th percentile, ÷ a client that only watches and posts",
                f"{figures.MAX_START_RATIO:g}",
            ),
            ("CPU per watch event and own status write", f"{figures.MAX_CPU_MS:g} ms"),
            ("memory over the idle process, per 1,000 that are active", f"{figures.MAX_ACTIVE_MIB:g} MiB"),
            ("memory over the idle process, per 10,000 that have finished", f"{figures.MAX_FINISHED_MIB:g} MiB"),
            ("CPU per Migration, of many ÷ of few", f"{figures.MAX_COST_RATIO:g}"),
        ),
    )


def render_credentials() -> str:
    """Return what ``clouds.yaml`` may hold for each way to log in."""
    rows = []
    for name, known in AUTH_TYPES.items():
        required = [" or ".join(f"`{key}`" for key in group) for group in known.required]
        needed = {key for group in known.required for key in group}
        optional = ", ".join(f"`{key}`" for key in sorted(known.keys - needed)) or "-"
        rows.append((f"`{name}`", ", ".join(required), optional))
    table = _table(("`auth_type`", "Required in `auth`", "Optional in `auth`"), rows)
    ignored = ", ".join(f"`{key}`" for key in sorted(IGNORED_KEYS))
    settings = ", ".join(f"`_{setting}`" for setting in sorted(IGNORED_SETTINGS))
    sentences = (
        f"Accepted and without effect beside `auth`: {ignored}.",
        f"So is what ends in {settings} behind the name of a service that osmig never calls (`volume`, `image`, …).",
    )
    return f"{table}\n" + "\n".join(f"{textwrap.fill(sentence, WIDTH)}\n" for sentence in sentences)


def render_capabilities() -> str:
    """Return which capability needs which version of the Compute API and, by Nova's default policy, which role."""
    possible = find_possible((2, NEWEST_MINOR))
    rows = (
        (
            f"`{capability}`",
            f"2.{_oldest_minor(capability)}",
            *("yes" if capability in find_permitted(possible, roles) else "-" for roles in ROLES.values()),
        )
        for capability in Capability
        if capability in possible
    )
    return _table(("Capability", "Compute API", *ROLES), rows)


def _oldest_minor(capability: Capability) -> int:
    return next(minor for minor in range(1, NEWEST_MINOR + 1) if capability in find_possible((2, minor)))


def render_stages() -> str:
    """Return what a word of Nova's for a migration means here."""
    return _table(
        ("Nova's status", "Of a", "Stage", "Phase"),
        ((f"`{word}`", _kind_of(word), f"`{stage}`", _phase_of(stage)) for word, stage in STAGES.items()),
    )


def _kind_of(word: str) -> str:
    if word in LIVE_WORDS:
        return "live move"
    return "cold move" if word in COLD_WORDS else "move"


def _phase_of(stage: Stage) -> str:
    if stage in TERMINAL_STAGES:
        return "the end, once the server is idle too"
    if stage in WAITING_STAGES:
        return "`Starting`"
    match stage:
        case Stage.AWAITING_CONFIRMATION:
            return "`AwaitingConfirmation`, once the server is `VERIFY_RESIZE` and idle; until then `Running`"
        case Stage.CONFIRMING | Stage.REVERTING:
            return f"`{stage}`"
        case _:
            return "`Running`"


def render_standings() -> str:
    """Return what the states of a replication's record and of its replica mean together."""
    groups: dict[tuple[RunStage, ReplicationState], list[ReplicaStage]] = {}
    for run, replica in itertools.product(RunStage, ReplicaStage):
        groups.setdefault((run, REPLICATION_STATES[run, replica]), []).append(replica)
    rows = (
        (f"`{RUN_WORDS[run]}`" if run in RUN_WORDS else "any other word", _describe_replicas(found), _TOLD_AS[standing])
        for (run, standing), found in groups.items()
    )
    return _table(("Record", "Replica", "Phase, reason"), rows)


def _describe_replicas(stages: Sequence[ReplicaStage]) -> str:
    if len(stages) == len(ReplicaStage):
        return "any"
    return ", ".join("any other word" if stage is ReplicaStage.UNKNOWN else str(stage) for stage in stages)


RUN_WORDS = {
    RunStage.SCHEDULED: "CREATION_SCHEDULED",
    RunStage.CREATING: "CREATING",
    RunStage.OK: "OK",
    RunStage.ERRED: "ERRED",
}
"""Waldur's words since March 2025; a test holds them against the adapter's."""
_TOLD_AS = {
    ReplicationState.SCHEDULED: (
        f"`{Phase.STARTING}`, `{Reason.SCHEDULED}`; after `--not-started` `{Reason.NOT_STARTED}`"
    ),
    ReplicationState.RUNNING: f"`{Phase.RUNNING}`, `{Reason.CREATING}`",
    ReplicationState.SUCCEEDED: f"**`{Phase.SUCCEEDED}`**",
    ReplicationState.STALLED: f"**`{Phase.FAILED}`**, `{Reason.WALDUR_STALLED}`, once it was read twice",
    ReplicationState.LOST: f"**`{Phase.FAILED}`**, `{Reason.DESTINATION_LOST}`",
    ReplicationState.FAILED: f"**`{Phase.FAILED}`**, `{Reason.REPLICATION_FAILED}`",
    ReplicationState.UNKNOWN: f"the phase stays, `{Reason.UNKNOWN}`",
}


def _phase(phase: Phase | None) -> str:
    if phase is None:
        return "no status yet"
    return f"**`{phase}`**" if phase in FINISHED else f"`{phase}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))


BLOCKS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "transitions": ("architecture.md", render_transitions),
    "budgets": ("architecture.md", render_budgets),
    "capabilities": ("openstack.md", render_capabilities),
    "credentials": ("openstack.md", render_credentials),
    "stages": ("openstack.md", render_stages),
    "standings": ("waldur.md", render_standings),
}
"""By the name in the marker lines: the page, and what stands between them."""


def replace_block(page: str, name: str, text: str) -> str:
    """Return a page with the block of that name replaced.

    Raises:
        ValueError: the page has no such markers.
    """
    begin, end = f"<!-- {name}: made by tests/doc_tables.py -->\n", f"<!-- end of {name} -->\n"
    head, found, rest = page.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        message = f"the markers of {name} are missing"
        raise ValueError(message)
    return f"{head}{begin}\n{text}\n{end}{tail}"


def main() -> None:
    """Write all blocks anew."""
    for name, (file, render) in BLOCKS.items():
        path = DOCS / file
        path.write_text(replace_block(path.read_text(encoding="utf-8"), name, render()), encoding="utf-8")
        sys.stdout.write(f"{file}: {name}\n")


if __name__ == "__main__":
    main()
