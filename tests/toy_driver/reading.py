"""How each fact about a box is read."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osmig.drivers.driver import Reader, Sources
    from toy_driver.facts import BoxFacts, BoxObservation
    from toy_driver.ports import BoxBackend

    _Sources: TypeAlias = Sources[BoxBackend]


async def read_copies(observation: BoxObservation, sources: _Sources) -> BoxFacts:
    """Read every copy."""
    return replace(observation.facts, copies=await sources.backend.copies())


async def read_copy(observation: BoxObservation, sources: _Sources) -> BoxFacts:
    """Read the copy that is followed."""
    upstream = observation.status.upstream
    assert upstream is not None
    assert upstream.id is not None
    return replace(observation.facts, copy=await sources.backend.copy(upstream.id))


READERS: Mapping[str, Reader[BoxFacts, BoxBackend]] = MappingProxyType({"copies": read_copies, "copy": read_copy})
