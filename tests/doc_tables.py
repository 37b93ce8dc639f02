"""The tables of ``docs/`` that are made from the code; a test holds the pages equal.

``PYTHONPATH=tests python -m doc_tables`` writes them anew, between the marker lines of each page.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from osmig.api.names import Phase
from osmig.backends.openstack.credentials import AUTH_TYPES, IGNORED_KEYS
from osmig.backends.openstack.translate import STAGES
from osmig.domain.phases import FINISHED, TRANSITIONS
from osmig.domain.upstream import TERMINAL_STAGES, WAITING_STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DOCS = Path(__file__).parent.parent / "docs"
WIDTH = 120
LIVE_WORDS = ("accepted", "queued", "preparing", "running", "running (post-copy)")
"""Nova's words for a live migration under way; the other words end one, or belong to cold moves."""


def render_transitions() -> str:
    """Return which phase one step may lead to from which."""
    rows = (
        (_phase(before), ", ".join(_phase(after) for after in Phase if after in TRANSITIONS[before]))
        for before in TRANSITIONS
    )
    return _table(("From", "To"), rows)


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
    sentence = textwrap.fill(f"Accepted and without effect beside `auth`: {ignored}.", WIDTH)
    return f"{table}\n{sentence}\n"


def render_stages() -> str:
    """Return what a word of Nova's for a migration means here."""
    return _table(
        ("Nova's status", "Stage", "Phase"),
        ((f"`{word}`", f"`{stage}`", _phase_of(word, stage)) for word, stage in STAGES.items()),
    )


def _phase_of(word: str, stage: Stage) -> str:
    if word in LIVE_WORDS:
        return "`Starting`" if stage in WAITING_STAGES else "`Running`"
    if stage in TERMINAL_STAGES - {Stage.REVERTED} and word != "confirmed":
        return "the end, once the server is idle too"
    return (
        "a cold move: never ours, keeps its server busy" if stage not in TERMINAL_STAGES else "a cold move: never ours"
    )


def _phase(phase: Phase | None) -> str:
    if phase is None:
        return "no status yet"
    return f"**`{phase}`**" if phase in FINISHED else f"`{phase}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))


BLOCKS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "transitions": ("architecture.md", render_transitions),
    "credentials": ("openstack.md", render_credentials),
    "stages": ("openstack.md", render_stages),
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
