"""Rows of the double of a hosting service, with every field that its documentation names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

BEGAN = datetime(2030, 1, 1, tzinfo=UTC)


def make_job_row(code: str, number: int, *, name: str, shown_name: str, status: str) -> Json:
    """Make a job's row as it is when nothing else is known of the job.

    Args:
        code: of the job.
        number: how many jobs there were, which sets the time of its creation.
        name: under which the list was sent.
        shown_name: what the service made of it.
        status: in the service's word.
    """
    return {
        "code": code,
        "status": status,
        "status_detail": "",
        "csv_file_name": shown_name,
        "original_csv_file_name": name,
        "csv_file_size": 0,
        "preset": "Standard-SSL",
        "from_date": None,
        "resources": 0,
        "resources_has_errors": False,
        "can_delete": True,
        "is_late": False,
        "execute_now": False,
        "admin_first_execution_override": False,
        "admin_second_execution_override": False,
        "owner": "customer",
        "first_execution_date": None,
        "second_execution_date": None,
        "created_at": (BEGAN + timedelta(seconds=number)).isoformat(),
        "updated_at": None,
    }


def make_mailbox_row(code: str, number: int, line: str) -> Json:
    """Make the row of a mailbox out of its line of a list; what is in its runs is documented nowhere."""
    fields = line.split(";")
    return {
        "code": f"{code}-{number}",
        "migration_id": int(code[2:]),
        "status": "running",
        "status_detail": "",
        "local_email": fields[0],
        "remote_username": fields[1] if len(fields) > 1 else None,
        "remote_server": fields[-1],
        "masteruser": len(fields) > 4,
        "error_details": [],
        "test_run": {},
        "first_execution_run": {},
        "second_execution_run": {},
        "from_date": None,
        "created_at": BEGAN.isoformat(),
        "updated_at": None,
    }
