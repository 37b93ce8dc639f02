"""What Keystone, Nova, Waldur and a hosting service say, as far as osmig asks, and what a behaviour puts into it."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hostile.behaviours import HOSTILE_TEXT, ROWS, Behaviour, fill_odd
from hostile.fat_lists import list_fat

SERVER = "11111111-2222-4333-8444-555555555555"
TENANT = "b8444897d6e64277adb048b2cf09fca5"
OFFERING = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
TIME = "2026-11-21T10:00:00"

Answer = tuple[int, bytes, tuple[str, ...]]

SERVER_ROW: dict[str, object] = {
    "id": SERVER, "name": "vm-1", "status": "ACTIVE", "tenant_id": "p", "progress": 0, "hostId": "h", "locked": False,
    "OS-EXT-STS:task_state": None, "OS-EXT-STS:vm_state": "active", "OS-EXT-SRV-ATTR:host": "cmp1",
}  # fmt: skip
RECORD_ROW: dict[str, object] = {
    "id": 1, "uuid": "00000000-0000-4000-8000-000000000001", "instance_uuid": SERVER, "status": "running",
    "migration_type": "live-migration", "source_compute": "cmp1", "dest_compute": "cmp2", "user_id": "u",
    "created_at": TIME, "updated_at": TIME, "memory_total_bytes": 1, "memory_processed_bytes": 1,
    "memory_remaining_bytes": 1,
}  # fmt: skip
ACTION_ROW: dict[str, object] = {
    "request_id": "req-1", "action": "live-migration", "user_id": "u", "start_time": TIME, "message": None,
    "events": [],
}  # fmt: skip
SERVICE_ROW: dict[str, object] = {
    "id": "0f", "host": "cmp1", "state": "up", "status": "enabled", "zone": "az1", "updated_at": TIME,
}  # fmt: skip
GROUP_ROW: dict[str, object] = {"id": "9", "name": "db", "policy": "anti-affinity", "members": [SERVER], "rules": {}}
RUN_ROW: dict[str, object] = {
    "uuid": "cccccccccccccccccccccccccccccccc", "state": "Creating", "dst_resource_state": "Creating",
    "dst_resource_uuid": "dddddddddddddddddddddddddddddddd", "dst_resource_name": "n", "src_resource_uuid": TENANT,
    "dst_offering_uuid": OFFERING, "created_by_uuid": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "error_message": "",
    "created": f"{TIME}Z", "modified": f"{TIME}Z",
}  # fmt: skip
RESOURCE_ROW: dict[str, object] = {
    "uuid": "dddddddddddddddddddddddddddddddd", "name": "n", "state": "OK", "scope": None, "resource_uuid": TENANT,
    "resource_type": "OpenStack.Tenant", "offering_type": "OpenStack.Tenant", "limits": {"cores": 1},
}  # fmt: skip


JOB_ROW: dict[str, object] = {
    "code": "MG00000001", "status": "running", "status_detail": "first execution", "csv_file_name": "a.csv",
    "original_csv_file_name": "a.csv", "resources": 2, "resources_has_errors": False, "can_delete": True,
    "is_late": False, "first_execution_date": f"{TIME}Z", "created_at": f"{TIME}Z", "updated_at": f"{TIME}Z",
}  # fmt: skip
MAILBOX_ROW: dict[str, object] = {
    "code": "1", "status": "error", "local_email": "ann@example.org", "error_details": ["LOGIN failed"],
}  # fmt: skip


def answer_nova(method: str, path: str, url: str, behaviour: Behaviour) -> Answer:
    """Answer as one Keystone and Nova."""
    parts = urlsplit(path)
    query, words = parse_qs(parts.query), parts.path.strip("/").split("/")
    if words[0] == "v3":
        return _answer_keystone(words, url)
    if words[-1] == "v2.1":
        link = {"rel": "self", "href": f"{url}/v2.1/"}
        version = {"id": "v2.1", "status": "CURRENT", "min_version": "2.1", "version": "2.96", "links": [link]}
        return _json({"version": version})
    if behaviour is Behaviour.ENDLESS_REDIRECTS:
        return 302, b"", (f"Location: {url}{path}x",)
    if behaviour is Behaviour.HOSTILE_TEXT:
        return _json({"badRequest": {"code": 400, "message": HOSTILE_TEXT}}, 409 if method == "POST" else 500)
    if method != "GET":
        return 202, b"", ("X-Openstack-Request-Id: req-1",)
    return _list_nova(words, query, behaviour)


def answer_waldur(method: str, path: str, url: str, behaviour: Behaviour) -> Answer:
    """Answer as a Waldur."""
    parts = urlsplit(path)
    words = parts.path.strip("/").split("/")
    if behaviour is Behaviour.ENDLESS_REDIRECTS:
        return 302, b"", (f"Location: {url}{path}x",)
    if behaviour is Behaviour.HOSTILE_TEXT:
        return _json({"name": [HOSTILE_TEXT], "detail": HOSTILE_TEXT}, 400 if method == "POST" else 403)
    match words[1:]:
        case ["version"]:
            return _json({"version": "8.0.0"})
        case ["users", "me"]:
            return _json({"uuid": "e" * 32, "is_staff": False, "is_support": False})
        case ["openstack-migrations"] if method == "GET":
            asked = int(parse_qs(parts.query).get("page_size", ["10"])[0])
            return _page_waldur(asked, behaviour)
        case ["openstack-migrations", *_]:
            return _first(RUN_ROW, behaviour, status=201 if method == "POST" else 200)
        case ["marketplace-resources", *_]:
            return _first(RESOURCE_ROW, behaviour)
        case _:
            return _json([])


def answer_hosting(method: str, path: str, url: str, behaviour: Behaviour) -> Answer:
    """Answer as a hosting service."""
    parts = urlsplit(path)
    below = parts.path.removeprefix("/api/migrations").strip("/").split("/")
    if behaviour is Behaviour.ENDLESS_REDIRECTS:
        return 302, b"", (f"Location: {url}{path}x",)
    if behaviour is Behaviour.HOSTILE_TEXT:
        error = {"message": HOSTILE_TEXT, "errors": [{"field": HOSTILE_TEXT, "description": HOSTILE_TEXT}]}
        return _json(error, 422 if method == "POST" else 403)
    if method == "POST":
        return _first({"message": "created", "resource_code": "MG00000001"}, behaviour, status=201)
    if below == ["MG00000001"]:
        status, body, _ = _first(JOB_ROW, behaviour)
        return status, b'{"resources": [%s]}' % body, ()
    row = MAILBOX_ROW if below[-1] == "resources" else JOB_ROW
    return _page_hosting(row, int(parse_qs(parts.query).get("per", ["25"])[0]), behaviour)


def _page_hosting(row: dict[str, object], asked: int, behaviour: Behaviour) -> Answer:
    if behaviour in {Behaviour.MORE_ROWS, Behaviour.ENDLESS_PAGES}:
        extra = 1 if behaviour is Behaviour.MORE_ROWS else 0
        return _json({"resources": [{**row, "code": f"MG{uuid.uuid4().int}"} for _ in range(asked + extra)]})
    rows = [json.dumps(row).encode(), *(fill_odd(row, behaviour) if behaviour in ROWS else ())][:asked]
    return 200, b'{"resources": [%s], "pagination": {"total_records": %d}}' % (b",".join(rows), len(rows)), ()


def _answer_keystone(words: list[str], url: str) -> Answer:
    if words[1:] != ["auth", "tokens"]:
        link = {"rel": "self", "href": f"{url}/v3/"}
        return _json({"version": {"id": "v3.14", "status": "stable", "links": [link]}})
    endpoint = {"interface": "public", "region": "r", "region_id": "r", "url": f"{url}/v2.1", "id": "e"}
    token = {
        "expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
        "methods": ["password"],
        "user": {"id": "u", "name": "u", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p", "name": "p", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "a", "name": "admin"}],
        "catalog": [{"type": "compute", "name": "nova", "id": "c", "endpoints": [endpoint]}],
    }  # fmt: skip
    status, body, _ = _json({"token": token}, 201)
    return status, body, ("X-Subject-Token: t",)


def _list_nova(words: list[str], query: dict[str, list[str]], behaviour: Behaviour) -> Answer:
    asked = int(query.get("limit", ["1000"])[0])
    if (of_hosts := _list_hosts(words, query, asked, behaviour)) is not None:
        return of_hosts
    match words:
        case [*_, "os-migrations"] if behaviour is Behaviour.ENDLESS_PAGES:
            row = {**RECORD_ROW, "id": uuid.uuid4().int % 10**9, "uuid": str(uuid.uuid4())}
            return _json({"migrations": [row], "migrations_links": [{"rel": "next", "href": "x"}]})
        case [*_, "os-migrations"] | [*_, "migrations"]:
            return _rows("migrations", RECORD_ROW, asked, behaviour)
        case [*_, "detail"]:
            return _rows("servers", SERVER_ROW, asked, behaviour)
        case [*_, "os-instance-actions"]:
            return _rows("instanceActions", ACTION_ROW, asked, behaviour)
        case [*_, "os-instance-actions", _]:
            return _first({"instanceAction": ACTION_ROW}, behaviour)
        case [*_, "os-services"]:
            return _rows("services", SERVICE_ROW, asked, behaviour)
        case _:
            return _json({"server": SERVER_ROW})


def _list_hosts(words: list[str], query: dict[str, list[str]], asked: int, behaviour: Behaviour) -> Answer | None:
    """Answer what only plans ask."""
    if behaviour is Behaviour.FAT_LISTS and (fat := list_fat(words[-1], query, asked)) is not None:
        return _json(fat)
    match words:
        case [*_, "os-hypervisors", "detail"]:
            return _json({"hypervisors": []})
        case [*_, "os-server-groups"]:
            is_first = query.get("offset", ["0"]) == ["0"]
            return _rows("server_groups", GROUP_ROW, asked, behaviour) if is_first else _json({"server_groups": []})
        case [*_, "os-aggregates"]:
            return _rows("aggregates", {"name": "rack1", "hosts": ["cmp1"]}, asked, behaviour)
        case [*_, "servers", identity] if behaviour is Behaviour.HONEST and identity != "detail":
            return _json({"server": SERVER_ROW | {"id": identity}})
        case _:
            return None


def _rows(name: str, row: dict[str, object], asked: int, behaviour: Behaviour) -> Answer:
    if behaviour is Behaviour.MORE_ROWS:
        return _json({name: [{**row, "id": number} for number in range(asked + 1)]})
    rows = [json.dumps(row).encode()]
    if behaviour in ROWS:
        rows += fill_odd(row, behaviour)
    return 200, b'{"%s": [%s]}' % (name.encode(), b",".join(rows[:asked])), ()


def _page_waldur(asked: int, behaviour: Behaviour) -> Answer:
    if behaviour in {Behaviour.MORE_ROWS, Behaviour.ENDLESS_PAGES}:
        extra = 1 if behaviour is Behaviour.MORE_ROWS else 0
        rows = [{**RUN_ROW, "uuid": uuid.uuid4().hex} for _ in range(asked + extra)]
        status, body, _ = _json(rows)
        return status, body, ('Link: <http://127.0.0.1:9/>; rel="next"',)
    rows_written = [json.dumps(RUN_ROW).encode()]
    if behaviour in ROWS:
        rows_written += fill_odd(RUN_ROW, behaviour)
    return 200, b"[%s]" % b",".join(rows_written[:asked]), (f"X-Result-Count: {min(len(rows_written), asked)}",)


def _first(row: dict[str, Any], behaviour: Behaviour, *, status: int = 200) -> Answer:
    """Answer with one object, an odd one where the behaviour says so: another each time."""
    if behaviour not in ROWS:
        return _json(row, status)
    rows = list(fill_odd(row, behaviour))
    return status, rows[uuid.uuid4().int % len(rows)], ()


def _json(value: object, status: int = 200) -> Answer:
    return status, json.dumps(value).encode(), ()
