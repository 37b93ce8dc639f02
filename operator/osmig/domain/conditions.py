"""Phase and reason → the conditions that kstatus, Flux, Argo CD and ``kubectl wait`` read (docs/architecture.md §8)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.meta import Condition
from osmig.api.names import ConditionStatus, ConditionType, Phase, Reason
from osmig.domain.phases import FINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from osmig.domain.observation import ProviderView


EXPIRES_SOON = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converging:
    """Whether a live move under way gets nearer to its end."""

    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where a Migration stands, in one word, one reason and one sentence.

    Attributes:
        converging: what is known anew of a live move's convergence; ``None`` keeps what was known while it runs.
    """

    phase: Phase
    reason: str
    message: str
    converging: Converging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """Whether everything that should be has a mirror.

    Attributes:
        reason: ``Mirrored``, or why some or all have none.
        message: for people.
    """

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one condition says; `merge` adds since when."""

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""


def describe_migration(
    verdict: Verdict,
    provider: ProviderView,
    *,
    before: Sequence[Condition],
    generation: int,
    now: dt.datetime,
) -> tuple[Condition, ...]:
    """Derive all conditions of a Migration.

    ``Reconciling`` and ``Stalled`` are present only while True, and never both: kstatus takes the first it meets.
    """
    claims = [*_claim_migration(verdict, provider), *_claim_converging(verdict, before)]
    return merge(claims, before=before, generation=generation, now=now)


def _claim_converging(verdict: Verdict, before: Sequence[Condition]) -> list[Claim]:
    """A condition of moves whose data is moving; between two samples it stays as it was."""
    if verdict.phase not in {Phase.RUNNING, Phase.ABORTING}:
        return []
    known = verdict.converging or find_condition(before, ConditionType.CONVERGING)
    if known is None:
        return []
    return [Claim(type=ConditionType.CONVERGING, status=known.status, reason=known.reason, message=known.message)]


def _claim_migration(verdict: Verdict, provider: ProviderView) -> list[Claim]:
    succeeded, finished, ready = _summarise(verdict.phase)
    claims = [
        Claim(type=ConditionType.SUCCEEDED, status=succeeded, reason=verdict.reason, message=verdict.message),
        Claim(type=ConditionType.FINISHED, status=finished, reason=verdict.reason),
        Claim(type=ConditionType.READY, status=ready, reason=verdict.reason, message=verdict.message),
    ]
    if verdict.phase not in FINISHED:
        claims.append(
            Claim(
                type=ConditionType.RECONCILING,
                status=ConditionStatus.TRUE,
                reason=verdict.reason,
                message=verdict.message,
            )
        )
        claims.append(_claim_provider(provider))
    elif succeeded is not ConditionStatus.TRUE:
        claims.append(
            Claim(
                type=ConditionType.STALLED, status=ConditionStatus.TRUE, reason=verdict.reason, message=verdict.message
            )
        )
    return claims


def _summarise(phase: Phase) -> tuple[ConditionStatus, ConditionStatus, ConditionStatus]:
    if phase is Phase.SUCCEEDED:
        return ConditionStatus.TRUE, ConditionStatus.TRUE, ConditionStatus.TRUE
    if phase in FINISHED:
        return ConditionStatus.FALSE, ConditionStatus.TRUE, ConditionStatus.FALSE
    return ConditionStatus.UNKNOWN, ConditionStatus.FALSE, ConditionStatus.FALSE


def _claim_provider(provider: ProviderView) -> Claim:
    if provider.is_ready:
        return Claim(type=ConditionType.PROVIDER_READY, status=ConditionStatus.TRUE, reason=Reason.PROVIDER_READY)
    return Claim(
        type=ConditionType.PROVIDER_READY,
        status=ConditionStatus.FALSE,
        reason=provider.reason or Reason.PROVIDER_NOT_READY,
        message=provider.message,
    )


STALLED_REASONS = frozenset(
    {Reason.INVALID_CONFIGURATION, Reason.ENDPOINT_REFUSED, Reason.UNAUTHORIZED, Reason.TOO_MANY_ROWS}
)
"""Why a Provider cannot be used until a person mends something."""


def describe_provider(
    view: ProviderView,
    *,
    before: Sequence[Condition],
    generation: int,
    now: dt.datetime,
    expires: dt.datetime | None = None,
    mirrored: Mirrored | None = None,
) -> tuple[Condition, ...]:
    """Derive all conditions of a Provider.

    ``Stalled`` only for what a person must mend; everything else is tried again and therefore ``Reconciling``.
    ``CredentialsExpiring`` is present only while True, and changes no other: until then everything works. ``Mirrored``
    is present only in mode Mirror, and changes no other either.
    """
    reason, message = view.reason, view.message
    ready = ConditionStatus.TRUE if view.is_ready else ConditionStatus.FALSE
    claims = [Claim(type=ConditionType.READY, status=ready, reason=reason, message=message), _claim_login(reason)]
    if reason in STALLED_REASONS:
        claims.append(Claim(type=ConditionType.STALLED, status=ConditionStatus.TRUE, reason=reason, message=message))
    elif not view.is_ready:
        claims.append(
            Claim(type=ConditionType.RECONCILING, status=ConditionStatus.TRUE, reason=reason, message=message)
        )
    if expires is not None and expires - now <= EXPIRES_SOON:
        text = f"the credentials expire at {expires:%Y-%m-%dT%H:%M:%SZ}; put new ones of the same user into the Secret"
        claims.append(
            Claim(
                type=ConditionType.CREDENTIALS_EXPIRING,
                status=ConditionStatus.TRUE,
                reason=Reason.EXPIRES_SOON,
                message=text,
            )
        )
    if mirrored is not None:
        whole = ConditionStatus.TRUE if mirrored.reason == Reason.MIRRORED else ConditionStatus.FALSE
        claims.append(
            Claim(type=ConditionType.MIRRORED, status=whole, reason=mirrored.reason, message=mirrored.message)
        )
    return merge(claims, before=before, generation=generation, now=now)


def describe_mapping(
    *, problem: str, before: Sequence[Condition], generation: int, now: dt.datetime
) -> tuple[Condition, ...]:
    """Derive all conditions of a MigrationMapping.

    Findings about mappings that can be read are hints, for only a tenant tells whether they fit.

    Args:
        problem: why this version cannot follow the mappings; empty when it can.
        before: the conditions on record.
        generation: of the mappings.
        now: this moment.
    """
    if not problem:
        claims = [Claim(type=ConditionType.READY, status=ConditionStatus.TRUE, reason=Reason.LINTED)]
    else:
        claims = [
            Claim(type=kind, status=status, reason=Reason.INVALID_MANIFEST, message=problem)
            for kind, status in (
                (ConditionType.READY, ConditionStatus.FALSE),
                (ConditionType.STALLED, ConditionStatus.TRUE),
            )
        ]
    return merge(claims, before=before, generation=generation, now=now)


def _claim_login(reason: str) -> Claim:
    match reason:
        case Reason.PROBE_SUCCEEDED:
            return Claim(
                type=ConditionType.AUTHENTICATION_SUCCEEDED, status=ConditionStatus.TRUE, reason=Reason.AUTHENTICATED
            )
        case Reason.UNAUTHORIZED:
            return Claim(type=ConditionType.AUTHENTICATION_SUCCEEDED, status=ConditionStatus.FALSE, reason=reason)
        case _:
            return Claim(type=ConditionType.AUTHENTICATION_SUCCEEDED, status=ConditionStatus.UNKNOWN, reason=reason)


def merge(
    claims: Iterable[Claim], *, before: Sequence[Condition], generation: int, now: dt.datetime
) -> tuple[Condition, ...]:
    """Make conditions; ``lastTransitionTime`` moves only when a status changes."""
    known = {condition.type: condition for condition in before}
    merged = []
    for claim in claims:
        old = known.get(claim.type)
        is_same = old is not None and old.status is claim.status
        merged.append(
            Condition(
                type=claim.type,
                status=claim.status,
                reason=claim.reason,
                message=claim.message,
                last_transition_time=old.last_transition_time if old is not None and is_same else now,
                observed_generation=generation,
            )
        )
    return tuple(merged)


def find_condition(conditions: Iterable[Condition], wanted: str) -> Condition | None:
    """Return the condition of that type, or ``None``."""
    return next((condition for condition in conditions if condition.type == wanted), None)
