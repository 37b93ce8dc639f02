"""Every kind is controlled in one way: parsed, logged with its uid, rejected, forgotten."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from api_samples import mapping_body, migration_body, provider_body
from controller_lab import Lab
from osmig.api.names import Kind
from osmig.controllers.inbox import key_of
from osmig.controllers.keys import RESOURCES
from osmig.controllers.kinds import KINDS
from osmig.telemetry.log_context import read_bound
from plan_samples import plan_body

if TYPE_CHECKING:
    from collections.abc import Callable

BODIES: dict[Kind, Callable[[], dict[str, Any]]] = {
    Kind.MIGRATION: migration_body,
    Kind.PROVIDER: provider_body,
    Kind.MAPPING: mapping_body,
    Kind.PLAN: plan_body,
}
OF_A_LATER_VERSION = {"type": "Teleport", "subnets": "all of them"}


class Lines(logging.Handler):
    """Keeps what is bound when a line is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.found.append((record.getMessage(), read_bound().get("uid")))


@pytest.fixture
def lines() -> Any:  # noqa: ANN401 - a generator of Lines
    handler, logger = Lines(), logging.getLogger("osmig")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler.found
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_every_kind_is_served_and_controlled() -> None:
    assert set(KINDS) == set(RESOURCES) == set(Kind) == set(BODIES)


@pytest.mark.parametrize("kind", Kind)
async def test_what_cannot_be_parsed_is_logged_with_its_uid(kind: Kind, lines: list[tuple[str, str | None]]) -> None:
    lab, body = Lab(), BODIES[kind]() | {"spec": OF_A_LATER_VERSION}
    lab.offer(kind, body)
    assert await lab.step(key_of(kind, body)) is None
    assert ("object.invalid", body["metadata"]["uid"]) in lines


async def test_a_line_of_a_providers_step_names_its_uid(lines: list[tuple[str, str | None]]) -> None:
    lab, body = Lab(), provider_body()
    lab.offer(Kind.PROVIDER, body)
    await lab.step(key_of(Kind.PROVIDER, body))
    assert ("provider.state", "u-2") in lines


@pytest.mark.parametrize("kind", Kind)
async def test_what_is_gone_is_forgotten_however_often_it_is_stepped(kind: Kind) -> None:
    lab, body = Lab(), BODIES[kind]()
    lab.offer(kind, body)
    key = key_of(kind, body)
    await lab.step(key)
    lab.controllers.intake.drop(key)
    assert [await lab.step(key), await lab.step(key)] == [None, None]


@pytest.mark.parametrize("kind", Kind)
async def test_a_step_keeps_no_parsed_object(kind: Kind) -> None:
    lab, body = Lab(), BODIES[kind]()
    lab.offer(kind, body)
    key = key_of(kind, body)
    await lab.step(key)
    entry = lab.controllers.inbox.get(key)
    assert entry is not None
    assert entry.parsed is None
