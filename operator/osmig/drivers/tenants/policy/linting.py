"""What can be said of mappings alone, before any tenant is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.mappings import canonical_id
from osmig.api.migration import PreflightCheck
from osmig.api.names import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from osmig.api.mappings import Mappings


def lint(spec: Mappings) -> tuple[PreflightCheck, ...]:
    """Return what is odd about mappings, each with the path of its field.

    The API server refuses what is wrong in any case; what is left is legal and most likely a slip.
    """
    return (*_lint_subnets(spec), *_lint_types(spec), *_lint_whole(spec))


def _lint_subnets(spec: Mappings) -> Iterator[PreflightCheck]:
    sources = {pair.source_cidr for pair in spec.subnets}
    for index, pair in enumerate(spec.subnets):
        path = f"spec.subnets[{index}].destinationCIDR"
        if pair.destination_cidr == pair.source_cidr:
            yield _warn("Subnets", path, f"{pair.source_cidr} is mapped to itself, which changes nothing")
        elif pair.destination_cidr in sources:
            message = f"{pair.destination_cidr} is the source of another pair, whose subnet leaves it"
            yield _warn("Subnets", path, message)


def _lint_types(spec: Mappings) -> Iterator[PreflightCheck]:
    for index, pair in enumerate(spec.volume_types):
        if canonical_id(pair.source_type) == canonical_id(pair.destination_type):
            path = f"spec.volumeTypes[{index}].destinationType"
            yield _warn("VolumeTypes", path, "the type is mapped to itself; types of two clouds have ids of their own")


def _lint_whole(spec: Mappings) -> Iterator[PreflightCheck]:
    if not (
        spec.volume_types or spec.subnets or spec.networks or spec.skip_connection_extnet or spec.sync_instance_ports
    ):
        yield _warn("Mappings", "spec", "nothing is mapped: a tenant is replicated as it is")
    elif not spec.volume_types:
        message = "no volume type is mapped: Waldur drops the limits per volume type of the source"
        yield _warn("VolumeTypes", "spec.volumeTypes", message)


def _warn(check: str, path: str, message: str) -> PreflightCheck:
    return PreflightCheck(check=check, result=CheckResult.WARN, path=path, message=message)
