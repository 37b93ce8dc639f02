"""Every request that osmig makes of a hosting service, as a table; all after its documentation, none after answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osmig.api.mailboxes import DatePreset
from osmig.domain.calls import Operation
from osmig.net.requests import Request, Size

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from osmig.drivers.mailboxes.views import Execution, MailboxJob

PAGE_ROWS = 100

_JOBS = "/api/migrations"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DATE_PRESETS = {
    DatePreset.ALL: "all",
    DatePreset.LAST_MONTH: "last_month",
    DatePreset.LAST_6_MONTHS: "last_6_months",
    DatePreset.LAST_YEAR: "last_year",
    DatePreset.CUSTOM: "custom",
}


@dataclass(frozen=True, slots=True)
class Template:
    """A request but for the job that it is about, and the body.

    Attributes:
        operation: in our words, for metrics and errors.
        method: in upper case.
        path: with ``{code}`` where the job's code belongs.
        parameters: that are always the same.
        size: how much the answer holds.
    """

    operation: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    size: Size = Size.ONE

    def about(self, code: str = "", body: Mapping[str, Any] | None = None) -> Request:
        """Fill in the job's code and the body.

        Raises:
            ValueError: the code is none, and could lead elsewhere.
        """
        if "{code}" in self.path and not is_code(code):
            message = "not a job's code"
            raise ValueError(message)
        path = self.path.format(code=code)
        return Request(
            operation=self.operation,
            method=self.method,
            path=path,
            parameters=self.parameters,
            body=body,
            size=self.size,
        )


_ALL = (("status", "all"),)

PING = Template("ping", "GET", _JOBS, (("page", "1"), ("per", "1"), *_ALL))
LIST_JOBS = Template("list-jobs", "GET", _JOBS, _ALL, size=Size.PAGES)
"""Without ``query``: that it looks into file names is said nowhere, and a job that it hides would be ordered twice."""
READ_JOB = Template("read-job", "GET", f"{_JOBS}/{{code}}")
LIST_MAILBOXES = Template("list-mailboxes", "GET", f"{_JOBS}/{{code}}/resources", _ALL, size=Size.PAGES)
COPY = Template(Operation.COPY_MAILBOXES, "POST", _JOBS)
RUN_NOW = Template(Operation.RUN_NOW, "PUT", f"{_JOBS}/{{code}}")
DELETE = Template("delete-job", "DELETE", f"{_JOBS}/{{code}}")

TEMPLATES = (PING, LIST_JOBS, READ_JOB, LIST_MAILBOXES, COPY, RUN_NOW, DELETE)
"""All there are: no other request leaves the adapter."""


def is_code(text: str) -> bool:
    """Whether a text may stand in a path as a job's code; documented are MG and eight digits."""
    return _CODE.fullmatch(text) is not None


def turn_to(request: Request, page: int) -> Request:
    """Ask for one page of a list, from 1."""
    return request.put_first(("page", str(page)), ("per", str(PAGE_ROWS)))


def of_customer(request: Request, customer: str | None) -> Request:
    """Ask as an administrator for one customer's jobs."""
    return request if customer is None else request.put_first(("customer_code", customer))


def order_job(job: MailboxJob) -> Request:
    """Order a job; what is not wanted is left out."""
    wanted: dict[str, Any] = {
        "csv_file_name": job.file_name,
        "csv_file_content": job.content,
        "csv_file_size": len(job.content.encode()),
        "preset": job.preset,
        "execute_now": True if job.first is None else None,
        "first_execution_date": _write_time(job.first),
        "second_execution_date": _write_time(job.second),
        "date_filter_preset": _DATE_PRESETS[job.date_preset] if job.date_preset is not None else None,
        "custom_from_date": job.from_date.isoformat() if job.from_date is not None else None,
        "customer_code": job.customer,
    }
    return COPY.about(body={name: value for name, value in wanted.items() if value is not None})


def order_execution(code: str, execution: Execution) -> Request:
    """Order that an execution begins at once."""
    return RUN_NOW.about(code, body={"execution": str(execution)})


def _write_time(moment: dt.datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None
