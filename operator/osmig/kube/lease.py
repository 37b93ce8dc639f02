"""Leader election on one Lease: compare-and-swap, judged by the own clock alone.

The holder may act while ``fence()`` is positive: until ``renew_deadline_s`` after the *start* of its last successful
write. A standby takes over only after it has itself seen the same resourceVersion for ``duration_s``; no clock is ever
compared with another machine's. What lies between the two is the margin for a call that is already on its way.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.domain.errors import (
    KubeFailure,
    KubeForbidden,
    KubeUnauthorized,
    KubeUnavailable,
    LeadershipLost,
    ObjectGone,
    OperatorError,
    WriteConflict,
)
from osmig.kube.microtime import format_microtime
from osmig.kube.refs import Call, KubeVerb, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from osmig.domain.clock import Clock
    from osmig.kube.client import KubeClient

LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
_JITTER = 0.2
_NUMBERS = 2**31

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimings:
    """How long a Lease lasts; the defaults are those of Kubernetes' own components.

    Attributes:
        duration_s: unchanged for so long, a Lease is up for grabs.
        renew_deadline_s: a holder stops acting so long after the start of its last successful write.
        period_s: between two looks or renewals.
        call_timeout_s: for one call.
    """

    duration_s: float = 15.0
    renew_deadline_s: float = 10.0
    period_s: float = 2.0
    call_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse timings under which two holders could act at once, or a holder could never renew.

        Raises:
            ValueError: they are not in the order duration > renew deadline > period > 0.
        """
        if not self.duration_s > self.renew_deadline_s > self.period_s > 0 < self.call_timeout_s:
            message = "Lease timings: duration must exceed renew deadline, that the period, and all must be positive"
            raise ValueError(message)


class Lease:
    """One candidate for one Lease: ``acquire()``, then ``hold()`` until it raises, with ``fence()`` before each act.

    Give it a client of its own: renewals must not wait in line behind other calls.

    Args:
        client: sends the calls.
        clock: measures; its wall clock is only written for people to read.
        random: uniform in [0, 1), so that standbys do not look in step.
        namespace: of the Lease.
        name: of the Lease.
        identity: unique to this process, never reused; see ``make_identity``.
        timings: the same for every candidate.
    """

    def __init__(  # noqa: PLR0913 - where, who, and what it depends on
        self,
        client: KubeClient,
        clock: Clock,
        random: Callable[[], float],
        *,
        namespace: str,
        name: str,
        identity: str,
        timings: LeaseTimings,
    ) -> None:
        self._client = client
        self._clock = clock
        self._random = random
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timings = timings
        self._good_until = -math.inf
        self._version = ""
        self._seen = ("", 0.0)
        self._reported = ""
        self._was_read = False

    @property
    def identity(self) -> str:
        """What the Lease says while we hold it."""
        return self._identity

    @property
    def was_read(self) -> bool:
        """Whether the API server has told once who holds the Lease."""
        return self._was_read

    def fence(self) -> float:
        """Return for how many seconds we may still act; ask right before every effect. Any thread may."""
        return self._good_until - self._clock.boottime()

    async def acquire(self) -> None:
        """Wait until the Lease is ours, through every failure of the API server."""
        while not await self._try_to_acquire():
            await self._clock.sleep(self._timings.period_s * (1 + _JITTER * (2 * self._random() - 1)))
        _logger.info("lease.acquired", extra={"lease": self._name, "holder": self._identity})

    async def hold(self) -> None:
        """Renew for ever.

        Raises:
            LeadershipLost: somebody else holds it, it was deleted, or it could not be renewed in time. ``fence()`` is
                not positive by then. The process must end.
        """
        while True:
            await self._clock.sleep(max(0.0, min(self._timings.period_s, self.fence())))
            # A process that was frozen past its deadline must not renew: a standby may have acted meanwhile.
            if self.fence() <= 0:
                self._give_up(reason="LeaseExpired", message="the Lease could not be renewed in time")
            try:
                await self._write(self._version, {"holderIdentity": self._identity})
            except (WriteConflict, ObjectGone):
                await self._check_writer()
            except OperatorError as error:
                self._report(error)

    async def release(self) -> None:
        """Stop acting and leave the Lease to the next; call it last, and not beside ``hold()``. Never raises."""
        if self.fence() <= 0:
            return
        self._good_until = -math.inf
        try:
            await self._vacate()
        except OperatorError as error:
            # The others wait for the duration to pass, as they do after a crash.
            _logger.warning("lease.not_released", extra={"lease": self._name, "reason": error.reason})
        else:
            _logger.info("lease.released", extra={"lease": self._name, "holder": self._identity})

    async def _try_to_acquire(self) -> bool:
        try:
            lease = await self._read()
            if lease is not None and not self._is_available(lease):
                return False
            await self._take(lease)
        except WriteConflict:
            return False
        except OperatorError as error:
            self._report(error)
            return False
        return True

    def _is_available(self, lease: Mapping[str, Any]) -> bool:
        version = lease["metadata"]["resourceVersion"]
        now = self._clock.boottime()
        if version != self._seen[0]:
            self._seen = (version, now)
        spec = _read_spec(lease)
        holder = spec.get("holderIdentity") or ""
        takeover_after_s = max(self._timings.duration_s, _read_number(spec.get("leaseDurationSeconds")))
        return holder in {"", self._identity} or now - self._seen[1] >= takeover_after_s

    async def _take(self, lease: Mapping[str, Any] | None) -> None:
        transitions = _read_number(_read_spec(lease or {}).get("leaseTransitions"))
        spec: dict[str, Any] = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": math.ceil(self._timings.duration_s),
            "acquireTime": format_microtime(self._clock.now()),
            "leaseTransitions": int(transitions) + (lease is not None),
        }
        await self._write(None if lease is None else lease["metadata"]["resourceVersion"], spec)

    async def _check_writer(self) -> None:
        """Go on if only the version differs: our answer was lost, or somebody wrote a label."""
        try:
            lease = await self._read()
        except OperatorError as error:
            self._report(error)
            return
        if lease is None:
            self._give_up(reason="LeaseDeleted", message="the Lease was deleted")
        elif _read_spec(lease).get("holderIdentity") != self._identity:
            self._give_up(reason="LeaseTaken", message="somebody else holds the Lease")
        else:
            self._version = lease["metadata"]["resourceVersion"]

    async def _vacate(self) -> None:
        vacant = {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._send(self._version, vacant)
        except WriteConflict:
            # A renewal whose answer we did not wait for may have come first.
            lease = await self._read()
            if lease is not None and _read_spec(lease).get("holderIdentity") == self._identity:
                await self._send(lease["metadata"]["resourceVersion"], vacant)

    async def _write(self, version: str | None, spec: Mapping[str, Any]) -> None:
        """Send a write that proves us the holder, and move the fence by its start."""
        started = self._clock.boottime()
        self._version = await self._send(version, spec)
        self._good_until = started + self._timings.renew_deadline_s
        self._reported = ""

    async def _send(self, version: str | None, spec: Mapping[str, Any]) -> str:
        stamped = {**spec, "renewTime": format_microtime(self._clock.now())}
        if version is None:
            call = Call(KubeVerb.CREATE, LEASES, self._namespace)
            metadata = {"name": self._name, "namespace": self._namespace}
        else:
            call = Call(KubeVerb.PATCH, LEASES, self._namespace, self._name)
            metadata = {"resourceVersion": version}
        answer = await self._client.request(
            call, body={"metadata": metadata, "spec": stamped}, timeout_s=self._timeout_s()
        )
        if (_read_spec(answer.body).get("holderIdentity") or "") != spec["holderIdentity"]:
            # what a proxy made up proves nothing, and its version is none
            message = f"{call.operation}: the answer is not the Lease that was written"
            raise KubeUnavailable(reason="NotKubernetes", message=message)
        return str(answer.body["metadata"]["resourceVersion"])

    async def _read(self) -> Mapping[str, Any] | None:
        call = Call(KubeVerb.GET, LEASES, self._namespace, self._name)
        try:
            answer = await self._client.request(call, timeout_s=self._timeout_s())
        except ObjectGone:
            self._was_read = True
            return None
        self._was_read = True
        return answer.body

    def _timeout_s(self) -> float:
        """A holder waits no longer than it may act, so that it ends on time."""
        fence_s = self.fence()
        return min(self._timings.call_timeout_s, fence_s) if fence_s > 0 else self._timings.call_timeout_s

    def _give_up(self, *, reason: str, message: str) -> None:
        self._good_until = -math.inf
        raise LeadershipLost(reason, message)

    def _report(self, error: OperatorError) -> None:
        """Say once, until a write succeeds, why the Lease cannot be read or written."""
        if error.reason == self._reported:
            return
        self._reported = error.reason
        needs_somebody = not isinstance(error, KubeFailure) or isinstance(error, KubeForbidden | KubeUnauthorized)
        level = logging.ERROR if needs_somebody else logging.WARNING
        _logger.log(
            level, "lease.unavailable", extra={"lease": self._name, "reason": error.reason, "why": error.message}
        )


def make_identity(hostname: str, unique: str) -> str:
    """Return an identity for this process.

    Args:
        hostname: for people to read; two processes may share it.
        unique: random, made anew by every process: a restarted one must not take its predecessor's Lease for its own.
    """
    return f"{hostname}_{unique}"


def _read_spec(lease: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a Lease says; an answer that a proxy made up says nothing."""
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}


def _read_number(value: object) -> float:
    """Return a number of a Lease; zero for what the API server, whose numbers have 32 bits, cannot have said."""
    return float(value) if isinstance(value, int | float) and abs(value) < _NUMBERS else 0.0
