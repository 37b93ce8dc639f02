"""The panels of the dashboard of one Migration. ``manifests.dashboards`` makes JSON of them."""

from __future__ import annotations

from manifests.dashboard_panels import Panel, number, progress

ONE = '{namespace="$namespace", name="$migration"'

ONE_PANELS = (
    number("Progress", "Part of the data that has arrived.", progress(f"{ONE}}}"), "percentunit"),
    number(
        "Time left",
        "If it goes on as lately; absent while nothing falls.",
        f"max(osmig_migration_eta_seconds{ONE}}})",
        "s",
    ),
    number(
        "Since the start",
        "Since the first recorded intent.",
        f"time() - max(osmig_migration_start_timestamp_seconds{ONE}}})",
        "s",
    ),
    number(
        "Since the last progress",
        "Since the data left last fell below its lowest value by 1 %.",
        f"time() - max(osmig_migration_last_progress_timestamp_seconds{ONE}}})",
        "s",
    ),
    number(
        "Until the deadline",
        "Until onDeadline takes effect; absent without a deadline.",
        f"max(osmig_migration_deadline_timestamp_seconds{ONE}}}) - time()",
        "s",
    ),
    number(
        "Until the confirmation's deadline",
        "Until onConfirmDeadline takes effect; absent before the gate.",
        f"max(osmig_migration_confirm_deadline_timestamp_seconds{ONE}}}) - time()",
        "s",
    ),
    Panel(
        title="From, and to",
        description="The hosts of the newest attempt, and its Provider.",
        queries={
            f"max by (provider, source_host, destination_host) (osmig_migration_info{ONE}}})": (
                "{{source_host}} to {{destination_host}}, {{provider}}"
            )
        },
        kind="stat",
        width=8,
        height=4,
        is_instant=True,
    ),
    Panel(
        title="Oldest order",
        description="Since when an accepted verb has had no effect; absent when none is awaited.",
        queries={f"time() - max(osmig_migration_oldest_order_timestamp_seconds{ONE}}})": ""},
        kind="stat",
        unit="s",
        width=8,
        height=4,
        is_instant=True,
    ),
    Panel(
        title="Server in ERROR",
        description="1 if the cloud says ERROR of the server.",
        queries={f"max(osmig_migration_server_in_error{ONE}}})": ""},
        kind="stat",
        width=8,
        height=4,
        is_instant=True,
        most=1,
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
