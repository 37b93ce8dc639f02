"""The command line, run the way a shell runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

import osmig
from osmig.__main__ import build_cli
from osmig.command_line import list_declared, list_pieces

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from osmig.settings import Settings

CRDS = {"one.yaml": "# generated\nkind: One\n", "two.yaml": "---\nkind: Two\n"}


class Operator:
    """Stands for the operator: keeps the settings it was run with."""

    def __init__(self, status: int = 0) -> None:
        """End with ``status`` when run."""
        self.status = status
        self.ran_with: list[Settings] = []

    def run(self, settings: Settings) -> int:
        """Keep the settings and end."""
        self.ran_with.append(settings)
        return self.status


@pytest.fixture
def operator() -> Operator:
    return Operator()


def invoke(operator: Operator, *arguments: str, **environ: str) -> Result:
    cli = build_cli(run=operator.run, render_crds=lambda: CRDS)
    unset: dict[str, str | None] = {setting.option.envvar: None for setting in list_declared()}
    return CliRunner().invoke(cli, arguments, env={**unset, **environ})


def test_run_takes_flags_and_variables_and_the_flag_wins(operator: Operator) -> None:
    result = invoke(
        operator,
        *("run", "--http-port", "0", "--namespace", "shop", "--namespace", "lab"),
        OSMIG_HTTP_PORT="9090",
        OSMIG_HTTP_HOST="127.0.0.1",
        OSMIG_ALLOW_ENDPOINTS="127.0.0.1, nova.example.org:8774",
    )

    assert result.exit_code == 0, result.output
    (settings,) = operator.ran_with
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 0)
    assert settings.kubernetes.namespaces == ("shop", "lab")
    assert settings.endpoints.allow == ("127.0.0.1", "nova.example.org:8774")


def test_each_flag_reaches_the_setting_that_declares_it(operator: Operator) -> None:
    values = {"NAME": "n", "SECONDS": "3", "COUNT": "3", "PORT": "3", "CIDR": "10.0.0.0/8", "auto|json|text": "json"}
    for setting in list_declared():
        value = values.get(setting.metavar, "debug" if setting.field == "level" else "x")
        # Conflicts between settings are not the subject: what is refused is refused for this flag.
        result = invoke(operator, "run", setting.option.flag, value)
        if result.exit_code == 0:
            found = getattr(getattr(operator.ran_with[-1], setting.piece), setting.field)
            assert str(found[0] if setting.option.repeatable else found) in (value, f"{value}.0")
        else:
            assert setting.option.flag in result.stderr


def test_the_exit_status_is_the_operator_s() -> None:
    assert invoke(Operator(status=3), "run").exit_code == 3


def test_bad_settings_end_it_with_status_2_and_one_line_each(operator: Operator) -> None:
    result = invoke(operator, "run", "--workers", "0", OSMIG_HTTP_PORT="x")

    assert result.exit_code == 2
    assert operator.ran_with == []
    assert result.stderr.splitlines() == [
        "osmig: --http-port (OSMIG_HTTP_PORT): must be a valid integer, not 'x'",
        "osmig: --workers (OSMIG_WORKERS): must be greater than or equal to 1, not '0'",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("--drain", "--drain-timeout"),
        ("--run-poll-most", "--run-poll-max"),
        ("--split-after", "--stale-record-after"),
    ],
)
def test_an_old_name_is_refused_with_the_new_one_as_flag_and_as_variable(
    operator: Operator, old: str, new: str
) -> None:
    old_variable, new_variable = (f"OSMIG_{flag.strip('-').replace('-', '_').upper()}" for flag in (old, new))
    for result in (invoke(operator, "run", old, "3"), invoke(operator, "run", **{old_variable: "3"})):
        assert result.exit_code == 2
        assert result.stderr == f"osmig: {old} ({old_variable}) is now called {new} ({new_variable})\n"
    assert operator.ran_with == []
    assert f"{old} " not in invoke(operator, "run", "--help").output


def test_old_names_and_bad_values_are_told_at_once(operator: Operator) -> None:
    result = invoke(operator, "run", "--workers", "0", "--drain", "3")

    assert [line.split(" ")[1] for line in result.stderr.splitlines()] == ["--drain", "--workers"]


def test_an_unknown_flag_ends_it_with_status_2(operator: Operator) -> None:
    assert invoke(operator, "run", "--worker", "3").exit_code == 2
    assert operator.ran_with == []


def test_the_help_of_run_tells_every_flag_variable_and_default(operator: Operator) -> None:
    result = invoke(operator, "run", "--help", COLUMNS="1000")
    told = " ".join(result.output.split())

    for setting in list_declared():
        assert f"{setting.option.flag} {setting.metavar} " in told
        assert f"[env: {setting.option.envvar}; default: {setting.default}]" in told


def test_the_help_of_run_lists_the_flags_by_piece_under_what_the_piece_is_about(operator: Operator) -> None:
    output = invoke(operator, "run", "--help").output
    told = [line.split()[0] for line in output.splitlines() if re.match(r"  -|[A-Z].*:$", line)]

    expected = [
        word
        for piece, model in list_pieces()
        for word in (
            str(model.__doc__).replace("``", "").split()[0],
            *(setting.option.flag for setting in list_declared() if setting.piece == piece),
        )
    ]
    assert [word for word in told if word != "Usage:"] == [*expected, "Other:", "-h,"]


def test_crds_is_one_yaml_stream_with_every_crd(operator: Operator) -> None:
    result = invoke(operator, "crds")

    assert result.output == "# generated\nkind: One\n---\nkind: Two\n"
    assert list(yaml.safe_load_all(result.output)) == [{"kind": "One"}, {"kind": "Two"}]


def test_crds_writes_one_file_each_where_asked(operator: Operator, tmp_path: Path) -> None:
    target = tmp_path / "new" / "crds"

    result = invoke(operator, "crds", "--output-dir", str(target))

    assert result.output.splitlines() == [str(target / name) for name in CRDS]
    assert {path.name: path.read_text() for path in target.iterdir()} == CRDS


def test_version_names_what_a_bug_report_needs(operator: Operator) -> None:
    lines = invoke(operator, "version").output.splitlines()

    assert lines[0] == f"osmig {osmig.__version__}"
    assert {line.partition(" ")[0] for line in lines} >= {"Python", "kopf", "kubernetes", "openstacksdk"}


def run_main(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in its own interpreter; what it imported is printed at the end."""
    script = (
        "import sys; from osmig.__main__ import main; sys.argv = ['osmig', *sys.argv[1:]]\n"
        "try: main()\n"
        "finally: print('imported:', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_asking_for_version_or_help_imports_none_of_the_heavy_libraries(argument: str) -> None:
    first, *_, last = run_main(argument).stdout.splitlines()

    assert argument != "--version" or first == f"osmig {osmig.__version__}"
    imported = set(last.partition(":")[2].split())
    assert "osmig" in imported
    assert not imported & {
        "kopf",
        "openstack",
        "keystoneauth1",
        "kubernetes",
        "aiohttp",
        "requests",
        "prometheus_client",
    }


def test_the_installed_command_prints_the_project_s_crds() -> None:
    stream = run_main("crds").stdout.rpartition("imported:")[0]

    kinds = {crd["spec"]["names"]["kind"] for crd in yaml.safe_load_all(stream)}
    assert kinds >= {"Migration", "Provider"}
