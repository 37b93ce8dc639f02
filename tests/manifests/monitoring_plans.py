"""Alerts of MigrationPlans and their hosts: what was scraped, what fires, what it says."""

from __future__ import annotations

from manifests.monitoring_cases import FOREVER, STALE, Case, Said, for_

BUDGET, STILL = "OsmigPlanBudgetExhausted", "OsmigPlanNoProgress"
APPROVAL, FORGOTTEN = "OsmigPlanAwaitingApproval", "OsmigHostForgotten"
LATE = "OsmigPlanDeadlineExceeded"


def plan(metric: str, values: str, *, pod: str = "a", **labels: str) -> dict[str, str]:
    """Write one series of the plan moves/drain."""
    written = "".join(f',{name}="{value}"' for name, value in labels.items())
    return {f'osmig_{metric}{{namespace="moves",name="drain",pod="{pod}"{written}}}': values}


def phase(name: str, values: str = f"1+0{FOREVER}", *, pod: str = "a") -> dict[str, str]:
    """Write the phase of the plan: for ever in it, if not said otherwise."""
    return plan("plan_phase", values, pod=pod, phase=name)


def window(values: str = f"1+0{FOREVER}", *, pod: str = "a") -> dict[str, str]:
    """Write whether moves may begin: always, if not said otherwise."""
    return plan("plan_window_open", values, pod=pod)


def budget(values: str, *, pod: str = "a") -> dict[str, str]:
    """Write how many more failures the plan bears."""
    return plan("plan_failure_budget_remaining", values, pod=pod)


def late(values: str, *, pod: str = "a") -> dict[str, str]:
    """Write whether the plan is past its deadline."""
    return plan("plan_deadline_exceeded", values, pod=pod)


def servers(state: str, values: str, *, pod: str = "a") -> dict[str, str]:
    """Write how many servers of the plan stand there."""
    return plan("plan_servers", values, pod=pod, state=state)


def disabled(values: str = f"1+0{FOREVER}", host: str = "cmp1") -> dict[str, str]:
    """Write whether a host is disabled by the plan."""
    return plan("host_disabled_by_plan", values, host=host)


def ended(days_ago: float) -> dict[str, str]:
    """Write when the plan ended: so long before the first scrape."""
    return plan("plan_completion_timestamp_seconds", f"{-days_ago * 86400:g}+0{FOREVER}")


IDLE = servers("succeeded", f"3+0{FOREVER}") | servers("running", f"2+0{FOREVER}")
"""Two move, and none ends."""

CASES = [
    Case(
        "a plan with more failures than it bears is reported until somebody resumes it",
        phase("Running", f"{for_(10, 1)} 0+0{FOREVER}")
        | phase("Paused", f"_x20 1+0{FOREVER}")
        | budget(f"{for_(10, 0)} {for_(30, -1)} 3+0{FOREVER}"),
        {9: [], 12: [BUDGET], 39: [BUDGET], 41: []},
    ),
    Case(
        "one that aborts itself is reported although its series end",
        phase("Aborted") | budget(f"{for_(5, 0)} {for_(10, -1)} {STALE}"),
        {4: [], 7: [BUDGET], 20: [BUDGET], 32: []},
    ),
    Case(
        "one whose budget is used to its end is not: it goes on",
        phase("Running") | budget(f"0+0{FOREVER}"),
        dict.fromkeys([5, 30], ()),
    ),
    Case(
        "what the next leader sees counts, whatever the old one said last",
        budget(f"{for_(10, -1)} {STALE}") | budget(f"_x20 3+0{FOREVER}", pod="b"),
        {9: [BUDGET], 11: [], 20: []},
    ),
    Case(
        "so does what it finds worse",
        budget(f"{for_(10, 3)} {STALE}") | budget(f"_x20 -1+0{FOREVER}", pod="b"),
        {9: [], 12: [BUDGET], 30: [BUDGET]},
    ),
    Case(
        "a plan of which no move has ended for an hour is reported until one does",
        phase("Running") | window() | servers("succeeded", f"{for_(10, 3)} {for_(90, 4)} 5+0{FOREVER}"),
        {69: [], 72: [STILL], 99: [STILL], 101: [], 110: [], 162: [STILL]},
    ),
    Case(
        "one of which a move fails every half an hour is not, nor one whose failed server is taken on again",
        phase("Running")
        | window()
        | servers("failed", " ".join(for_(30, count) for count in (0, 1, 0, 1, 0, 1, 0)))
        | servers("succeeded", f"0+0{FOREVER}"),
        dict.fromkeys(range(5, 200, 15), ()),
    ),
    Case(
        "one whose proof is not complete for an hour is",
        phase("Verifying") | window() | servers("succeeded", f"9+0{FOREVER}"),
        {49: [], 61: [STILL]},
    ),
    *(
        Case(f"one that is {waiting} is not", phase(waiting) | window() | IDLE, dict.fromkeys([61, 200], ()))
        for waiting in ("Pending", "Waiting", "Paused", "Aborting", "Failed")
    ),
    Case(
        "one whose window is closed, or was open for half an hour, is not",
        phase("Running") | window(f"{for_(120, 0)} {for_(30, 1)} 0+0{FOREVER}") | IDLE,
        dict.fromkeys([61, 119, 149, 240], ()),
    ),
    Case(
        "one that waits for a confirmation and for nothing else is not",
        phase("Running")
        | window()
        | servers("awaiting_confirmation", f"1+0{FOREVER}")
        | servers("running", f"0+0{FOREVER}")
        | servers("succeeded", f"3+0{FOREVER}"),
        dict.fromkeys([61, 200], ()),
    ),
    Case(
        "one of which others hang besides is",
        phase("Running") | window() | servers("awaiting_confirmation", f"1+0{FOREVER}") | IDLE,
        {61: [STILL]},
    ),
    Case(
        "a take-over neither hides nor makes that",
        phase("Running", f"{for_(30, 1)} {STALE}")
        | window(f"{for_(30, 1)} {STALE}")
        | servers("succeeded", f"{for_(30, 3)} {STALE}")
        | phase("Running", f"_x62 1+0{FOREVER}", pod="b")
        | window(f"_x62 1+0{FOREVER}", pod="b")
        | servers("succeeded", f"_x62 3+0{FOREVER}", pod="b"),
        {49: [], 61: [STILL]},
    ),
    Case(
        "a plan past its deadline is reported until it is granted more",
        phase("Paused") | late(f"{for_(10, 0)} {for_(30, 1)} 0+0{FOREVER}"),
        {9: [], 12: [LATE], 39: [LATE], 41: []},
    ),
    Case(
        "one that goes on is until it ends, well or not",
        phase("Running", f"{for_(20, 1)} 0+0{FOREVER}") | phase("Failed", f"_x40 1+0{FOREVER}") | late(f"1+0{FOREVER}"),
        {5: [LATE], 19: [LATE], 21: [], 60: []},
    ),
    Case(
        "one that its deadline called off is although its series end",
        phase("Aborted", f"{for_(10, 1)} {STALE}") | late(f"{for_(10, 1)} {STALE}"),
        {5: [LATE], 20: [LATE], 27: []},
    ),
    Case(
        "one that has ended late is not once its series end",
        phase("Succeeded", f"{for_(10, 1)} {STALE}") | late(f"{for_(10, 1)} {STALE}"),
        dict.fromkeys([5, 12, 20, 27], ()),
    ),
    Case(
        "one that is in time, or has no deadline any more, is not",
        phase("Running") | late(f"{for_(10, 0)} {STALE}"),
        dict.fromkeys([5, 9, 12, 60], ()),
    ),
    Case(
        "of deadlines too the next leader is believed",
        phase("Running") | late(f"{for_(10, 1)} {STALE}") | late(f"_x20 0+0{FOREVER}", pod="b"),
        {9: [LATE], 11: [], 20: []},
    ),
    Case(
        "a plan that awaits its approval for an hour in an open window is reported until it has it",
        phase("AwaitingApproval", f"{for_(100, 1)} 0+0{FOREVER}") | phase("Running", f"_x200 1+0{FOREVER}") | window(),
        {59: [], 62: [APPROVAL], 99: [APPROVAL], 101: []},
    ),
    Case(
        "one whose window opens later is not before an hour of it has passed",
        phase("AwaitingApproval") | window(f"{for_(300, 0)} 1+0{FOREVER}"),
        {299: [], 350: [], 362: [APPROVAL]},
    ),
    Case(
        "a host that a plan left disabled is reported a week after the plan's end, until it is given back",
        ended(7 - 0.5) | disabled(f"{for_(1000, 1)} 0+0{FOREVER}") | disabled(f"0+0{FOREVER}", host="cmp2"),
        {719: [], 730: [FORGOTTEN], 999: [FORGOTTEN], 1001: []},
    ),
    Case(
        "one whose plan is deleted is not any more",
        plan("plan_completion_timestamp_seconds", f"-700000+0x40 {STALE}") | disabled(f"1+0x40 {STALE}"),
        {19: [FORGOTTEN], 25: []},
    ),
    Case("one whose plan is under way is not", phase("Waiting") | disabled(), dict.fromkeys([10, 1400], ())),
]

WARNING, CRITICAL = {"severity": "warning"}, {"severity": "critical"}
DRAIN = {"namespace": "moves", "name": "drain"}
SAYS = {
    BUDGET: Said(
        phase("Paused") | budget(f"-1+0{FOREVER}"),
        CRITICAL | DRAIN,
        "More moves of plan moves/drain failed than its budget bears.",
        "It begins nothing more. status.failures names the moves and why they failed; look, then resume or abort it.",
    ),
    STILL: Said(
        phase("Running") | window() | IDLE,
        WARNING | DRAIN,
        "No move of plan moves/drain has ended for an hour.",
        "It is under way and its window is open. Its conditions Succeeded and Drained say what it waits for.",
        after_min=61,
    ),
    LATE: Said(
        phase("Running") | late(f"1+0{FOREVER}"),
        WARNING | DRAIN,
        "Plan moves/drain is past its deadline.",
        "It has taken longer than deadlineSeconds. Its phase says whether it goes on, waits for resume, or was called"
        " off, as onDeadline says; give it more time, or end it.",
    ),
    APPROVAL: Said(
        phase("AwaitingApproval") | window(),
        WARNING | DRAIN,
        "Plan moves/drain waits for its approval while its window is open.",
        "Nothing was begun. Read status.preview, then approve it by its hash, or suspend or delete the plan.",
        after_min=62,
    ),
    FORGOTTEN: Said(
        ended(8) | disabled(),
        WARNING | DRAIN | {"host": "cmp1"},
        "Host cmp1 is still disabled by plan moves/drain.",
        "The plan ended more than 7 days ago, and nothing is scheduled onto the host. Order release, or delete the plan"
        " if the host shall stay out of service.",
    ),
}
