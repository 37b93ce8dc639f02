"""A double of a hosting service's migrations, after its documentation alone: no answer of the real one is known.

It answers requests as values, so that tests ask it with or without HTTP (`lab.hosting_server`).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from lab.hosting_rows import make_job_row, make_mailbox_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN = "hosting-token"  # noqa: S105 - of the double
MAX_ROWS = 500
Json = dict[str, Any]


class Fault(Enum):
    """What goes wrong with one request that changes something."""

    ERROR_AFTER = auto()
    """It is done, and answered with 500."""
    ERROR_BEFORE = auto()
    """It is not done, and answered with 500."""
    LOST_AFTER = auto()
    """It is done, and the connection is cut."""
    LOST_BEFORE = auto()
    """It is not done, and the connection is cut."""
    LATE = auto()
    """The connection is cut; it is done when the test says so."""
    TOO_MANY = auto()
    """Answered with 429 and not done."""
    UNNAMED = auto()
    """It is done; the answer does not name the job."""
    BY_LOCATION = auto()
    """It is done; the header Location alone names the job."""
    INVALID = auto()
    """A validation error whose texts repeat what was sent."""
    FORBIDDEN = auto()
    """A right or a billing profile is missing."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class HostingWorld:
    """All that the service has.

    Attributes:
        jobs: by code, in the service's own fields.
        lists: what was ordered, by code.
        mailboxes: rows of each job.
        requests: method and path of each, as they came.
        times: when each came, in seconds of the monotonic clock.
        sent: the names under which files came, whatever became of them.
        faults: of the next requests that change something, by method, or method and begin of the file's name.
        late: what was ordered and is not done yet.
        odd_rows: that every list of jobs has beside the good ones.
        on_page: called with the page's number before each page of a list is made.
        page_rows: as many rows as a page has at most, whatever is asked for.
        renames: files get other names.
        counts: lists tell how many rows they have.
        is_admin: the token may order that an execution begins.
        every_read: the answer to each request that reads, in place of the true one.
        retry_after_s: that 429 asks for.
    """

    jobs: dict[str, Json] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    mailboxes: dict[str, list[Json]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    late: list[Callable[[], object]] = field(default_factory=list)
    odd_rows: list[Any] = field(default_factory=list)
    on_page: Callable[[int], object] = lambda _: None
    page_rows: int = 25
    renames: bool = False
    counts: bool = True
    is_admin: bool = True
    every_read: Reply | None = None
    retry_after_s: int = 30
    number: int = 0

    @property
    def orders(self) -> list[str]:
        """The names under which files were sent, of jobs that there are."""
        return [job["original_csv_file_name"] for job in self.jobs.values()]

    def count(self, method: str) -> int:
        """Count the requests of one method."""
        return sum(request.startswith(f"{method} ") for request in self.requests)

    def find(self, name: str) -> str:
        """Return the code of the one job whose list was sent under a name that begins so.

        Raises:
            LookupError: there is none, or another number of them.
        """
        found = [code for code, job in tuple(self.jobs.items()) if job["original_csv_file_name"].startswith(name)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} jobs of {name}")
        return found[0]

    def make_job(self, *, name: str = "somebody-elses.csv", status: str = "scheduled", **changes: Any) -> str:  # noqa: ANN401
        """Add a job and return its code."""
        self.number += 1
        code = f"MG{self.number:08d}"
        shown_name = f"upload_{self.number}.csv" if self.renames else name
        row = make_job_row(code, self.number, name=name, shown_name=shown_name, status=status)
        self.jobs[code] = row | changes
        return code

    def settle_late(self) -> None:
        """Do what was ordered and is late."""
        for do in self.late:
            do()
        self.late.clear()

    def finish(self, code: str, status: str = "completed", *, failed: int = 0, detail: str = "first execution") -> None:
        """End an execution; the first mailboxes fail."""
        rows = self.mailboxes[code]
        for number, row in enumerate(rows):
            row["status"] = "error" if number < failed else "success"
            row["error_details"] = [f"LOGIN failed for {row['local_email']}"] if number < failed else []
        self.jobs[code] |= {"status": status, "status_detail": detail, "resources_has_errors": failed > 0}

    def answer(self, method: str, target: str, body: bytes, *, token: str | None) -> Reply | None:
        """Answer one request; ``None`` cuts the connection."""
        parts = urlsplit(target)
        self.requests.append(f"{method} {parts.path}")
        self.times.append(time.monotonic())
        if token != TOKEN:
            return _error(401, "invalid token")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        code, _, below = parts.path.removeprefix("/api/migrations").lstrip("/").partition("/")
        if not parts.path.startswith("/api/migrations"):
            return Reply(404, b"<html>no such page</html>")
        if method == "GET":
            return self.every_read or self._read(code, below, query)
        if method != "POST" and code not in self.jobs:
            return _error(404, "migration not found")
        return self._change(method, code, json.loads(body or b"{}"))

    def _read(self, code: str, below: str, query: Json) -> Reply:
        self.on_page(int(query.get("page", 1)))
        if not code:
            wanted = query.get("status", "all")
            jobs = [job for job in self.jobs.values() if wanted in {"all", job["status"]}]
            return self._page([*jobs, *self.odd_rows], query)
        if code not in self.jobs:
            return _error(404, "migration not found")
        return self._page(self.mailboxes.get(code, []) if below == "resources" else [self.jobs[code]], query)

    def _page(self, rows: list[Any], query: Json) -> Reply:
        page, per = int(query.get("page", 1)), min(int(query.get("per", 25)), self.page_rows)
        shown = rows[(page - 1) * per : page * per]
        pagination: Json = {"per": per, "page": page, "total_pages": -(-len(rows) // per)}
        pagination |= {"query": query.get("query"), "filter": None, "status": query.get("status")}
        pagination |= {"sort_field": None, "sort": None} | ({"total_records": len(rows)} if self.counts else {})
        return _json(200, {"resources": shown, "pagination": pagination})

    def _change(self, method: str, code: str, body: Json) -> Reply | None:
        self.sent += [body["csv_file_name"]] if "csv_file_name" in body else []
        fault = self._take_fault(method, code, body)
        if fault is Fault.LATE:
            self.late.append(lambda: self._do(method, code, body))
        if fault in {Fault.LATE, Fault.LOST_BEFORE}:
            return None
        refusal = self._refuse(fault, body) or self._object(method, code, body)
        if refusal is not None:
            return refusal
        done = self._do(method, code, body)
        if fault is Fault.ERROR_AFTER:
            return _error(500, "try again")
        return None if fault is Fault.LOST_AFTER else self._confirm(method, done, fault)

    def _refuse(self, fault: Fault | None, body: Json) -> Reply | None:
        match fault:
            case Fault.ERROR_BEFORE:
                return _error(500, "try again")
            case Fault.TOO_MANY:
                return Reply(429, b"", {"Retry-After": str(self.retry_after_s)})
            case Fault.INVALID:
                content = str(body.get("csv_file_content", ""))[:200]
                errors = [{"field": name, "description": content} for name in ("preset", "csv_file_content")]
                return _json(422, {"message": content, "errors": errors})
            case Fault.FORBIDDEN:
                return _error(403, "no billing profile")
            case _:
                return None

    def _take_fault(self, method: str, code: str, body: Json) -> Fault | None:
        name = body.get("csv_file_name") or self.jobs.get(code, {}).get("original_csv_file_name") or ""
        for key, faults in self.faults.items():
            wanted, _, begin = key.partition(" ")
            if wanted == method and name.startswith(begin) and faults:
                return faults.pop(0)
        return None

    def _object(self, method: str, code: str, body: Json) -> Reply | None:
        """Refuse what the documentation says is refused."""
        if method == "PUT" and not self.is_admin:
            return _error(403, "administrators only")
        if method == "DELETE" and not self.jobs[code]["can_delete"]:
            return _json(422, {"message": "it cannot be deleted", "errors": []})
        if method != "POST":
            return None
        needed = ("csv_file_name", "csv_file_content", "preset")
        wrong = [name for name in needed if not body.get(name)]
        wrong += [] if body.get("execute_now") or body.get("first_execution_date") else ["first_execution_date"]
        wrong += ["csv_file_content"] if len(_rows_of(body)) > MAX_ROWS else []
        errors = [{"field": name, "description": "is not valid"} for name in wrong]
        return _json(422, {"message": "validation failed", "errors": errors}) if wrong else None

    def _do(self, method: str, code: str, body: Json) -> str:
        if method == "POST":
            return self._take(body)
        if method == "DELETE":
            del self.jobs[code]
            return code
        slot = body["execution"]
        detail = {"status": "running", "status_detail": f"{slot} execution"}
        self.jobs[code] |= {f"admin_{slot}_execution_override": True, **detail}
        return code

    def _take(self, body: Json) -> str:
        rows = _rows_of(body)
        code = self.make_job(
            name=body["csv_file_name"],
            status="validating",
            resources=len(rows),
            csv_file_size=body.get("csv_file_size"),
            preset=body.get("preset"),
            execute_now=body.get("execute_now", False),
            first_execution_date=body.get("first_execution_date"),
            second_execution_date=body.get("second_execution_date"),
        )
        self.lists[code] = body["csv_file_content"]
        self.mailboxes[code] = [make_mailbox_row(code, number, row) for number, row in enumerate(rows)]
        return code

    @staticmethod
    def _confirm(method: str, code: str, fault: Fault | None) -> Reply:
        if method == "DELETE":
            return Reply(204)
        if method == "PUT":
            return Reply(200)
        if fault is Fault.BY_LOCATION:
            return Reply(201, b"", {"Location": f"/api/migrations/{code}"})
        named = {} if fault is Fault.UNNAMED else {"resource_code": code}
        return _json(201, {"message": "created"} | named)


def _rows_of(body: Json) -> list[str]:
    return [line for line in str(body.get("csv_file_content") or "").splitlines() if line]


def _json(status: int, body: Json) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _error(status: int, message: str) -> Reply:
    return _json(status, {"message": message, "errors": []})
