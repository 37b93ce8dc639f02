"""Records that say that a move goes on while their server is idle: left over when a service of the cloud died.

Nova marks a server busy before it writes the record of a move, and lets go of it a moment before it ends the record. So
for longer than that moment the server tells, and Nova itself takes a new move of it. A cold move that awaits its
confirmation is no such case: its server is VERIFY_RESIZE, which counts as busy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.api.names import EventReason
from osmig.domain.observation import Note

if TYPE_CHECKING:
    from osmig.domain.operations import RecordView
    from osmig.drivers.servers.facts import MoveObservation

_IDLE, _QUIET = "idle:", "quiet:"


def wait_key_of(observation: MoveObservation, record: RecordView) -> str:
    """Name the wait for any change of a record, by whether its server, as far as it was read, is idle meanwhile."""
    server = observation.facts.newest_server
    is_idle = server is not None and not server.is_busy
    return f"{_IDLE if is_idle else _QUIET}{_name(record)}"


def _name(record: RecordView) -> str:
    return f"{record.id}:{record.status}:{record.updated}"


def carry_on(observation: MoveObservation) -> str:
    """Return the wait for a change of a record beside an idle server, if that is what is waited for."""
    return observation.wait_key if observation.wait_key.startswith(_IDLE) else ""


def is_stale(observation: MoveObservation, record: RecordView) -> bool:
    """Whether a record beside an idle server keeps us from no start; one from before an earlier send never does."""
    call = observation.status.pending_call
    previous_id = call.baseline.previous_id if call is not None and call.baseline is not None else None
    if previous_id is not None and previous_id.isdecimal() and record.number <= int(previous_id):
        return True
    return observation.has_waited(f"{_IDLE}{_name(record)}", observation.timings.stale_record_s)


def has_settled(observation: MoveObservation, record: RecordView) -> bool:
    """Whether an idle server beside a record that goes on is more than the moment before the record's end."""
    return observation.has_waited(f"{_IDLE}{_name(record)}", observation.timings.error_settle_s)


def needs_server(observation: MoveObservation, record: RecordView) -> bool:
    """Whether the server of our own record is to be looked at: the record was quiet for half of the time."""
    name = _name(record)
    is_idle = f"{_IDLE}{name}" in observation.wait_ages_s
    return is_idle or observation.has_waited(f"{_QUIET}{name}", _half_s(observation))


def is_own_stale(observation: MoveObservation, record: RecordView) -> bool:
    """Whether the server was idle for the other half, so that the end is told within ``--stale-record-after``."""
    return observation.has_waited(f"{_IDLE}{_name(record)}", _half_s(observation))


def _half_s(observation: MoveObservation) -> float:
    return observation.timings.stale_record_s / 2


def describe(observation: MoveObservation, record: RecordView) -> str:
    """Say what is waited for before a start."""
    seconds = round(observation.timings.stale_record_s)
    return (
        f"the cloud's migration {record.id} ({record.status}) is not over, but the server is idle; if both stay so for "
        f"{seconds} s, the record counts as left over"
    )


def note(record: RecordView) -> Note:
    """Make the warning that names the record."""
    text = f"the cloud's migration {record.id} is {record.status} while its server is idle: it counts as left over"
    return Note(reason=EventReason.STALE_RECORD, text=text, is_warning=True)
