"""Where a move was started: endpoint and project, on record with its intent and with what is followed after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from osmig.api.migration import Baseline, UpstreamFacts

if TYPE_CHECKING:
    from osmig.api.migration import MigrationStatus
    from osmig.domain.observation import ProviderView

Recorded = TypeVar("Recorded", Baseline, UpstreamFacts)


class Origin(NamedTuple):
    """Endpoint and project, each as far as upstream tells it, in the form that status holds."""

    endpoint: str | None
    project_id: str | None


def of_provider(provider: ProviderView) -> Origin:
    """Return where a Provider's credentials lead now."""
    known = UpstreamFacts.model_validate({"endpoint": provider.endpoint, "project_id": provider.project_id})
    return Origin(known.endpoint, known.project_id)


def find_recorded(status: MigrationStatus) -> Origin | None:
    """Return where the move was started by the newest of what is on record; ``None`` where nothing was sent."""
    known = status.upstream or (status.pending_call.baseline if status.pending_call is not None else None)
    return Origin(known.endpoint, known.project_id) if known is not None else None


def add_origin(record: Recorded, origin: Origin) -> Recorded:
    """Return a record that tells where it is from."""
    return record.model_copy(update=origin._asdict())
