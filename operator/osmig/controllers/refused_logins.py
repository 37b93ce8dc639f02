"""Credentials that are refused: not tried again before they change, somebody asks, or a pause is over that grows.

Keystone can be told to lock an account after a number of refused passwords, six in its hardening guide, however long it
takes. So the pause quadruples, from minutes to a day: five tries on the first day. What was counted is on record
in the Provider's status, with the version of the Secret, so that a process that is started again and again goes on
counting instead of trying.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osmig.api.names import ConditionType, Reason, Verb, verb_annotation
from osmig.api.provider import RefusedLogin
from osmig.domain.conditions import find_condition
from osmig.domain.errors import BackendError, Unauthorized

if TYPE_CHECKING:
    import datetime as dt

    from osmig.api.provider import Provider

FIRST_PAUSE_S = 300.0
GROWTH = 4.0
MAX_PAUSE_S = 86_400.0
MAX_ATTEMPTS = 1000
ADVICE = (
    "They are not tried again before the Secret changes, except ever more rarely; annotate the Provider with another "
    f"value of {verb_annotation(Verb.RECONCILE)} to have them tried at once"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by both clocks.

    Attributes:
        now: the wall clock, UTC, for what is on record.
        boottime: seconds, for what is measured.
    """

    now: dt.datetime
    boottime: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What was refused, and until when it is left alone.

    Attributes:
        fingerprint: of the spec and the Secret it is about; another one is tried at once.
        error: what the Provider says meanwhile.
        asked: the Provider's annotation ``reconcile`` at that time; another value asks for another try.
        retry_at: boottime; infinite for what cannot help, as nobody but us refused it.
        login: what is on record of refused credentials; ``None`` for what was sent to nobody.
    """

    fingerprint: str
    error: BackendError
    asked: str | None
    retry_at: float = math.inf
    login: RefusedLogin | None = None

    def stands(self, fingerprint: str, asked: str | None, boottime: float) -> bool:
        """Whether what has this fingerprint is left alone now."""
        return self.fingerprint == fingerprint and self.asked == asked and boottime < self.retry_at

    @property
    def attempts(self) -> int:
        """How often these credentials were refused."""
        return self.login.attempts if self.login is not None else 0


def find_asked(provider: Provider) -> str | None:
    """Return the value of the Provider's annotation ``reconcile``, as far as status can hold it."""
    token = provider.metadata.annotations.get(verb_annotation(Verb.RECONCILE))
    return token[:64] if token is not None else None


def pause_after(attempts: int) -> float:
    """Return for how many seconds credentials are left alone that were refused so often."""
    return min(MAX_PAUSE_S, FIRST_PAUSE_S * math.pow(GROWTH, min(attempts - 1, 10)))


def refuse(
    provider: Provider, error: Unauthorized, *, fingerprint: str, version: str, before: Refusal | None, moment: Moment
) -> Refusal:
    """Count one more refusal of the same credentials, or the first of others.

    Args:
        provider: whose credentials they are.
        error: what upstream said, and perhaps when to come back.
        fingerprint: of spec and Secret.
        version: of the Secret.
        before: the last refusal.
        moment: now.
    """
    counted = before.attempts if before is not None and before.fingerprint == fingerprint else 0
    asked = find_asked(provider)
    login = RefusedLogin(
        attempts=min(MAX_ATTEMPTS, counted + 1), time=moment.now, secret_version=version, reconcile=asked
    )
    pause_s = max(pause_after(login.attempts), error.retry_after_s or 0.0)
    message = f"{error.message}. {ADVICE}"
    return Refusal(
        fingerprint=fingerprint,
        error=Unauthorized(error.reason, message, operation=error.operation),
        asked=asked,
        retry_at=moment.boottime + pause_s,
        login=login,
    )


def recall(provider: Provider, *, fingerprint: str, version: str, moment: Moment) -> Refusal | None:
    """Return what an earlier process recorded, if spec, Secret and annotation are still the same.

    The clocks of two machines differ, so no more than one pause is waited for, and no less than nothing.
    """
    login, status = provider.status.refused_login, provider.status
    if login is None or not version or login.secret_version != version:
        return None
    if status.observed_generation != provider.metadata.generation:
        return None
    pause_s = pause_after(login.attempts)
    left_s = pause_s - (moment.now - login.time).total_seconds()
    ready = find_condition(status.conditions, ConditionType.READY)
    is_told = ready is not None and ready.reason == Reason.UNAUTHORIZED
    text = ready.message if ready is not None and is_told else f"The credentials are refused. {ADVICE}"
    return Refusal(
        fingerprint=fingerprint,
        error=Unauthorized(Reason.UNAUTHORIZED, text, operation="authenticate"),
        asked=login.reconcile,
        retry_at=moment.boottime + min(pause_s, max(0.0, left_s)),
        login=login,
    )
