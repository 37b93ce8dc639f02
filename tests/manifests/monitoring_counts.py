"""More alerts, of orders, servers in ERROR, counters and processes: what was scraped, what fires, what it says."""

from __future__ import annotations

from manifests.monitoring_cases import FOREVER, STALE, Case, Said, for_, of, phase

ORDER, IN_ERROR, FAILURES = "OsmigOrderWithoutEffect", "OsmigServerInError", "OsmigFailuresFrequent"
DUPLICATE, STARVED, ERRORS = "OsmigDuplicateStart", "OsmigQueueStarved", "OsmigCloudErrorsFrequent"
CRASHES, STANDBY = "OsmigReconcileCrashes", "OsmigStandbyMissing"

OLDEST_ORDER = "oldest_order_timestamp_seconds"


def ended(outcome: str, values: str, *, reason: str = "x", pod: str = "a") -> dict[str, str]:
    """Write the count of ended attempts through the Provider shop/one."""
    labels = f'namespace="shop",provider="one",type="LiveMigration",outcome="{outcome}",reason="{reason}",pod="{pod}"'
    return {f"osmig_migration_outcomes_total{{{labels}}}": values}


def requests(code: str, values: str, service: str = "compute") -> dict[str, str]:
    """Write the count of requests to a service of the Provider shop/one."""
    labels = f'namespace="shop",provider="one",service="{service}",operation="read-server",code="{code}",pod="a"'
    return {f"osmig_api_requests_total{{{labels}}}": values}


def turn(values: str) -> dict[str, str]:
    """Write how long somebody has had its turn at the Provider shop/one."""
    return {'osmig_oldest_granted_slot_seconds{namespace="shop",provider="one",pod="a"}': values}


def up(values: str = f"1+0{FOREVER}") -> dict[str, str]:
    """Write whether the Provider shop/one can be used: for ever, if not said otherwise."""
    return {'osmig_provider_up{namespace="shop",provider="one",pod="a"}': values}


def steps(result: str, values: str, pod: str = "a") -> dict[str, str]:
    """Write the count of reconcile steps."""
    return {f'osmig_reconcile_total{{namespace="osmig-system",result="{result}",pod="{pod}"}}': values}


def standby(values: str) -> dict[str, str]:
    """Write the series of a process that stands by."""
    return {'osmig_leader{namespace="osmig-system",pod="b"}': values}


def duplicates(values: str) -> dict[str, str]:
    """Write the count of second starts."""
    return {'osmig_duplicate_starts_total{namespace="osmig-system",pod="a"}': values}


CASES = [
    Case(
        "an order that has had no effect for ten minutes is reported until it has",
        phase("Running") | of(OLDEST_ORDER, f"{for_(40, 600)} {STALE}"),
        {20: [], 22: [ORDER], 39: [ORDER], 44: []},
    ),
    Case(
        "one that is carried out within ten minutes, and a new one after it, are not",
        phase("Running") | of(OLDEST_ORDER, f"{for_(9, 0)} {for_(9, 540)} {for_(9, 1080)} {STALE}"),
        dict.fromkeys(range(1, 40, 3), ()),
    ),
    Case(
        "one for a move that has ended is not",
        phase("Running", f"{for_(5, 1)} 0+0{FOREVER}")
        | phase("Succeeded", f"_x10 1+0{FOREVER}")
        | of(OLDEST_ORDER, f"0+0{FOREVER}"),
        dict.fromkeys([4, 12, 14, 60], ()),
    ),
    Case(
        "a server in ERROR after its start is reported for an hour, also after its series have ended",
        phase("Failed") | of("server_in_error", f"{for_(10, 0)} {for_(10, 1)} {STALE}"),
        {9: [], 12: [IN_ERROR], 21: [IN_ERROR], 75: [IN_ERROR], 82: []},
    ),
    Case(
        "one that is ACTIVE, or is again, is not",
        phase("Running") | of("server_in_error", f"{for_(10, 0)} 1 0+0{FOREVER}"),
        dict.fromkeys([9, 12, 30], ()),
    ),
    Case(
        "two failures of eight moves within a day are reported, the first of each reason counted",
        ended("Succeeded", f"_x120 {for_(30, 3)} 6+0{FOREVER}")
        | ended("Failed", f"_x120 1+0{FOREVER}", reason="y")
        | ended("Failed", f"_x120 1+0{FOREVER}", reason="z"),
        {62: [], 89: [FAILURES], 96: [FAILURES], 1400: [FAILURES]},
    ),
    Case(
        "one failure of eight is not",
        ended("Succeeded", f"_x120 7+0{FOREVER}") | ended("Failed", f"_x120 1+0{FOREVER}"),
        dict.fromkeys([62, 70, 300], ()),
    ),
    Case(
        "a failure of four moves says nothing of a fleet",
        ended("Succeeded", f"_x120 3+0{FOREVER}") | ended("Failed", f"_x120 1+0{FOREVER}"),
        dict.fromkeys([62, 70, 300], ()),
    ),
    Case(
        "failures of the day before are forgotten",
        ended("Succeeded", f"0+0x9 1+0{FOREVER}") | ended("Failed", f"0+0x9 5+0{FOREVER}"),
        {60: [FAILURES], 1400: [FAILURES], 1460: []},
    ),
    Case(
        "a second start is reported at once, and for an hour after it",
        duplicates(f"{for_(10, 0)} 1+0{FOREVER}"),
        {9: [], 11: [DUPLICATE], 65: [DUPLICATE], 135: []},
    ),
    Case("none is none", duplicates(f"0+0{FOREVER}"), dict.fromkeys([1, 60], ())),
    Case(
        "a turn that nobody takes for ten minutes is reported",
        up() | turn(f"{for_(10, 0)} 30+30{FOREVER}"),
        {19: [], 24: [], 26: [STARVED], 60: [STARVED]},
    ),
    Case(
        "turns that are taken, however many, are not",
        up() | turn(" ".join(for_(9, age) for age in (0, 300, 540, 60, 590, 0))),
        dict.fromkeys(range(1, 54, 4), ()),
    ),
    Case(
        "a turn at a Provider that cannot be used is not: its own alert tells",
        up(f"0+0{FOREVER}") | turn(f"900+30{FOREVER}"),
        {9: [], 60: ["OsmigProviderUnreachable"]},
    ),
    Case(
        "a service of which a third answers 5xx or not at all is reported, whatever is refused beside it",
        up()
        | requests("200", f"0+20{FOREVER}")
        | requests("503", f"0+5{FOREVER}")
        | requests("timeout", f"0+5{FOREVER}")
        | requests("404", f"0+500{FOREVER}"),
        {9: [], 12: [ERRORS], 60: [ERRORS]},
    ),
    Case(
        "one of which a tenth does, one that refuses, and single failures of a quiet night are not",
        up()
        | requests("200", f"0+27{FOREVER}")
        | requests("503", f"0+3{FOREVER}")
        | requests("403", f"0+90{FOREVER}", service="identity")
        | requests("502", f"{for_(30, 0)} 2+0{FOREVER}", service="volume"),
        dict.fromkeys([12, 32, 41, 60], ()),
    ),
    Case(
        "a step that crashed is reported, also the first of a process, and forgotten after an hour",
        steps("success", f"0+5{FOREVER}") | steps("crash", f"_x20 {for_(5, 1)} 1+0{FOREVER}"),
        {9: [], 12: [CRASHES], 60: [CRASHES], 78: []},
    ),
    Case(
        "steps that fail because of the API server, or were overtaken, are not",
        steps("success", f"0+5{FOREVER}") | steps("error", f"0+5{FOREVER}") | steps("stale", f"0+5{FOREVER}"),
        dict.fromkeys([5, 60], ()),
    ),
    Case(
        "a process without another beside it for half an hour is reported, if there was one",
        standby(f"{for_(20, 0)} {STALE}"),
        {19: [], 45: [], 52: [STANDBY], 300: [STANDBY]},
    ),
    Case(
        "an upgrade that leaves one alone for twenty minutes is not",
        standby(f"{for_(20, 0)} {STALE} _x40 0+0{FOREVER}"),
        dict.fromkeys([19, 30, 41, 52, 300], ()),
    ),
    Case("an install of one replica is not", {}, dict.fromkeys([31, 300], ())),
]

WARNING, CRITICAL = {"severity": "warning"}, {"severity": "critical"}
MOVE = {"namespace": "shop", "name": "db-07"}
PROVIDER = {"namespace": "shop", "provider": "one"}
SAYS = {
    ORDER: Said(
        phase("Running") | of(OLDEST_ORDER, f"600+0{FOREVER}"),
        WARNING | MOVE,
        "An order for Migration shop/db-07 has had no effect.",
        "It was accepted 30m 0s ago and is not done. status.controls has the order and what it waits for.",
    ),
    IN_ERROR: Said(
        phase("Failed") | of("server_in_error", f"1+0{FOREVER}"),
        CRITICAL | MOVE,
        "The server of Migration shop/db-07 is in ERROR.",
        "Its move was started, and the cloud says ERROR of the server. Find out whether it runs and on which host"
        " before anybody resets its state.",
    ),
    FAILURES: Said(
        ended("Succeeded", f"0+0x9 6+0{FOREVER}") | ended("Failed", f"0+0x9 2+0{FOREVER}"),
        WARNING | PROVIDER,
        "More than a fifth of the moves through Provider shop/one fail.",
        "25% of those that ended within a day have failed. osmig_migration_outcomes_total by reason says of what.",
    ),
    DUPLICATE: Said(
        duplicates(f"{for_(10, 0)} 1+0{FOREVER}"),
        CRITICAL | {"namespace": "osmig-system"},
        "A second migration was found for one start.",
        "osmig promises that this does not happen. Look which of the two runs, let no other start, and report it.",
    ),
    STARVED: Said(
        up() | turn(f"1800+0{FOREVER}"),
        WARNING | PROVIDER,
        "Moves through Provider shop/one wait although a slot is free.",
        "A Migration has its turn for 30m 0s and is not started.",
    ),
    ERRORS: Said(
        up() | requests("200", f"0+20{FOREVER}") | requests("503", f"0+20{FOREVER}"),
        WARNING | PROVIDER | {"service": "compute"},
        "Requests to compute of Provider shop/one fail.",
        "50% end in 5xx or without an answer. Moves go on; osmig sees and steers them late.",
    ),
    CRASHES: Said(
        steps("crash", f"2+0{FOREVER}"),
        WARNING | {"namespace": "osmig-system"},
        "A step of osmig ended in a defect.",
        "2 steps crashed within an hour. The object waits and is tried again; the log has step.crashed with its name."
        " Report it.",
    ),
    STANDBY: Said(
        standby(f"{for_(5, 0)} {STALE}"),
        WARNING | {"namespace": "osmig-system"},
        "One osmig process is left, and none stands by.",
        "If it fails, nobody follows or steers moves until another one has started.",
    ),
}
