"""From flags and environment variables to Settings, with one clear message per bad setting."""

from __future__ import annotations

import inspect
import ipaddress
import typing
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel, ValidationError
from typing_extensions import override

from osmig.options import Option
from osmig.settings import Settings, SettingsConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class InvalidSettingsError(Exception):
    """The command line or the environment holds settings that osmig cannot run with.

    Attributes:
        messages: one sentence per bad setting or conflict.
    """

    def __init__(self, messages: tuple[str, ...]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Declared:
    """One setting as ``osmig.settings`` declares it.

    Attributes:
        piece: the member of ``Settings``.
        field: the member of the piece.
        option: flag and help.
        default: as it is written on the command line; a sentence where it depends on the surroundings.
        metavar: what stands for the value; the words themselves where only some are legal.
    """

    piece: str
    field: str
    option: Option
    default: str
    metavar: str

    @property
    def parameter(self) -> str:
        """The name of the value among the command's parameters."""
        return f"{self.piece}__{self.field}"

    @property
    def old_parameter(self) -> str:
        """The same for the value of the old flag."""
        return f"{self.parameter}__old"


def list_declared() -> Iterator[Declared]:
    """Yield every setting in the order of declaration."""
    for piece, model in list_pieces():
        for name, field in model.model_fields.items():
            option = next(part for part in field.metadata if isinstance(part, Option))
            words = typing.get_args(field.annotation) if typing.get_origin(field.annotation) is typing.Literal else ()
            yield Declared(
                piece=piece,
                field=name,
                option=option,
                default=option.default_text or f"{field.default}",
                metavar="|".join(words) or option.metavar,
            )


def list_pieces() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the pieces of ``Settings`` with their models."""
    for piece, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield piece, field.annotation


class RunCommand(click.Command):
    """A command with one option per setting; their values are for ``load_settings``."""

    def __init__(self, *args: Any, **attributes: Any) -> None:  # noqa: ANN401 - what click's decorator hands over
        """Add the options to the others.

        An old name of a flag is an option too, hidden: an unknown variable would pass unseen, and with it the value.
        """
        super().__init__(*args, **attributes)
        for setting in list_declared():
            self.params.append(_make_option(setting))
            if setting.option.old_flag:
                self.params.append(_make_old_option(setting))

    @override
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options by piece, under the sentence that tells what the piece is about."""
        models = dict(list_pieces())
        by_piece = groupby(self.get_params(ctx), key=lambda option: str(option.name).partition("__")[0])
        for piece, options in by_piece:
            title = inspect.getdoc(models[piece]) if piece in models else "Other."
            rows = [row for option in options if (row := option.get_help_record(ctx))]
            with formatter.section(str(title).removesuffix(".").replace("``", "")):
                formatter.write_dl(rows)


def _make_option(setting: Declared) -> click.Option:
    # Everything stays text here: pydantic converts, and reports all bad values at once.
    return click.Option(
        [setting.option.flag, setting.parameter],
        metavar=setting.metavar,
        multiple=setting.option.repeatable,
        help=f"{setting.option.text}  [env: {setting.option.envvar}; default: {setting.default}]",
        envvar=setting.option.envvar,
    )


def _make_old_option(setting: Declared) -> click.Option:
    return click.Option([setting.option.old_flag, setting.old_parameter], hidden=True, envvar=setting.option.old_envvar)


def load_settings(values: Mapping[str, object], *, environment: Mapping[str, object]) -> Settings:
    """Build Settings from the parameters of a command.

    Args:
        values: by ``Declared.parameter``; ``None`` and ``()`` mean not given.
        environment: defaults that depend on where osmig runs, by the same names (``read_environment``).

    Raises:
        InvalidSettingsError: with every old name and every bad setting, or else every conflict.
    """
    given = {name: value for name, value in values.items() if value not in (None, ())}
    renamed = [
        f"{setting.option.old_flag} ({setting.option.old_envvar}) is now called {setting.option.flag} "
        f"({setting.option.envvar})"
        for setting in list_declared()
        if given.pop(setting.old_parameter, None) is not None
    ]
    nested: dict[str, dict[str, object]] = {}
    for name, value in {**environment, **given}.items():
        piece, _, field = name.partition("__")
        nested.setdefault(piece, {})[field] = value
    try:
        settings = Settings.model_validate(nested)
    except ValidationError as error:
        raise InvalidSettingsError((*renamed, *_explain_all(error))) from None
    if renamed:
        raise InvalidSettingsError(tuple(renamed))
    return settings


def read_environment(
    environ: Mapping[str, str], *, namespace_file: Path = SERVICE_ACCOUNT_NAMESPACE
) -> dict[str, object]:
    """Return the defaults that the pod itself knows: its namespace, and one address of the service range."""
    found: dict[str, object] = {}
    with suppress(OSError):
        found["lease__namespace"] = namespace_file.read_text(encoding="utf-8").strip()
    # Some clusters put a host name here, which says nothing about the range.
    with suppress(ValueError):
        found["endpoints__service_ranges"] = str(ipaddress.ip_network(environ.get("KUBERNETES_SERVICE_HOST", "")))
    return found


def _explain_all(error: ValidationError) -> Iterator[str]:
    declared = {(setting.piece, setting.field): setting.option for setting in list_declared()}
    for details in error.errors():
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, SettingsConflictError):
            yield from cause.messages
        else:
            piece, field = details["loc"][:2]
            yield _explain(details, declared[str(piece), str(field)], cause)


def _explain(details: ErrorDetails, option: Option, cause: Exception | None) -> str:
    rule = details["msg"].replace("Input should", "must")
    if details["type"].endswith("_parsing"):
        rule = rule.partition(",")[0]
    said = str(cause) if cause else f"{rule}, not {details['input']!r}"
    return f"{option.flag} ({option.envvar}): {said}"
