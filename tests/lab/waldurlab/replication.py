"""One replication: the row that the API shows, and the way its states go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from datetime import datetime

Outcome = Literal[
    "success",
    "fails-early",
    "fails-late",
    "fails-at-port",
    "worker-lost",
    "broker-lost",
    "stuck",
    "never-done",
    "destination-lost",
]
"""How a replication goes; every way starts at CREATION_SCHEDULED with the destination Creating.

success: CREATING/Creating, CREATING/OK, OK/OK. fails-early, before there is a project: ERRED/Terminated. fails-late, at
a network: ERRED/Erred. fails-at-port, after the tenant is OK: ERRED/OK. worker-lost: CREATING/Erred for ever.
broker-lost: it never starts, and later the destination is Erred. stuck: CREATING/Creating for ever. never-done:
CREATING/OK for ever. destination-lost: terminated after OK/OK.
"""
OUTCOMES: tuple[str, ...] = get_args(Outcome)

_SCHEDULED = ("CREATION_SCHEDULED", "Creating")
_RUNNING = (_SCHEDULED, ("CREATING", "Creating"))
_SUCCESS = (*_RUNNING, ("CREATING", "OK"), ("OK", "OK"))
STEPS: dict[str, tuple[tuple[str, str], ...]] = {
    "success": _SUCCESS,
    "fails-early": (*_RUNNING, ("ERRED", "Terminated")),
    "fails-late": (*_RUNNING, ("ERRED", "Erred")),
    "fails-at-port": (*_SUCCESS[:-1], ("ERRED", "OK")),
    "worker-lost": (*_RUNNING, ("CREATING", "Erred")),
    "broker-lost": (_SCHEDULED, ("CREATION_SCHEDULED", "Erred")),
    "stuck": _RUNNING,
    "never-done": _SUCCESS[:-1],
    "destination-lost": (*_SUCCESS, ("OK", "Terminating"), ("OK", "Terminated")),
}
"""The joint states of the row and of its destination, in the order of their appearance."""
OLD_LABELS = {
    "CREATION_SCHEDULED": "Creation Scheduled",
    "CREATING": "Creating",
    "UPDATE_SCHEDULED": "Update Scheduled",
    "UPDATING": "Updating",
    "DELETION_SCHEDULED": "Deletion Scheduled",
    "DELETING": "Deleting",
    "OK": "OK",
    "ERRED": "Erred",
}
ERRORS = {
    "fails-early": "simulated backend failure in create_tenant_safe",
    "fails-late": "simulated backend failure in create_network",
    "fails-at-port": "simulated backend failure in create_port",
}
TRACEBACK = """Traceback (most recent call last):
  File "/opt/waldur/lib/waldur_openstack/backend.py", line 612, in _call
    return client.post("http://keystone.internal:5000/v3/projects")
waldur_openstack.exceptions.OpenStackBackendError: {}
"""


@dataclass(slots=True)
class Replication:
    """A row of ``/api/openstack-migrations/`` with what lies behind it.

    Attributes:
        outcome: How it goes on, see ``Outcome``.
        step: The index into its steps.
        paced_at: When the last step was due, for replications that go on by themselves.
        mappings: As the server stores them, without networks.
        is_gone: The row was deleted; what it started goes on.
        overrides: Fields of the row that a test has set by hand.
        dropped: Fields that the row lacks.
    """

    uuid: str
    created: datetime
    modified: datetime
    created_by: str
    source: str
    offering: str
    destination: str
    mappings: dict[str, Any] | None
    state: str = "CREATION_SCHEDULED"
    error_message: str = ""
    error_traceback: str = ""
    outcome: str = "success"
    error: str | None = None
    step: int = 0
    paced_at: datetime = field(init=False)
    is_gone: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin to count the pace."""
        self.paced_at = self.created

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """The states on its way."""
        return STEPS[self.outcome]

    @property
    def is_final(self) -> bool:
        """Whether the server will never change the row's state again."""
        return self.state in {"OK", "ERRED"}

    def fail(self) -> None:
        """Record the cause as the server does: a text that is there already stays."""
        text = self.error or ERRORS.get(self.outcome, "simulated failure")
        self.error_message = self.error_message or text
        self.error_traceback = TRACEBACK.format(text)


@dataclass(slots=True)
class Order:
    """An order of the marketplace for a resource."""

    uuid: str
    resource: str
    kind: Literal["Create", "Terminate"]
    state: str
    created: datetime
    error_message: str = ""
