"""The metric families of MigrationPlans and of their hosts."""

from __future__ import annotations

from osmig.telemetry.family import Family

_OBJECT = ("namespace", "name")
_OF_A_PLAN = "Served until 10 minutes after the plan has ended."

PLAN_PHASE = Family(
    "osmig_plan_phase",
    "gauge",
    f"1 for the phase that the MigrationPlan is in, 0 for each earlier phase that this process saw it in. {_OF_A_PLAN}",
    (*_OBJECT, "phase"),
)
PLAN_SERVERS = Family(
    "osmig_plan_servers",
    "gauge",
    "Servers of a MigrationPlan by where they stand, as its status.counts has them; each is in one state. Absent until "
    f"they were counted. {_OF_A_PLAN}",
    (*_OBJECT, "state"),
)
PLAN_BUDGET = Family(
    "osmig_plan_failure_budget_remaining",
    "gauge",
    "How many more moves of a MigrationPlan may fail before it pauses or aborts; below 0 when more have failed than "
    f"failureBudget bears. {_OF_A_PLAN}",
    _OBJECT,
)
PLAN_REMAINING = Family(
    "osmig_plan_remaining_bytes",
    "gauge",
    "Data that a MigrationPlan has still to move: as the cloud reports it, else the memory of the servers. "
    f"{_OF_A_PLAN}",
    _OBJECT,
)
PLAN_WINDOW = Family(
    "osmig_plan_window_open",
    "gauge",
    "1 while moves of a MigrationPlan may begin by its schedule: notBeforeTime has come, notAfterTime has not, and a "
    f"window is open or there are none; else 0. {_OF_A_PLAN}",
    _OBJECT,
)
PLAN_DEADLINE = Family(
    "osmig_plan_deadline_exceeded",
    "gauge",
    "1 for a MigrationPlan that has taken longer than deadlineSeconds, as its condition WithinDeadline says, until it "
    f"is granted more; else 0. Absent without deadlineSeconds. {_OF_A_PLAN}",
    _OBJECT,
)
PLAN_COMPLETION = Family(
    "osmig_plan_completion_timestamp_seconds",
    "gauge",
    "Unix time at which a MigrationPlan ended; absent while it has not. Served as long as the object exists.",
    _OBJECT,
)
HOST_DRAINED = Family(
    "osmig_host_drained",
    "gauge",
    "1 for a host that a MigrationPlan has proven empty, as of then; else 0. Served as long as the object exists.",
    (*_OBJECT, "host"),
)
HOST_DISABLED = Family(
    "osmig_host_disabled_by_plan",
    "gauge",
    "1 from when a MigrationPlan orders the compute service of a host to be disabled until it sees, after a release, "
    "that the service is enabled or no longer has its mark; else 0. Served as long as the object exists.",
    (*_OBJECT, "host"),
)
