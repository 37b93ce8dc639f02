"""How the operators and Providers of all scenes are set: everything that is waited for is short."""

from __future__ import annotations

USER_AGENT = "osmig/"
"""What the requests of operators begin with."""

SHORT = {
    "connect-timeout": 1,
    "read-timeout": 4,
    "call-before": 3,
    "adopt-after": 8,
    "start-grace": 5,
    "sweep-period": 1,
    "progress-period": 1,
    "record-poll": 0.3,
    "verb-repeat": 1,
    "retry-period": 1,
    "upstream-threads": 20,
    "lease-duration": 6,
    "lease-renew-deadline": 5,
    "lease-period": 0.5,
}
"""Seconds. A successor takes the Lease about 6 s after a kill, and sends again after 8 s without a trace."""

LIMITS = {
    "maxInFlight": 100,
    "maxInFlightPerSourceHost": 100,
    "maxInFlightPerDestinationHost": 100,
    "requestsPerSecond": 100,
}
"""Many moves in one scene do not wait for one another."""

PATIENT = {"call-before": 60, "read-timeout": 60, "adopt-after": 125}
"""For an operator whose calls stand at their point until the last of them has come there.

One whose answer came too late for it, as on a busy machine, would be looked for, and pass the point behind its answer.
"""

PATIENT_LEASE = {"lease-duration": 400, "lease-renew-deadline": 300, "lease-period": 1}
"""For an operator that is to outlive a restart of the API server, or ends long before its Lease would."""
