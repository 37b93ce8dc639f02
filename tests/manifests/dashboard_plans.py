"""The panels of MigrationPlans, in a row of their own at the end of the dashboard of all moves."""

from __future__ import annotations

from manifests.dashboard_panels import NAMESPACE, Panel

_PLAN = "{{namespace}}/{{name}}"


def _servers(matcher: str = "") -> str:
    selector = f"{NAMESPACE[:-1]}{matcher}}}"
    return f"sum by (namespace, name) (max by (namespace, name, state) (osmig_plan_servers{selector}))"


def _hosts(metric: str) -> str:
    return f"sum by (namespace, name) (max by (namespace, name, host) ({metric}{NAMESPACE}))"


PLAN_PANELS = (
    Panel(
        title="Progress of plans",
        description="Part of the servers that have moved or are left on purpose; until ten minutes after the end.",
        queries={f"""{_servers(', state=~"succeeded|skipped"')} / ({_servers()} > 0)""": _PLAN},
        kind="bargauge",
        unit="percentunit",
        is_instant=True,
        most=1,
    ),
    Panel(
        title="Servers of plans",
        description="By where they stand: those of all plans that are under way.",
        queries={f"sum by (state) (max by (namespace, name, state) (osmig_plan_servers{NAMESPACE}))": "{{state}}"},
    ),
    Panel(
        title="Data left of plans",
        description="Still to be moved: as the cloud reports it, else the memory of the servers.",
        queries={f"max by (namespace, name) (osmig_plan_remaining_bytes{NAMESPACE})": _PLAN},
        unit="bytes",
    ),
    Panel(
        title="Hosts of plans",
        description="Proven empty, and kept disabled by a plan, until the plan is deleted. A host that stays disabled "
        "waits for release.",
        queries={
            _hosts("osmig_host_drained"): f"{_PLAN} drained",
            _hosts("osmig_host_disabled_by_plan"): f"{_PLAN} disabled",
        },
    ),
    Panel(
        title="Failure budget left",
        description="How many more moves of a plan may fail; below 0 it has paused or aborts.",
        queries={
            f"max by (namespace, name) (osmig_plan_failure_budget_remaining{NAMESPACE})": _PLAN,
        },
        least=None,
    ),
    Panel(
        title="Plans by phase",
        description="And how many of them may begin moves by their schedule now, and are past their deadline.",
        queries={
            f"sum by (phase) (max by (namespace, name, phase) (osmig_plan_phase{NAMESPACE}))": "{{phase}}",
            f"sum(max by (namespace, name) (osmig_plan_window_open{NAMESPACE}))": "their time is open",
            f"sum(max by (namespace, name) (osmig_plan_deadline_exceeded{NAMESPACE}))": "past their deadline",
        },
    ),
    Panel(
        title="Plans that have ended",
        description="For how long each has, until it is deleted; a host that it keeps disabled waits as long.",
        queries={f"time() - max by (namespace, name) (osmig_plan_completion_timestamp_seconds{NAMESPACE})": _PLAN},
        unit="s",
    ),
)
