"""What Prometheus scraped, in the notation of promtool, and which of the shipped alerts then fire and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCRAPE_S = 30
"""One sample in the notation of promtool."""
FOREVER = "x3200"
STALE = "stale"
"""What Prometheus writes when a scrape failed or the target is gone."""

NO_PROGRESS, NOT_CONVERGING = "OsmigMigrationNoProgress", "OsmigMigrationNotConverging"
PAST_DEADLINE, CONFIRMATION = "OsmigMigrationPastDeadline", "OsmigConfirmationPending"
WAITING, LATE = "OsmigMigrationWaiting", "OsmigMigrationLate"
UNOWNED = "OsmigConfirmationUnowned"
DOWN, UNREACHABLE = "OsmigOperatorDown", "OsmigProviderUnreachable"

LEADER = {'osmig_leader{namespace="osmig-system",pod="a"}': f"1+0{FOREVER}"}


class Case(NamedTuple):
    """What was scraped, and which alerts fire how many minutes after the first scrape."""

    sentence: str
    series: Mapping[str, str]
    fires: Mapping[float, Iterable[str]]


class Said(NamedTuple):
    """What was scraped for so many minutes, and what the alert that fires then says."""

    series: Mapping[str, str]
    labels: Mapping[str, str]
    summary: str
    description: str
    after_min: int = 40


def of(metric: str, values: str, *, pod: str = "a", **labels: str) -> dict[str, str]:
    """Write one series of the move shop/db-07."""
    written = "".join(f',{name}="{value}"' for name, value in labels.items())
    return {f'osmig_migration_{metric}{{namespace="shop",name="db-07",pod="{pod}"{written}}}': values}


def phase(name: str, values: str = f"1+0{FOREVER}", *, kind: str = "LiveMigration", pod: str = "a") -> dict[str, str]:
    """Write the phase's series: for ever in it, if not said otherwise."""
    return of("phase", values, pod=pod, phase=name, type=kind)


def progress(values: str, *, pod: str = "a") -> dict[str, str]:
    """Write when the move last went forward."""
    return of("last_progress_timestamp_seconds", values, pod=pod)


def unowned(provider: str) -> str:
    """Name the series of a Provider's moves that wait for nobody's confirmation."""
    return f'osmig_unowned_confirmations{{namespace="shop",provider="{provider}",pod="a"}}'


def started(values: str = f"0+0{FOREVER}") -> dict[str, str]:
    """Write when the move began: with the first scrape, if not said otherwise."""
    return of("start_timestamp_seconds", values)


def for_(minutes: float, value: float) -> str:
    """Write a value that stays for so many minutes."""
    return f"{value:g}+0x{minutes * 60 / SCRAPE_S - 1:.0f}"


STALLED = "0+30x20 600+0x600"
"""It goes forward for ten minutes, then never again."""
GATE = "confirm_deadline_timestamp_seconds"

CASES = [
    Case(
        "what is late for ten minutes and then in time again is no alert, however long it goes on",
        phase("Running") | of("late", f"1+0x20 {for_(60, 0)} 1+0x20 0+0{FOREVER}"),
        {15: [], 60: [], 90: [], 120: []},
    ),
    Case(
        "what is late for a quarter of an hour is reported, until it is not any more",
        of("late", f"{for_(5, 0)} {for_(40, 1)} 0+0{FOREVER}"),
        {19: [], 21: [LATE], 44: [LATE], 46: []},
    ),
    Case("what was late and has ended is not", of("late", f"{for_(20, 1)} {STALE}"), {19: [LATE], 30: []}),
    Case(
        "what the next leader does not find late is not, whatever the old one said last",
        of("late", f"{for_(30, 1)} {STALE}") | of("late", f"_x59 0+0{FOREVER}", pod="b"),
        {29: [LATE], 31: []},
    ),
    Case(
        "a Migration that waits for a day is reported, and one that starts then is not any more",
        phase("Queued", for_(1500, 1)) | phase("Running", f"_x2999 1+0{FOREVER}"),
        {1439: [], 1441: [WAITING], 1505: []},
    ),
    Case(
        "one that waits now for this and now for that, or was started in between, is not",
        phase("Queued", f"{for_(1000, 1)} 0+0{FOREVER}") | phase("Pending", f"0+0x1999 1+0{FOREVER}"),
        {1100: [], 1500: []},
    ),
    Case(
        "a move that stands still is reported after nine minutes and before ten are over",
        phase("Running") | started() | progress(STALLED),
        {19: [], 20: [NO_PROGRESS], 120: [NO_PROGRESS]},
    ),
    Case(
        "a move that takes hours and goes forward is not",
        phase("Running") | started() | progress(f"0+{SCRAPE_S}{FOREVER}"),
        dict.fromkeys([16, 60, 290], ()),
    ),
    Case(
        "a move that goes forward in jumps eight minutes apart is not",
        phase("Running") | progress(" ".join(for_(8, jump * 480) for jump in range(20))),
        dict.fromkeys(range(5, 160, 5), ()),
    ),
    *(
        Case(
            f"a move may be {waiting} for hours",
            phase(waiting) | started() | progress(f"0+0{FOREVER}"),
            {290: []},
        )
        for waiting in ("Pending", "Queued", "Suspended", "Starting", "AwaitingConfirmation")
    ),
    Case(
        "a move without any number is reported after half an hour",
        phase("Running") | started(),
        {30: [], 32: [NO_PROGRESS]},
    ),
    Case(
        "a move that ran after hours in the queue is given the time to send its first number",
        phase("Starting", f"{for_(120, 1)} 0+0{FOREVER}")
        | phase("Running", f"_x240 1+0{FOREVER}")
        | started()
        | progress(f"_x245 7350+{SCRAPE_S}{FOREVER}"),
        dict.fromkeys([119, 121, 124, 128, 180], ()),
    ),
    Case(
        "a move that copies disks while its memory waits is not reported",
        phase("Running")
        | progress(STALLED)
        | of("data_remaining_bytes", f"900000-1000{FOREVER}", medium="disk")
        | of("data_remaining_bytes", f"4000+0{FOREVER}", medium="memory"),
        {60: [], 290: []},
    ),
    Case(
        "a move whose disks stand still too is reported",
        phase("Running") | progress(STALLED) | of("data_remaining_bytes", f"0+0{FOREVER}", medium="disk"),
        {19: [], 20: [NO_PROGRESS]},
    ),
    Case(
        "a move whose disks hang in the midst is reported within ten minutes too",
        phase("Running")
        | progress(STALLED)
        | of("data_remaining_bytes", f"900000-1000x60 840000+0{FOREVER}", medium="disk"),
        {30: [], 40: [NO_PROGRESS]},
    ),
    Case(
        "a cold move, of which no cloud reports numbers, is not reported",
        phase("Running", kind="ColdMigration") | started(),
        {290: []},
    ),
    Case(
        "a move that ended is reported for five more minutes and no longer, whatever its series say",
        phase("Running", f"{for_(40, 1)} 0+0{FOREVER}")
        | phase("Succeeded", f"_x80 1+0{FOREVER}")
        | progress(STALLED)
        | of("converging", f"0+0{FOREVER}")
        | of("deadline_timestamp_seconds", f"0+0{FOREVER}"),
        {39: [NO_PROGRESS, NOT_CONVERGING, PAST_DEADLINE], 46: [], 60: []},
    ),
    Case(
        "scrapes that fail neither hide a stalled move nor begin its time anew",
        phase("Running", f"{for_(18.5, 1)} {STALE} {STALE} 1+0x6 {STALE} 1+0{FOREVER}")
        | progress(f"0+30x20 {for_(8, 600)} {STALE} {STALE} 600+0x6 {STALE} 600+0{FOREVER}"),
        {19: [], 20: [NO_PROGRESS], 23: [NO_PROGRESS], 40: [NO_PROGRESS]},
    ),
    Case(
        "a take-over makes neither a second alert nor a gap",
        phase("Running", f"{for_(18.5, 1)} {STALE}", pod="a")
        | progress(f"0+30x20 {for_(8, 600)} {STALE}", pod="a")
        | phase("Running", f"_x38 1+0{FOREVER}", pod="b")
        | progress(f"_x38 600+0{FOREVER}", pod="b"),
        {19: [], 20: [NO_PROGRESS], 60: [NO_PROGRESS]},
    ),
    Case(
        "a move that ended during a take-over is not reported for what the old leader last said",
        phase("Running", f"{for_(18.5, 1)} {STALE}", pod="a")
        | progress(f"0+30x20 {for_(8, 600)} {STALE}", pod="a")
        | of("converging", f"_x32 {for_(2, 0)} {STALE}", pod="a")
        | phase("Succeeded", f"_x38 1+0{FOREVER}", pod="b"),
        dict.fromkeys([18.5, 19, 20, 21, 22, 23, 25, 40], ()),
    ),
    Case(
        "a move that does not converge is reported",
        phase("Running") | of("converging", f"0+0{FOREVER}"),
        {4: [], 6: [NOT_CONVERGING]},
    ),
    Case("a move that converges is not", phase("Running") | of("converging", f"1+0{FOREVER}"), {60: []}),
    Case("a move of which nobody knows whether it converges is not", phase("Running"), {60: []}),
    Case(
        "a move that converges again within five minutes is not",
        phase("Running") | of("converging", f"{for_(4, 0)} 1+0{FOREVER}"),
        dict.fromkeys([3, 5, 7, 12], ()),
    ),
    Case(
        "a move that is being aborted is not reported for what it did before",
        phase("Aborting") | of("converging", f"0+0{FOREVER}") | progress(STALLED),
        {60: []},
    ),
    Case(
        "a move past its deadline is reported, in whatever phase that works",
        phase("Aborting") | of("deadline_timestamp_seconds", f"1800+0{FOREVER}"),
        {34: [], 36: [PAST_DEADLINE], 290: [PAST_DEADLINE]},
    ),
    Case(
        "a move whose deadline is put off is not",
        phase("Running")
        | progress(f"0+{SCRAPE_S}{FOREVER}")
        | of("deadline_timestamp_seconds", f"{for_(33, 1800)} 18000+0{FOREVER}"),
        dict.fromkeys([32, 34, 36, 40, 200], ()),
    ),
    *(
        Case(
            f"a move that is {over} has no deadline to miss",
            phase(over) | of("deadline_timestamp_seconds", f"0+0{FOREVER}"),
            {60: []},
        )
        for over in ("AwaitingConfirmation", "Succeeded", "Failed", "Aborted", "Reverted")
    ),
    Case(
        "a cold move is reported from two hours before its gate closes until somebody decides",
        phase("AwaitingConfirmation", f"{for_(240, 1)} 0+0{FOREVER}", kind="ColdMigration")
        | phase("Confirming", f"_x480 1+0{FOREVER}", kind="ColdMigration")
        | of(GATE, f"10800+0{FOREVER}"),
        {59: [], 66: [CONFIRMATION], 179: [CONFIRMATION], 239: [CONFIRMATION], 241: []},
    ),
    Case(
        "a cold move that was confirmed during a take-over is not",
        phase("AwaitingConfirmation", f"{for_(64, 1)} {STALE}", kind="ColdMigration", pod="a")
        | of(GATE, f"{for_(64, 10800)} {STALE}", pod="a")
        | phase("Confirming", f"_x129 1+0{FOREVER}", kind="ColdMigration", pod="b")
        | of(GATE, f"_x129 10800+0{FOREVER}", pod="b"),
        dict.fromkeys([63, 65, 66, 67, 68, 70], ()),
    ),
    Case(
        "a cold move that is confirmed at once is not",
        phase("AwaitingConfirmation", f"{for_(2, 1)} 0+0{FOREVER}", kind="ColdMigration")
        | of(GATE, f"3600+0{FOREVER}"),
        dict.fromkeys([1, 3, 6, 60], ()),
    ),
    Case(
        "a standby beside a leader is no alert",
        {'osmig_leader{namespace="osmig-system",pod="b"}': f"0+0{FOREVER}"},
        {60: []},
    ),
    Case(
        "nobody leads",
        {
            'osmig_leader{namespace="osmig-system",pod="a"}': f"{for_(10, 1)} 0+0{FOREVER}",
            'osmig_leader{namespace="osmig-system",pod="b"}': f"0+0{FOREVER}",
        },
        {14: [], 16: [DOWN]},
    ),
    Case(
        "nobody is scraped any more",
        {'osmig_leader{namespace="osmig-system",pod="a"}': f"{for_(10, 1)} {STALE}"},
        {14: [], 16: [DOWN]},
    ),
    Case(
        "a take-over of four minutes is no alert",
        {
            'osmig_leader{namespace="osmig-system",pod="a"}': f"{for_(10, 1)} {STALE}",
            'osmig_leader{namespace="osmig-system",pod="b"}': f"{for_(14, 0)} 1+0{FOREVER}",
        },
        dict.fromkeys([10, 13, 15, 16, 30], ()),
    ),
    Case(
        "a provider that fails for ten minutes is reported, each by itself",
        {
            'osmig_provider_up{namespace="shop",provider="one",pod="a"}': f"{for_(5, 1)} 0+0{FOREVER}",
            'osmig_provider_up{namespace="shop",provider="two",pod="a"}': f"1+0{FOREVER}",
        },
        {14: [], 16: [UNREACHABLE]},
    ),
    Case(
        "a provider that comes back, and one that was deleted, are not",
        {
            'osmig_provider_up{namespace="shop",provider="one",pod="a"}': f"{for_(9, 0)} 1+0{FOREVER}",
            'osmig_provider_up{namespace="shop",provider="two",pod="a"}': f"{for_(5, 0)} {STALE}",
        },
        dict.fromkeys([8, 10, 12, 30], ()),
    ),
    Case(
        "servers that wait for nobody's confirmation are reported after six hours, also over missed scrapes",
        {
            unowned("one"): f"{for_(30, 2)} _x4 1+0{FOREVER}",
            unowned("two"): f"0+0{FOREVER}",
        },
        {350: [], 365: [UNOWNED]},
    ),
    Case(
        "a resize that its owner confirms in time, and what is counted no more, are not",
        {
            unowned("one"): f"{for_(300, 1)} 0+0{FOREVER}",
            unowned("two"): f"{for_(300, 1)} {STALE}",
        },
        dict.fromkeys([290, 365, 400], ()),
    ),
]

SAYS = {
    NO_PROGRESS: Said(
        phase("Running") | progress(STALLED),
        {"severity": "critical", "namespace": "shop", "name": "db-07"},
        "Migration shop/db-07 makes no progress.",
        "It is Running, and no progress was seen for 30m 0s. Find out what hangs, then force-complete or abort it.",
    ),
    NOT_CONVERGING: Said(
        phase("Running") | of("converging", f"0+0{FOREVER}"),
        {"severity": "warning", "namespace": "shop", "name": "db-07"},
        "Migration shop/db-07 does not converge.",
        "The data left to move stands still or grows: the server writes memory as fast as it is copied. Force-complete"
        " it, abort it, or wait for a quieter hour.",
    ),
    PAST_DEADLINE: Said(
        phase("Running") | of("deadline_timestamp_seconds", f"600+0{FOREVER}"),
        {"severity": "warning", "namespace": "shop", "name": "db-07"},
        "Migration shop/db-07 is past its deadline.",
        "Its deadline passed 30m 0s ago and it has not ended. Force-complete it, abort it, or give it more time by"
        " deadlineSeconds.",
    ),
    WAITING: Said(
        phase("Queued"),
        {"severity": "warning", "namespace": "shop", "name": "db-07", "phase": "Queued"},
        "Migration shop/db-07 waits for more than a day.",
        "It is Queued, and nothing was sent. Its condition Succeeded says what it waits for.",
        after_min=1450,
    ),
    LATE: Said(
        of("late", f"1+0{FOREVER}"),
        {"severity": "warning", "namespace": "shop", "name": "db-07"},
        "Migration shop/db-07 is late.",
        "The service that carries it out says so. Look at its panel, or order run-now.",
    ),
    CONFIRMATION: Said(
        phase("AwaitingConfirmation") | of(GATE, f"3600+0{FOREVER}"),
        {"severity": "critical", "namespace": "shop", "name": "db-07"},
        "Migration shop/db-07 waits for confirm or revert.",
        "20m 0s are left. Look at the server, then confirm or revert the move, before the cloud or onConfirmDeadline"
        " decides.",
    ),
    UNOWNED: Said(
        {unowned("one"): f"3+0{FOREVER}"},
        {"severity": "warning", "namespace": "shop", "provider": "one"},
        "Provider shop/one has moves that wait for nobody's confirmation.",
        "3 servers there wait for a confirmation, and no Migration follows them. Their disks are on two hosts, their"
        " resources taken twice, until somebody confirms or reverts.",
        after_min=380,
    ),
    DOWN: Said(
        {'osmig_leader{namespace="osmig-system",pod="a"}': f"0+0{FOREVER}"},
        {"severity": "critical", "namespace": "osmig-system"},
        "No osmig process acts.",
        "No process holds the Lease, or none is scraped. Moves go on in Nova, but nobody starts, follows or steers"
        " them, and all other osmig alerts are silent.",
    ),
    UNREACHABLE: Said(
        {'osmig_provider_up{namespace="shop",provider="one",pod="a"}': f"0+0{FOREVER}"},
        {"severity": "warning", "namespace": "shop", "provider": "one"},
        "Provider shop/one cannot be used.",
        "The cloud, its credentials or the way to it fails. Moves go on in Nova unwatched, verbs wait, and none is"
        " started.",
    ),
}
