"""Every setting of the process, declared once: flag, environment variable, default, unit, help text and checks.

Command line, reference page and messages are made of these models (``osmig.command_line``). ``osmig.app`` alone reads
them and hands the pieces on. Nothing here reads the environment.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from osmig.options import Cidr, CommaSeparated, Endpoint, LeaseName, NamespaceName, Option, Port, Seconds
from osmig.settings_conflicts import find_conflicts


class SettingsConflictError(ValueError):
    """Settings that are fine one by one and cannot work together.

    Attributes:
        messages: one sentence per conflict, naming the flags.
    """

    def __init__(self, messages: tuple[str, ...]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


class _Piece(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class KubernetesSettings(_Piece):
    """Where the objects are."""

    kubeconfig: Annotated[
        str | None,
        Option(
            "--kubeconfig",
            "File that names the API server and holds credentials for it.",
            "FILE",
            "the pod's service account, else KUBECONFIG or ~/.kube/config",
        ),
    ] = None
    namespaces: Annotated[
        tuple[NamespaceName, ...],
        CommaSeparated,
        Option("--namespace", "Namespace to work in; objects elsewhere are ignored.", "NAME", "all", repeatable=True),
    ] = ()


class EndpointSettings(_Piece):
    """Which addresses a Provider may name."""

    allow: Annotated[
        tuple[Endpoint, ...],
        CommaSeparated,
        Option(
            "--allow-endpoint",
            "Host, host:port or CIDR that Providers may name. With at least one, nothing else is allowed; loopback and "
            "the service range need one in any case; link-local and other addresses of cloud metadata are always "
            "refused. Without any, a warning at the start says so.",
            "ENDPOINT",
            "everything but loopback, unspecified, multicast, service and cloud metadata addresses",
            repeatable=True,
        ),
    ] = ()
    unlisted: Annotated[
        Literal["open", "refused"],
        Option(
            "--unlisted-endpoints",
            "What holds while no --allow-endpoint is set; with refused the operator does not start without one, so "
            "that a list that was forgotten opens nothing.",
            "WORD",
        ),
    ] = "open"
    service_ranges: Annotated[
        tuple[Cidr, ...],
        CommaSeparated,
        Option(
            "--service-range",
            "CIDR of the cluster's Services, which Providers must not name.",
            "CIDR",
            "the address in KUBERNETES_SERVICE_HOST",
            repeatable=True,
        ),
    ] = ()


class HttpSettings(_Piece):
    """The server of ``/metrics``, ``/livez`` and ``/readyz``."""

    host: Annotated[str, Option("--http-host", "Address to serve metrics and probes on.", "ADDRESS")] = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus come from outside of the pod
    port: Annotated[
        Port, Option("--http-port", "Port to serve metrics and probes on; 0 takes any free one and logs it.", "PORT")
    ] = 8080


class LeaseSettings(_Piece):
    """The Lease that makes one process of several the active one."""

    namespace: Annotated[
        NamespaceName, Option("--lease-namespace", "Namespace of the Lease.", "NAME", "the pod's own, else `default`")
    ] = "default"
    name: Annotated[LeaseName, Option("--lease-name", "Name of the Lease.", "NAME")] = "osmig"
    duration_s: Annotated[
        Seconds, Option("--lease-duration", "How long a standby waits after the holder's last renewal.")
    ] = 15
    renew_deadline_s: Annotated[
        Seconds, Option("--lease-renew-deadline", "How long the holder tries to renew before it ends itself.")
    ] = 10
    period_s: Annotated[
        Seconds, Option("--lease-period", "Pause between two renewals, or between two tries to take the Lease.")
    ] = 2


class UpstreamSettings(_Piece):
    """How Providers are called."""

    threads: Annotated[
        int,
        Field(ge=1, le=100),
        Option("--upstream-threads", "Requests that may be under way at once, per Provider.", "COUNT"),
    ] = 8
    connect_timeout_s: Annotated[
        Seconds, Option("--connect-timeout", "How long to wait for a connection to a Provider.")
    ] = 5
    read_timeout_s: Annotated[Seconds, Option("--read-timeout", "How long to wait for a Provider's answer.")] = 60


class ProtocolSettings(_Piece):
    """The write-ahead protocol round every call that changes something."""

    call_before_s: Annotated[
        Seconds, Option("--call-before", "How long after writing an intent its call may still be sent.")
    ] = 5
    adopt_after_s: Annotated[
        Seconds,
        Option(
            "--adopt-after",
            "How long the intent of another process must stay unchanged before it is taken over; at least "
            "--call-before, --connect-timeout and --read-timeout together.",
        ),
    ] = 70
    start_grace_s: Annotated[
        Seconds, Option("--start-grace", "How long to look for the effect of an unanswered start before a resend.")
    ] = 120
    verb_repeat_s: Annotated[
        Seconds,
        Option("--verb-repeat", "Pause before an accepted abort or force-complete without effect is sent again."),
    ] = 5
    record_poll_s: Annotated[
        Seconds, Option("--record-poll", "How often a starting migration looks for its upstream record.")
    ] = 2


class TimeoutSettings(_Piece):
    """How long something may stay as it is before it is named, tried again or let go."""

    retry_s: Annotated[
        Seconds, Option("--retry-period", "Pause after a failed read, or a request that the cloud turned down.")
    ] = 10
    start_lost_s: Annotated[
        Seconds,
        Option("--start-lost", "How long an accepted start may leave its server idle without a migration record."),
    ] = 60
    stale_record_s: Annotated[
        Seconds,
        Option(
            "--stale-record-after",
            "How long a move may stay without any change before record, server and source host are compared and a "
            "disagreement is named; a record of a move whose server stays idle for so long no longer counts.",
            old_flag="--split-after",
        ),
    ] = 300
    confirm_margin_s: Annotated[
        Seconds,
        Option("--confirm-margin", "How far an own confirm keeps away from the cloud's automatic one, both ways."),
    ] = 600
    finalizer_s: Annotated[
        Seconds,
        Option(
            "--finalizer-timeout",
            "How long a deleted Migration with deletionPolicy Abort waits for the end of its move.",
        ),
    ] = 600
    not_started_s: Annotated[
        Seconds, Option("--not-started", "How long an ordered replication may stay scheduled before that is named.")
    ] = 600
    cleanup_s: Annotated[
        Seconds,
        Option(
            "--cleanup-timeout",
            "How long the termination of a replica may take after an abort; Waldur frees one that is stuck after three "
            "to four hours.",
            "SECONDS",
        ),
    ] = 18_000


class PollingSettings(_Piece):
    """How often the world is looked at."""

    sweep_period_s: Annotated[
        Seconds, Option("--sweep-period", "Pause between two lists of a Provider's migrations.")
    ] = 10
    full_sweep_period_s: Annotated[
        Seconds, Option("--full-sweep-period", "How often a sweep lists everything instead of the changes.")
    ] = 600
    relist_period_s: Annotated[
        Seconds, Option("--relist-period", "How often all objects are listed, whatever the watch said.")
    ] = 600
    progress_period_s: Annotated[
        Seconds, Option("--progress-period", "Shortest pause between two progress reads of a running migration.")
    ] = 5
    run_poll_s: Annotated[
        Seconds, Option("--run-poll", "First pause between two reads of a tenant's replication; each is longer.")
    ] = 5
    run_poll_max_s: Annotated[
        Seconds,
        Option(
            "--run-poll-max", "Longest pause between two reads of a tenant's replication.", old_flag="--run-poll-most"
        ),
    ] = 60
    secret_period_s: Annotated[
        Seconds, Option("--secret-period", "How often the Secret of a Provider is read again.")
    ] = 60


class ControllerSettings(_Piece):
    """The scheduler."""

    workers: Annotated[
        int,
        Field(ge=1, le=1000),
        Option(
            "--workers",
            "Steps of one sort (orders, starts, polls) that may be under way at once through one Provider; twice as "
            "many in one namespace, and 20 times as many everywhere.",
            "COUNT",
        ),
    ] = 20
    drain_timeout_s: Annotated[
        Seconds, Option("--drain-timeout", "How long running steps may take to end after SIGTERM.", old_flag="--drain")
    ] = 8


class LogSettings(_Piece):
    """The log on standard error."""

    format: Annotated[
        Literal["auto", "json", "text"],
        Option("--log-format", "One JSON object per line, or text; auto is text on a terminal.", "FORMAT"),
    ] = "auto"
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Option("--log-level", "Least important level to log; debug adds tracebacks.", "LEVEL"),
    ] = "info"


class Settings(_Piece):
    """All settings, checked one by one and against one another."""

    kubernetes: KubernetesSettings = KubernetesSettings()
    endpoints: EndpointSettings = EndpointSettings()
    http: HttpSettings = HttpSettings()
    lease: LeaseSettings = LeaseSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    protocol: ProtocolSettings = ProtocolSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
    polling: PollingSettings = PollingSettings()
    controllers: ControllerSettings = ControllerSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _refuse_conflicts(self) -> Self:
        if conflicts := tuple(find_conflicts(self)):
            raise SettingsConflictError(conflicts)
        return self
