"""The panels of both dashboards: title, what it shows, queries. ``manifests.dashboards`` makes JSON of them."""

from __future__ import annotations

from dataclasses import dataclass

ACTIVE = "Starting|Running|Confirming|Reverting|Aborting"
WAITING = "Pending|Queued|Suspended|AwaitingConfirmation"
FLEET = '{namespace=~"$namespace", provider=~"$provider"'
OUTCOMES = f"osmig_migration_outcomes_total{FLEET}}}"
FAILED = f'osmig_migration_outcomes_total{FLEET}, outcome="Failed"}}'
NAMESPACE = '{namespace=~"$namespace"}'
ONE = '{namespace="$namespace", name="$migration"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        title: Its heading.
        description: What it shows and how to read it; Grafana shows it at the heading.
        queries: PromQL to legend.
        kind: Grafana's type of panel.
        unit: Grafana's name of the unit.
        width: Of the 24 columns of a row.
        height: In Grafana's rows.
        is_instant: Whether the newest value alone counts.
        most: The end of a scale, where there is one.
    """

    title: str
    description: str
    queries: dict[str, str]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 12
    height: int = 8
    is_instant: bool = False
    most: float | None = None


def _number(title: str, description: str, query: str, unit: str = "short") -> Panel:
    return Panel(
        title=title,
        description=description,
        queries={query: ""},
        kind="stat",
        unit=unit,
        width=4,
        height=4,
        is_instant=True,
    )


def _progress(selector: str) -> str:
    remaining, total = (
        f"sum by (namespace, name) (max by (namespace, name, medium) (osmig_migration_data_{part}_bytes{selector}))"
        for part in ("remaining", "total")
    )
    return f"1 - {remaining} / ({total} > 0)"


def _count(counter: str, window: str) -> str:
    """Return how far a counter rose in a window, with the first event of a series that was born in it.

    ``increase`` sees no rise in a series that begins at 1, and most reasons are seen once in a night.
    """
    nothing = f"0 * max_over_time({counter}[{window}])"
    born_with = f"min_over_time({counter}[{window}]) unless {counter} offset {window}"
    return f"(increase({counter}[{window}]) or {nothing}) + ({born_with} or {nothing})"


_RUNNING = 'on (namespace, name) max by (namespace, name) (osmig_migration_phase{phase="Running"} == 1)'

FLEET_PANELS = (
    _number(
        "Moving now",
        "Migrations that hold a slot: from their start until their data has arrived, or what was asked is done.",
        f'sum(osmig_migrations{FLEET}, phase=~"{ACTIVE}"}}) or vector(0)',
    ),
    _number(
        "Queued",
        "Migrations that wait for a slot; the message of each names the limit.",
        f'sum(osmig_migrations{FLEET}, phase="Queued"}}) or vector(0)',
    ),
    _number(
        "Awaiting confirmation",
        "Cold moves that a person must confirm or revert.",
        f'sum(osmig_migrations{FLEET}, phase="AwaitingConfirmation"}}) or vector(0)',
    ),
    _number(
        "Failed attempts, 24 h",
        "Attempts that ended as Failed in the last day.",
        f"sum({_count(FAILED, '24h')}) or vector(0)",
    ),
    _number(
        "Processes that act",
        "One is right. None: nobody leads. The others are standbys.",
        "sum(osmig_leader) or vector(0)",
    ),
    _number(
        "Firing alerts",
        "Alerts of osmig that fire now; the table below names them.",
        'count(ALERTS{alertname=~"Osmig.*", alertstate="firing"}) or vector(0)',
    ),
    Panel(
        title="Progress of what runs",
        description="Part of the data that has arrived, by Migration; absent where the cloud reports no numbers.",
        queries={f"({_progress(NAMESPACE)}) and {_RUNNING}": "{{namespace}}/{{name}}"},
        kind="bargauge",
        unit="percentunit",
        is_instant=True,
        most=1,
    ),
    Panel(
        title="Data left to move",
        description="By Migration, memory and disk together. It grows while a guest writes faster than it is copied.",
        queries={
            "sum by (namespace, name) (max by (namespace, name, medium) "
            '(osmig_migration_data_remaining_bytes{namespace=~"$namespace"}))': "{{namespace}}/{{name}}"
        },
        unit="bytes",
    ),
    Panel(
        title="Migrations that wait or move",
        description="By phase; what has ended is not counted.",
        queries={
            f'sum by (phase) (osmig_migrations{FLEET}, phase=~"{ACTIVE}|{WAITING}"}})': "{{phase}}",
        },
    ),
    Panel(
        title="Slots in use, by Provider",
        description="Own moves that hold a slot, and foreign ones that count too; spec.limits.maxInFlight bounds both.",
        queries={
            f'sum by (namespace, provider) (osmig_migrations{FLEET}, phase=~"{ACTIVE}"}})': "{{provider}} own",
            f"sum by (namespace, provider) (osmig_foreign_migrations{FLEET}}})": "{{provider}} foreign",
        },
    ),
    Panel(
        title="Outcomes by reason",
        description="Attempts that ended in the chosen range, by outcome and reason.",
        queries={
            f"sum by (outcome, reason) ({_count(OUTCOMES, '$__range')}) > 0": "{{outcome}}: {{reason}}",
        },
        kind="bargauge",
        is_instant=True,
    ),
    Panel(
        title="Duration of attempts",
        description="From the recorded intent to the end, median and 95th percentile, by type.",
        queries={
            f"histogram_quantile({quantile}, sum by (le, type) "
            f"(rate(osmig_migration_duration_seconds_bucket{FLEET}}}[$__rate_interval])))": f"{{{{type}}}} {name}"
            for quantile, name in ((0.5, "median"), (0.95, "95 %"))
        },
        unit="s",
    ),
    Panel(
        title="Orders",
        description="Verbs by their final result in the chosen range.",
        queries={
            f"sum by (verb, result) ({_count('osmig_control_requests_total', '$__range')}) > 0": "{{verb}}: {{result}}",
        },
        kind="bargauge",
        is_instant=True,
    ),
    Panel(
        title="Providers in reach",
        description="1 while the newest contact succeeded.",
        queries={f"min by (namespace, provider) (osmig_provider_up{FLEET}}})": "{{namespace}}/{{provider}}"},
        most=1,
    ),
    Panel(
        title="Latency of the cloud's API",
        description="95th percentile of the requests to Providers, without waiting in the rate limiter.",
        queries={
            "histogram_quantile(0.95, sum by (le, provider, service) "
            f"(rate(osmig_api_request_duration_seconds_bucket{FLEET}}}[$__rate_interval])))": "{{provider}} {{service}}"
        },
        unit="s",
    ),
    Panel(
        title="Failed requests to the cloud's API",
        description="By Provider and code; timeout and connection_error where no answer came.",
        queries={
            f'sum by (provider, code) (rate(osmig_api_requests_total{FLEET}, code!~"2.."}}[$__rate_interval]))': (
                "{{provider}} {{code}}"
            )
        },
        unit="reqps",
    ),
    Panel(
        title="Steps of the operator",
        description="Reconcile steps by result; a crash is a defect.",
        queries={"sum by (result) (rate(osmig_reconcile_total[$__rate_interval]))": "{{result}}"},
        unit="ops",
    ),
    Panel(
        title="What is due and waits",
        description="How long the longest waiting object has waited for a worker, and how late the event loop is.",
        queries={"max(osmig_oldest_due_seconds)": "oldest due", "max(osmig_event_loop_lag_seconds)": "event loop"},
        unit="s",
    ),
    Panel(
        title="Alerts",
        description="Alerts of osmig that fire now; each has a runbook.",
        queries={'ALERTS{alertname=~"Osmig.*", alertstate="firing"}': ""},
        kind="table",
        width=24,
        is_instant=True,
    ),
)

ONE_PANELS = (
    _number("Progress", "Part of the data that has arrived.", _progress(f"{ONE}}}"), "percentunit"),
    _number(
        "Time left",
        "If it goes on as lately; absent while nothing falls.",
        f"max(osmig_migration_eta_seconds{ONE}}})",
        "s",
    ),
    _number(
        "Since the start",
        "Since the first recorded intent.",
        f"time() - max(osmig_migration_start_timestamp_seconds{ONE}}})",
        "s",
    ),
    _number(
        "Since the last progress",
        "Since the data left last fell below its lowest value by 1 %.",
        f"time() - max(osmig_migration_last_progress_timestamp_seconds{ONE}}})",
        "s",
    ),
    _number(
        "Until the deadline",
        "Until onDeadline takes effect; absent without a deadline.",
        f"max(osmig_migration_deadline_timestamp_seconds{ONE}}}) - time()",
        "s",
    ),
    _number(
        "Until the confirmation's deadline",
        "Until onConfirmDeadline takes effect; absent before the gate.",
        f"max(osmig_migration_confirm_deadline_timestamp_seconds{ONE}}}) - time()",
        "s",
    ),
    Panel(
        title="Phase",
        description="The phase that it was in.",
        queries={f"max by (phase) (osmig_migration_phase{ONE}}}) == 1": "{{phase}}"},
        kind="state-timeline",
        width=24,
        height=5,
    ),
    Panel(
        title="Data",
        description="Left, moved, and all, by medium. What is sent again counts again as moved.",
        queries={
            f"max by (medium) (osmig_migration_data_{part}_bytes{ONE}}})": f"{{{{medium}}}} {part}"
            for part in ("remaining", "processed", "total")
        },
        unit="bytes",
    ),
    Panel(
        title="Throughput",
        description="Memory and disk that were copied lately.",
        queries={f"max(osmig_migration_throughput_bytes_per_second{ONE}}})": "throughput"},
        unit="Bps",
    ),
    Panel(
        title="Converging",
        description="1 while the data left falls, 0 while it stands still or grows; absent for cold moves.",
        queries={f"max(osmig_migration_converging{ONE}}})": "converging"},
        width=24,
        height=5,
        most=1,
    ),
    Panel(
        title="One by one",
        description="What is made or copied one by one, such as mailboxes; late is 1 while upstream says that it is.",
        queries={
            f"max by (state) (osmig_migration_items{ONE}}})": "{{state}}",
            f"max(osmig_migration_late{ONE}}})": "late",
        },
        width=24,
        height=5,
    ),
)
