"""Recorded request/response pairs of real Waldurs: loaded, sent to the double, compared with its answer."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lab.waldurlab.objects import make_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.waldur import WaldurLab

Pair = dict[str, Any]
RECORDED = Path(__file__).parent / "contract" / "recorded"
COMPARED_HEADERS = ("content-type", "allow", "www-authenticate", "link", "x-result-count", "location")
TIMEOUT_S = 10
HEX = r"[0-9a-f]{32}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
TIMES = {"created": TIME, "modified": TIME}
FORMS = {
    **TIMES,
    "uuid": HEX,
    "dst_resource_uuid": HEX,
    "order_uuid": HEX,
    "error_traceback": r"(Traceback \(most recent call last\):\n.*\n)?",
}
"""Fields whose values the server makes up; their form is compared."""


def load(name: str) -> Any:  # noqa: ANN401 - parsed JSON
    """Return one file of the folder ``recorded``."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def send(lab: WaldurLab, request: Mapping[str, Any]) -> tuple[int, dict[str, str], Any]:
    """Send one request as the recorded user; return status, headers with lower-case names and parsed body."""
    address = urlsplit(lab.url)
    headers = {"Content-Type": "application/json"}
    if user := request["as"]:
        headers["Authorization"] = f"Token {'0' * 40 if user == 'bad-token' else make_token(user)}"
    body = request.get("body")
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)
    try:
        connection.request(request["method"], request["path"], text, headers)
        answer = connection.getresponse()
        content = answer.read().decode()
        got = {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
    is_json = got.get("content-type") == "application/json"
    return answer.status, got, json.loads(content) if is_json and content else content or None


def differences(
    recorded: Any,  # noqa: ANN401 - parsed JSON
    ours: Any,  # noqa: ANN401 - parsed JSON
    *,
    where: str = "body",
    is_part: bool = False,
    forms: Mapping[str, str] = FORMS,
) -> list[str]:
    """Compare keys and types at every depth, and all values but those that the server makes up."""
    more: dict[str, Any] = {"is_part": is_part, "forms": forms}
    if isinstance(recorded, dict) and isinstance(ours, dict):
        keys = recorded.keys() if is_part else recorded.keys() | ours.keys()
        found = [f"{where}.{key}: only one has it" for key in keys if (key in recorded) != (key in ours)]
        for key in recorded.keys() & ours.keys():
            found += differences(recorded[key], ours[key], where=f"{where}.{key}", **more)
        return found
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        pairs = enumerate(zip(recorded, ours, strict=True))
        return [d for n, (a, b) in pairs for d in differences(a, b, where=f"{where}[{n}]", **more)]
    if form := forms.get(where.rpartition(".")[2]):
        fits = all(isinstance(one, str) and re.fullmatch(form, one, re.DOTALL) for one in (recorded, ours))
        return [] if fits and bool(recorded) == bool(ours) else [f"{where}: {recorded!r}, ours {ours!r}"]
    is_same = type(recorded) is type(ours) and recorded == ours
    is_same = is_same or (is_part and isinstance(recorded, str) and isinstance(ours, str) and recorded in ours)
    return [] if is_same else [f"{where}: {recorded!r}, ours {ours!r}"]
