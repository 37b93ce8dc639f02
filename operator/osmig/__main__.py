"""The command ``osmig``: run the operator, print its CRDs, tell its version.

What a command needs is imported when it runs, so that ``--version`` and ``--help`` answer at once.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from osmig import __version__
from osmig.command_line import InvalidSettingsError, RunCommand, load_settings, read_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.settings import Settings

_BAD_SETTINGS = 2
_TELLING_LIBRARIES = ("kopf", "kubernetes", "openstacksdk", "pydantic", "aiohttp")


def build_cli(*, run: Callable[[Settings], int], render_crds: Callable[[], dict[str, str]]) -> click.Group:
    """Build the command line over the two things it can do.

    Args:
        run: runs the operator until it ends and returns the exit status.
        render_crds: returns each CRD as YAML, by file name.
    """

    @click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
    @click.version_option(__version__, prog_name="osmig", message="%(prog)s %(version)s")
    def cli() -> None:
        """Move OpenStack servers, exactly once, from a Kubernetes object."""

    @cli.command("run", cls=RunCommand)
    def run_command(**values: object) -> None:
        """Run the operator until SIGTERM.

        Each option can be given as the environment variable that is named with it instead; the option wins.
        """
        sys.exit(run(_settle(values)))

    @cli.command("crds")
    @click.option("--output-dir", type=click.Path(path_type=Path, file_okay=False), help="Write one file per CRD here.")
    def crds_command(output_dir: Path | None) -> None:
        """Print the CustomResourceDefinitions as one YAML stream, for kubectl apply --server-side -f -."""
        _deliver(render_crds(), output_dir)

    @cli.command("version")
    def version_command() -> None:
        """Print the versions that a bug report should name."""
        click.echo(f"osmig {__version__}\nPython {platform.python_version()}")
        for library in _TELLING_LIBRARIES:
            click.echo(f"{library} {installed_version(library)}")

    return cli


def _settle(values: dict[str, object]) -> Settings:
    try:
        return load_settings(values, environment=read_environment(os.environ))
    except InvalidSettingsError as error:
        for message in error.messages:
            click.echo(f"osmig: {message}", err=True)
        sys.exit(_BAD_SETTINGS)


def _deliver(crds: dict[str, str], output_dir: Path | None) -> None:
    if output_dir is None:
        click.echo("---\n".join(text.removeprefix("---\n") for text in crds.values()), nl=False)
        return
    output_dir.mkdir(parents=True, exist_ok=True)
    for name, text in crds.items():
        (output_dir / name).write_text(text, encoding="utf-8")
        click.echo(output_dir / name)


def _run_operator(settings: Settings) -> int:
    from osmig.app import run  # noqa: PLC0415 - the operator's libraries take a second to import

    return run(settings)


def _render_crds() -> dict[str, str]:
    from osmig.api.crds import render_crds  # noqa: PLC0415 - only this command needs it

    return render_crds()


def main() -> None:
    """Run the command line; the console script ``osmig`` and ``python -m osmig`` come here."""
    build_cli(run=_run_operator, render_crds=_render_crds)()


if __name__ == "__main__":
    main()
