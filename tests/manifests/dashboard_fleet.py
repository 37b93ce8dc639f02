"""The panels of the dashboard of all moves. ``manifests.dashboards`` makes JSON of them."""

from __future__ import annotations

from manifests.dashboard_panels import FLEET, NAMESPACE, Panel, count, number, of, progress

ACTIVE = "Starting|Running|Confirming|Reverting|Aborting"
WAITING = "Pending|Queued|Suspended|AwaitingConfirmation"
OUTCOMES = f"osmig_migration_outcomes_total{FLEET}}}"
FAILED = f'osmig_migration_outcomes_total{FLEET}, outcome="Failed"}}'
CRASHES = 'osmig_reconcile_total{result="crash"}'
_REMAINING = (
    "sum by (namespace, name) (max by (namespace, name, medium) "
    '(osmig_migration_data_remaining_bytes{namespace=~"$namespace"}))'
)
_RUNNING = 'on (namespace, name) max by (namespace, name) (osmig_migration_phase{phase="Running"} == 1)'

FLEET_PANELS = (
    number(
        "Moving now",
        "Migrations that hold a slot: from their start until their data has arrived, or what was asked is done.",
        f'sum(osmig_migrations{FLEET}, phase=~"{ACTIVE}"}}) or vector(0)',
    ),
    number(
        "Queued",
        "Migrations that wait for a slot; the message of each names the limit.",
        f'sum(osmig_migrations{FLEET}, phase="Queued"}}) or vector(0)',
    ),
    number(
        "Awaiting confirmation",
        "Cold moves that a person must confirm or revert.",
        f'sum(osmig_migrations{FLEET}, phase="AwaitingConfirmation"}}) or vector(0)',
    ),
    number(
        "Failed attempts, 24 h",
        "Attempts that ended as Failed in the last day.",
        f"sum({count(FAILED, '24h')}) or vector(0)",
    ),
    number(
        "Processes that act",
        "One is right. None: nobody leads. The others are standbys.",
        "sum(osmig_leader) or vector(0)",
    ),
    number(
        "Firing alerts",
        "Alerts of osmig that fire now; the table below names them.",
        'count(ALERTS{alertname=~"Osmig.*", alertstate="firing"}) or vector(0)',
    ),
    Panel(
        title="Progress of what runs",
        description="Part of the data that has arrived, by Migration; absent where the cloud reports no numbers.",
        queries={f"({of(f'({progress(NAMESPACE)})')}) and {_RUNNING}": "{{namespace}}/{{name}} from {{source_host}}"},
        kind="bargauge",
        unit="percentunit",
        is_instant=True,
        most=1,
    ),
    Panel(
        title="Data left to move, by source host",
        description="Memory and disk of all moves from it; it grows while guests write faster than they are copied.",
        queries={f"sum by (source_host) ({of(f'({_REMAINING})')})": "{{source_host}}"},
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
        title="The queue, and why",
        description="Migrations for which nothing is under way yet, by the reason of their condition Succeeded.",
        queries={
            f'sum by (phase) (osmig_migrations{FLEET}, phase=~"Pending|Queued|Suspended"}})': "{{phase}}",
            f"sum by (reason) (osmig_migrations_waiting{FLEET}}})": "{{reason}}",
        },
    ),
    Panel(
        title="Turns that nobody uses",
        description="How long somebody has had its turn, a slot being free, and has not started.",
        queries={f"max by (namespace, provider) (osmig_oldest_granted_slot_seconds{FLEET}}})": "{{provider}}"},
        unit="s",
    ),
    Panel(
        title="Slots in use and their limit, by Provider",
        description="Own moves that hold a slot, and foreign ones that count too; spec.limits.maxInFlight bounds both.",
        queries={
            f'sum by (namespace, provider) (osmig_migrations{FLEET}, phase=~"{ACTIVE}"}})': "{{provider}} own",
            f"sum by (namespace, provider) (osmig_foreign_migrations{FLEET}}})": "{{provider}} foreign",
            f"max by (namespace, provider) (osmig_provider_slots{FLEET}}})": "{{provider}} limit",
        },
    ),
    Panel(
        title="What nobody here declared",
        description="Moves that others started, by upstream's status; those that hang; cold moves whose confirmation "
        "nobody here waits for. A Provider with discovery.mode Mirror shows each as a Migration.",
        queries={
            f"sum by (provider, status) (osmig_foreign_migrations{FLEET}}})": "{{provider}} {{status}}",
            f"max by (namespace, provider) (osmig_stale_foreign_migrations{FLEET}}})": "{{provider}} hanging",
            f"max by (namespace, provider) (osmig_unowned_confirmations{FLEET}}})": "{{provider}} unconfirmed",
        },
    ),
    Panel(
        title="Copied one by one",
        description="Mailboxes and the like, of all Migrations together: done, failed, all; and how many are late.",
        queries={
            f"sum by (state) ({of('max by (namespace, name, state) (osmig_migration_items)')})": "{{state}}",
            f"sum({of('max by (namespace, name) (osmig_migration_late)')})": "Migrations that are late",
        },
    ),
    Panel(
        title="Outcomes by reason",
        description="Attempts that ended in the chosen range, by outcome and reason.",
        queries={
            f"sum by (outcome, reason) ({count(OUTCOMES, '$__range')}) > 0": "{{outcome}}: {{reason}}",
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
            f"sum by (verb, result) ({count('osmig_control_requests_total', '$__range')}) > 0": "{{verb}}: {{result}}",
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
        title="Servers in ERROR",
        description="Servers whose move was started and of which the cloud says ERROR; the alert names each.",
        queries={
            f"sum by (source_host) ({of('max by (namespace, name) (osmig_migration_server_in_error)')})": (
                "moved from {{source_host}}"
            )
        },
    ),
    Panel(
        title="What must not happen",
        description="In the chosen range: second starts, crashed steps, moves that outlived a deletion with Abort.",
        queries={
            f"sum({count('osmig_duplicate_starts_total', '$__range')}) or vector(0)": "second starts",
            f"sum({count(CRASHES, '$__range')}) or vector(0)": "crashed steps",
            f"sum({count('osmig_finalizer_leftovers_total', '$__range')}) or vector(0)": "moves left behind",
        },
        kind="bargauge",
        is_instant=True,
    ),
    Panel(
        title="Steps of the operator",
        description="Reconcile steps by result; a crash is a defect.",
        queries={"sum by (result) (rate(osmig_reconcile_total[$__rate_interval]))": "{{result}}"},
        unit="ops",
    ),
    Panel(
        title="Time of steps and of the API server",
        description="95th percentile of a step, and of the requests to the API server.",
        queries={
            "histogram_quantile(0.95, sum by (le) (rate(osmig_reconcile_duration_seconds_bucket[$__rate_interval])))": (
                "step"
            ),
            "histogram_quantile(0.95, sum by (le, operation) "
            "(rate(osmig_kube_request_duration_seconds_bucket[$__rate_interval])))": "{{operation}}",
        },
        unit="s",
    ),
    Panel(
        title="Failed requests to the API server",
        description="By code; no-answer where none came. Conflicts (409) are part of the game.",
        queries={
            'sum by (code) (rate(osmig_kube_requests_total{code!~"2.."}[$__rate_interval]))': "{{code}}",
        },
        unit="reqps",
    ),
    Panel(
        title="What is due and waits",
        description="How long the longest waiting object has waited for a worker, and how late the event loop is.",
        queries={"max(osmig_oldest_due_seconds)": "oldest due", "max(osmig_event_loop_lag_seconds)": "event loop"},
        unit="s",
    ),
    Panel(
        title="Objects that are due",
        description="Objects whose next step waits for a worker.",
        queries={"max(osmig_queue_depth)": "due"},
    ),
    Panel(
        title="Processes by version",
        description="Two versions side by side: a rollout is under way.",
        queries={"count by (version, python) (osmig_build_info)": "{{version}} on Python {{python}}"},
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
