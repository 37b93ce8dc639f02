"""What both kinds share: base models, object metadata, conditions, times and texts as they go over the wire.

What users write (`SpecModel`) is read strictly: a field this version does not know is an order it cannot follow. What
osmig wrote itself (`StatusModel`) is read leniently: another version may have written it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from typing_extensions import override

from osmig.api.names import ConditionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_INT = 2**53
"""The API server holds bounds as doubles: a larger one makes it refuse the CRD."""

_ACRONYMS = {"id": "ID", "ids": "IDs", "cidr": "CIDR", "mib": "MiB"}

S = TypeVar("S", bound="SpecModel")
T = TypeVar("T", bound="StatusModel")


class InvalidManifest(ValueError):  # noqa: N818 - says what it is, like the other errors of this project
    """A manifest that the schema of this version refuses; the message names each field, never its value."""


def camel(name: str) -> str:
    """Turn a Python name into its name on the wire: ``project_id`` into ``projectID``."""
    first, *rest = name.split("_")
    return first + "".join(_ACRONYMS.get(part, part.capitalize()) for part in rest)


class SpecModel(BaseModel):
    """Base of everything a user writes."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=camel, populate_by_name=True)


class StatusModel(BaseModel):
    """Base of everything osmig or the API server writes."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=camel, populate_by_name=True)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        # pydantic takes any name: a misspelt one would leave the status as it was, and so not even be written
        if unknown := (update or {}).keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        return super().model_copy(update=update, deep=deep)


def _in_seconds(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=0)


def _in_micros(value: datetime) -> datetime:
    return value.astimezone(UTC)


_TIME_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 64})

Time = Annotated[
    AwareDatetime,
    AfterValidator(_in_seconds),
    PlainSerializer(lambda value: _in_seconds(value).strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str, when_used="json"),
    _TIME_SCHEMA,
]
"""A moment in UTC, whole seconds, ``2026-11-21T10:00:00Z`` on the wire."""

MicroTime = Annotated[
    AwareDatetime,
    AfterValidator(_in_micros),
    PlainSerializer(
        lambda value: _in_micros(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), return_type=str, when_used="json"
    ),
    _TIME_SCHEMA,
]
"""A moment in UTC with microseconds, ``2026-11-21T10:00:00.123456Z`` on the wire."""


def cut(max_length: int) -> BeforeValidator:
    """Cut a text of status to its bound: a write refused for a wordy upstream would lose the facts beside it."""
    return BeforeValidator(lambda value: value[:max_length] if isinstance(value, str) else value)


Word = Annotated[str, cut(64), Field(max_length=64)]
"""A status text of at most 64 characters; longer ones are cut."""

Name = Annotated[str, cut(255), Field(max_length=255)]
"""A status text of at most 255 characters, as long as Nova's names; longer ones are cut."""

Note = Annotated[str, cut(1024), Field(max_length=1024)]
"""A status sentence of at most 1024 characters; longer ones are cut."""

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
]
"""The name of an object of the same namespace, as a user writes it."""

Generation = Annotated[int, Field(ge=-1, le=MAX_INT)]
"""A `metadata.generation`; -1 means that none was observed yet."""


class Condition(StatusModel):
    """One aspect of an object's state, in the shape all Kubernetes tools read."""

    type: str = Field(
        min_length=1,
        max_length=316,
        pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        description="type of the condition in CamelCase, such as Succeeded.",
    )
    status: ConditionStatus = Field(description="status of the condition: True, False or Unknown.")
    reason: str = Field(
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        description="reason for the status as one CamelCase word, stable enough for scripts, such as ServerBusy.",
    )
    message: Annotated[str, cut(32768)] = Field(
        max_length=32768, description="message for people: one sentence; may be empty and may change."
    )
    last_transition_time: Time = Field(
        description="lastTransitionTime is when status last changed, in UTC, such as 2026-11-21T10:00:00Z."
    )
    observed_generation: Annotated[int, Field(ge=0, le=MAX_INT)] | None = Field(
        default=None, description="observedGeneration is the metadata.generation this condition was computed from."
    )


class ObjectMeta(StatusModel):
    """The part of `metadata` that osmig reads."""

    name: str
    namespace: str
    uid: str
    resource_version: str = ""
    generation: int = 0
    deletion_timestamp: AwareDatetime | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


def parse_metadata(body: Mapping[str, Any]) -> ObjectMeta:
    """Read `metadata`.

    Raises:
        InvalidManifest: name, namespace or uid is missing.
    """
    return _parse(ObjectMeta, body.get("metadata"), at="metadata")


def parse_spec(model: type[S], body: Mapping[str, Any]) -> S:
    """Read `spec` strictly.

    Raises:
        InvalidManifest: a field is unknown, missing or wrong.
    """
    return _parse(model, body.get("spec"), at="spec")


def parse_status(model: type[T], body: Mapping[str, Any]) -> T | None:
    """Read `status` leniently: ``None`` when it holds something this version cannot read."""
    try:
        return model.model_validate(body.get("status") or {})
    except ValidationError:
        return None


M = TypeVar("M", bound=BaseModel)


def _parse(model: type[M], value: object, *, at: str) -> M:
    try:
        return model.model_validate(value if value is not None else {})
    except ValidationError as error:
        raise InvalidManifest(_describe(error, at=at)) from None


def _describe(error: ValidationError, *, at: str) -> str:
    """Tell each mistake by the path of its field; values stay out, they may be secret."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{_path(at, mistake['loc'])}: {_sentence(mistake['msg'])}" for mistake in mistakes)


def _path(at: str, loc: tuple[int | str, ...]) -> str:
    return at + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")


def to_wire(model: BaseModel) -> dict[str, Any]:
    """Render a model as the JSON object the API server stores; what is unset or an empty list is left out."""
    rendered = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: value for key, value in rendered.items() if value != []}
