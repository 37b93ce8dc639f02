"""Renders the reference page of all settings from their declaration.

Run ``python -m osmig.settings_reference > docs/reference/settings.md`` after changing a setting.
"""

from __future__ import annotations

import inspect
import sys
from itertools import groupby

from osmig.command_line import Declared, list_declared, list_pieces

_HEAD = """\
# Settings

`osmig run` takes each setting as a flag or as an environment variable; the flag wins. A repeatable flag may be given
several times, and its variable takes a comma separated list. Durations are seconds, fractions allowed. osmig reads no
configuration file. A bad setting ends it at once with status 2 and one message per setting.

This page is generated from `operator/osmig/settings.py`.
"""


def render_settings() -> str:
    """Return the page as Markdown."""
    models = dict(list_pieces())
    pieces = groupby(list_declared(), key=lambda setting: setting.piece)
    return "\n".join(
        [_HEAD, *(_render_piece(inspect.getdoc(models[piece]) or piece, list(found)) for piece, found in pieces)]
    )


def _render_piece(title: str, settings: list[Declared]) -> str:
    rows = "".join(_render_row(setting) for setting in settings)
    return (
        f"## {title.removesuffix('.').replace('``', '`')}\n\n"
        f"| Flag | Environment variable | Default | Meaning |\n| --- | --- | --- | --- |\n{rows}"
    )


def _render_row(setting: Declared) -> str:
    option = setting.option
    default = option.default_text or f"`{setting.default}`"
    repeatable = " Repeatable." if option.repeatable else ""
    flag = f"{option.flag} {setting.metavar}".replace("|", "\\|")
    return f"| `{flag}` | `{option.envvar}` | {default} | {option.text}{repeatable} |\n"


if __name__ == "__main__":
    sys.stdout.write(render_settings())
