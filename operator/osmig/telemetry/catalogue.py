"""Every metric family, declared once, for collectors and the reference page; those of plans are in `plan_families`."""

from __future__ import annotations

from osmig.telemetry import plan_families
from osmig.telemetry.family import Family

_PROVIDER = ("namespace", "provider")
_OBJECT = ("namespace", "name")
_SHORT_LIVED = "Served until 10 minutes after the migration has ended."

MIGRATIONS = Family(
    "osmig_migrations",
    "gauge",
    "Migration objects in each phase, finished ones included as long as the object exists.",
    (*_PROVIDER, "type", "phase"),
)
MIGRATIONS_WAITING = Family(
    "osmig_migrations_waiting",
    "gauge",
    "Migrations for which nothing is under way yet (Pending, Queued, Suspended), by the reason of their condition "
    "Succeeded: what each waits for. The reason is empty until the first step.",
    (*_PROVIDER, "type", "reason"),
)
MIGRATION_OUTCOMES = Family(
    "osmig_migration_outcomes_total",
    "counter",
    "Ended attempts by outcome (Succeeded, Failed, Aborted, Reverted) and reason; each retry counts anew. provider is "
    "empty where no such Provider exists.",
    (*_PROVIDER, "type", "outcome", "reason"),
)
MIGRATION_DURATION = Family(
    "osmig_migration_duration_seconds",
    "histogram",
    "Time from the recorded intent of an attempt to its end.",
    (*_PROVIDER, "type", "outcome"),
    (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400),
)
MIGRATION_PHASE = Family(
    "osmig_migration_phase",
    "gauge",
    "1 for the phase that the Migration is in, 0 for each earlier phase that this process saw it in, so that "
    f"range functions do not hold on to a phase that is over. {_SHORT_LIVED}",
    (*_OBJECT, "type", "phase"),
)
MIGRATION_INFO = Family(
    "osmig_migration_info",
    "gauge",
    "Always 1: the Provider of a Migration and the hosts of its newest attempt, to be joined to its other metrics; one "
    f"that is not known, or that is no name of a host, is empty. {_SHORT_LIVED}",
    (*_PROVIDER, "name", "source_host", "destination_host"),
)
MIGRATION_START = Family(
    "osmig_migration_start_timestamp_seconds",
    "gauge",
    f"Unix time of the first recorded intent (KubeVirt: kubevirt_vmi_migration_start_time_seconds). {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_LAST_PROGRESS = Family(
    "osmig_migration_last_progress_timestamp_seconds",
    "gauge",
    "Unix time at which the remaining data last fell by at least 1 % below its lowest value; absent until upstream "
    f"has reported data. {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_DATA_TOTAL = Family(
    "osmig_migration_data_total_bytes",
    "gauge",
    "Size of the data to be moved, as upstream reports it "
    f"(KubeVirt: kubevirt_vmi_migration_data_total_bytes). {_SHORT_LIVED}",
    (*_OBJECT, "medium"),
)
MIGRATION_DATA_PROCESSED = Family(
    "osmig_migration_data_processed_bytes",
    "gauge",
    "Data moved so far, pages sent again counted again, as upstream reports it "
    f"(KubeVirt: kubevirt_vmi_migration_data_processed_bytes). {_SHORT_LIVED}",
    (*_OBJECT, "medium"),
)
MIGRATION_DATA_REMAINING = Family(
    "osmig_migration_data_remaining_bytes",
    "gauge",
    "Data still to be moved, as upstream reports it; it grows while a guest dirties memory faster than it is sent "
    f"(KubeVirt: kubevirt_vmi_migration_data_remaining_bytes). {_SHORT_LIVED}",
    (*_OBJECT, "medium"),
)
MIGRATION_THROUGHPUT = Family(
    "osmig_migration_throughput_bytes_per_second",
    "gauge",
    "Memory and disk that were copied lately, pages sent again counted again "
    f"(KubeVirt: kubevirt_vmi_migration_memory_transfer_rate_bytes). {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_ETA = Family(
    "osmig_migration_eta_seconds",
    "gauge",
    f"Time until nothing is left to move if it goes on as lately; absent while nothing falls. {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_CONVERGING = Family(
    "osmig_migration_converging",
    "gauge",
    "1 while the condition Converging is True, 0 while it is False: the data left to move stands still or grows. "
    f"Absent while that is unknown, and for cold moves. {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_DEADLINE = Family(
    "osmig_migration_deadline_timestamp_seconds",
    "gauge",
    "Unix time at which onDeadline takes effect; absent without a deadline, before the start, and while a "
    f"confirmation is awaited. {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_CONFIRM_DEADLINE = Family(
    "osmig_migration_confirm_deadline_timestamp_seconds",
    "gauge",
    f"Unix time at which onConfirmDeadline of a cold move takes effect; absent before the gate. {_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_ITEMS = Family(
    "osmig_migration_items",
    "gauge",
    "What is made or copied one by one, such as mailboxes: total, and how many of them are done and failed; absent "
    f"until upstream tells of any. {_SHORT_LIVED}",
    (*_OBJECT, "state"),
)
MIGRATION_LATE = Family(
    "osmig_migration_late",
    "gauge",
    "1 while upstream says that the Migration is late, else 0; absent where upstream says no such thing, and after the "
    "end.",
    _OBJECT,
)
MIGRATION_OLDEST_ORDER = Family(
    "osmig_migration_oldest_order_timestamp_seconds",
    "gauge",
    "Unix time at which the oldest verb was accepted whose effect is still awaited; absent when none is. "
    f"{_SHORT_LIVED}",
    _OBJECT,
)
MIGRATION_SERVER_IN_ERROR = Family(
    "osmig_migration_server_in_error",
    "gauge",
    "1 if the server of a Migration that was started was last seen in status ERROR, 0 if in another; absent before the "
    f"start, and for what is no server. {_SHORT_LIVED}",
    _OBJECT,
)
CONTROL_REQUESTS = Family(
    "osmig_control_requests_total",
    "counter",
    "Verbs of Migrations and MigrationPlans by their final result (Done, Rejected, TooLate, Unsupported, Superseded). "
    "What a plan hands on counts of each Migration that gets it, too.",
    ("kind", "verb", "result"),
)
DUPLICATE_STARTS = Family(
    "osmig_duplicate_starts_total",
    "counter",
    "Attempts for which a second upstream migration was found. Anything but 0 is a defect: please report it.",
)
FINALIZER_LEFTOVERS = Family(
    "osmig_finalizer_leftovers_total",
    "counter",
    "Deleted Migrations with deletionPolicy Abort whose move could not be ended in time: it goes on upstream.",
    ("namespace",),
)
FOREIGN_MIGRATIONS = Family(
    "osmig_foreign_migrations",
    "gauge",
    "Unfinished upstream migrations that no Migration object here owns, by upstream's own status word, `other` for one "
    "that osmig does not know; 0 once a status that was seen is gone.",
    (*_PROVIDER, "status"),
)
UNOWNED_CONFIRMATIONS = Family(
    "osmig_unowned_confirmations",
    "gauge",
    "Resized or cold-migrated servers that wait for a confirmation and that no Migration object here follows; absent "
    "where they cannot be listed.",
    _PROVIDER,
)
STALE_FOREIGN_MIGRATIONS = Family(
    "osmig_stale_foreign_migrations",
    "gauge",
    "Unfinished upstream migrations that nobody declared here, with a mirror or without, and whose record upstream has "
    "not touched for so long that they hang rather than move.",
    _PROVIDER,
)
SLOTS = Family(
    "osmig_provider_slots",
    "gauge",
    "Moves that may be under way at once through the Provider, foreign ones included: its limits.maxInFlight, or less "
    "where its type allows less.",
    _PROVIDER,
)
GRANTED_SLOT_AGE = Family(
    "osmig_oldest_granted_slot_seconds",
    "gauge",
    "How long ago the Migration that waits longest for its start was given its turn, a slot being free for it; 0 when "
    "none has its turn.",
    _PROVIDER,
)
PROVIDER_UP = Family(
    "osmig_provider_up",
    "gauge",
    "1 while the newest contact with the Provider succeeded, else 0.",
    _PROVIDER,
)
API_REQUESTS = Family(
    "osmig_api_requests_total",
    "counter",
    "Requests to Providers, failed ones included. code is the HTTP status, or timeout or connection_error when no "
    "answer came.",
    (*_PROVIDER, "service", "operation", "code"),
)
API_REQUEST_DURATION = Family(
    "osmig_api_request_duration_seconds",
    "histogram",
    "Time from sending a request to a Provider to its answer or failure, without waiting in the rate limiter.",
    (*_PROVIDER, "service", "operation"),
    (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
KUBE_REQUESTS = Family(
    "osmig_kube_requests_total",
    "counter",
    "Requests of osmig's own client to the API server (watches excluded), failed ones included. code is the HTTP "
    "status, or no-answer.",
    ("operation", "code"),
)
KUBE_REQUEST_DURATION = Family(
    "osmig_kube_request_duration_seconds",
    "histogram",
    "Time from sending a request to the API server to its answer or failure.",
    ("operation",),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RECONCILES = Family(
    "osmig_reconcile_total",
    "counter",
    "Reconcile steps by result: success, stale (somebody else wrote first), gone, error, crash (a defect).",
    ("result",),
)
RECONCILE_DURATION = Family(
    "osmig_reconcile_duration_seconds",
    "histogram",
    "Time that one reconcile step took, upstream and API server calls included.",
    (),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
QUEUE_DEPTH = Family("osmig_queue_depth", "gauge", "Objects whose next step is due and waits for a worker.")
OLDEST_DUE = Family(
    "osmig_oldest_due_seconds",
    "gauge",
    "How long the longest waiting of those that are due has waited for a worker; 0 when none waits.",
)
EVENT_LOOP_LAG = Family(
    "osmig_event_loop_lag_seconds",
    "gauge",
    "How much later than asked the event loop last woke the measuring task.",
)
LEADER = Family("osmig_leader", "gauge", "1 while this process holds the Lease and acts, 0 while it stands by.")
BUILD = Family(
    "osmig_build_info",
    "gauge",
    "Version of osmig and of the Python that runs it; always 1.",
    ("version", "python"),
)

FAMILIES = tuple(value for value in (*globals().values(), *vars(plan_families).values()) if isinstance(value, Family))
"""Every family, in the order of declaration; those of plans are the last."""
