"""What stands between the client and Nova's WSGI application.

* a log of the last requests (``GET /_lab/requests``);
* faults: delay, error, or cut the connection before or after Nova has
  processed the request (``/_lab/faults``);
* the control API itself (``/_lab/...``), see README.md.
"""

import collections
import json
import re
import threading
import time
import urllib.parse

from novalab import auth, server
from novalab import plan as plans

MAX_REQUESTS = 50000


class Fault:
    """One rule: what to do with the next ``count`` matching requests."""

    _ids = iter(range(1, 1 << 30))

    def __init__(
        self,
        path=".*",
        method=None,
        body_match=None,
        when="before",
        action="status",
        status=503,
        body=None,
        headers=None,
        delay=0.0,
        count=1,
        skip=0,
    ):
        if when not in ("before", "after"):
            raise ValueError("when must be before or after")
        if action not in ("status", "cut", "delay"):
            raise ValueError("action must be status, cut or delay")
        self.id = next(self._ids)
        self.path, self.method, self.body_match = path, method, body_match
        self.when, self.action, self.status = when, action, int(status)
        self.body, self.headers = body, headers or {}
        self.delay, self.count, self.skip = float(delay), int(count), int(skip)
        self.hits = 0

    def matches(self, method, path, body):
        return (
            (self.method is None or self.method == method)
            and re.search(self.path, path) is not None
            and (self.body_match is None or re.search(self.body_match, body) is not None)
        )

    def as_dict(self):
        return dict(vars(self))


class Front:
    def __init__(self, app, control):
        self.app = app
        self.control = control
        self.lock = threading.Lock()
        self.faults = []
        self.requests = collections.deque(maxlen=MAX_REQUESTS)
        self.total = 0

    # ---- WSGI -----------------------------------------------------------

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_lab/"):
            return self._serve_control(environ, start_response, path)
        body = b""
        if environ["REQUEST_METHOD"] in ("POST", "PUT"):
            body = self._read_body(environ)
        query = environ.get("QUERY_STRING")
        full = path + ("?" + query if query else "")
        fault = self._pick(environ["REQUEST_METHOD"], full, body.decode("utf-8", "replace"))
        entry = {
            "n": 0,
            "t": time.time(),
            "method": environ["REQUEST_METHOD"],
            "path": full,
            "body": body[:500].decode("utf-8", "replace"),
            "microversion": environ.get("HTTP_OPENSTACK_API_VERSION")
            or environ.get("HTTP_X_OPENSTACK_NOVA_API_VERSION"),
            "user_agent": environ.get("HTTP_USER_AGENT"),
            "user": self._token_user(environ),
            "fault": fault.id if fault else None,
            # Known later; here so that the entry never changes its size.
            "status": None,
            "nova_status": None,
            "request_id": None,
            "ms": None,
        }
        # On arrival: a client that dies before the answer leaves a trace.
        with self.lock:
            self.total += 1
            entry["n"] = self.total
            self.requests.append(entry)
        try:
            return self._serve(environ, start_response, fault, entry)
        finally:
            entry["ms"] = round((time.time() - entry["t"]) * 1000, 1)

    def _token_user(self, environ):
        """The user of a name token; with Keystone known only afterwards."""
        if self.control.keystone:
            return None
        identity = auth.decode(environ.get("HTTP_X_AUTH_TOKEN"))
        return identity and identity[0]

    @staticmethod
    def _read_body(environ):
        import io

        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        return body

    def _serve(self, environ, start_response, fault, entry):
        if fault and fault.when == "before":
            time.sleep(fault.delay)
            if fault.action != "delay":
                return self._break(environ, start_response, fault, entry)
        got = {}

        def capture(status, headers, exc_info=None):
            got["status"], got["headers"] = status, headers
            return lambda chunk: None

        result = self.app(environ, capture)
        try:
            data = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        entry["nova_status"] = int(got["status"].split()[0])
        if self.control.keystone:
            entry["user"] = environ.get("HTTP_X_USER_NAME")
        for key, value in got["headers"]:
            if key.lower() == "x-openstack-request-id":
                entry["request_id"] = value
        if fault and fault.when == "after":
            time.sleep(fault.delay)
            if fault.action != "delay":
                return self._break(environ, start_response, fault, entry)
        entry["status"] = entry["nova_status"]
        headers = [(k, v) for k, v in got["headers"] if k.lower() != "content-length"]
        if entry["status"] not in (204, 304):
            headers.append(("Content-Length", str(len(data))))
        start_response(got["status"], headers)
        return [data]

    def _break(self, environ, start_response, fault, entry):
        if fault.action == "cut":
            entry["status"] = "cut"
            server.cut(environ)
            start_response("500 Cut", [("Content-Length", "0")])
            return [b""]
        entry["status"] = fault.status
        body = fault.body
        if body is None:
            body = {"novalab": {"code": fault.status, "message": "fault"}}
        data = body if isinstance(body, str) else json.dumps(body)
        data = data.encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        request_id = entry["request_id"] or ""
        headers.update({name: value.replace("{request_id}", request_id) for name, value in fault.headers.items()})
        start_response(f"{fault.status} Fault", list(headers.items()))
        return [data]

    def _pick(self, method, path, body):
        with self.lock:
            for fault in self.faults:
                if not fault.matches(method, path, body):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                if fault.count > 0 and fault.hits >= fault.count:
                    self.faults.remove(fault)
                return fault
        return None

    # ---- control API ----------------------------------------------------

    def _serve_control(self, environ, start_response, path):
        method = environ["REQUEST_METHOD"]
        raw = self._read_body(environ)
        try:
            body = json.loads(raw) if raw.strip() else {}
            query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
            status, out = self._dispatch(method, path[len("/_lab/") :], body, query)
        except KeyError as exc:
            status, out = 404, {"error": f"not found: {exc}"}
        except (ValueError, TypeError) as exc:
            status, out = 400, {"error": str(exc)}
        except Exception as exc:
            status, out = 500, {"error": f"{type(exc).__name__}: {exc}"}
        data = json.dumps(out, default=str).encode()
        start_response(f"{status} Lab", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    def _dispatch(self, method, path, body, query):
        parts = [p for p in path.split("/") if p]
        what, name = parts[0], parts[1] if len(parts) > 1 else None
        verb = parts[2] if len(parts) > 2 else None
        registry = self.control.registry
        if what == "state" and method == "GET":
            return 200, self.control.state()
        if what == "requests":
            with self.lock:
                if method == "DELETE":
                    self.requests.clear()
                    return 200, {}
                since = int(query.get("since", ["0"])[0])
                return 200, {
                    "total": self.total,
                    "requests": [dict(entry) for entry in self.requests if entry["n"] > since],
                }
        if what == "transitions":
            with self.control.lock_log:
                if method == "DELETE":
                    self.control.transitions.clear()
                return 200, {"transitions": [t for t in self.control.transitions if name in (None, t["server"])]}
        if what == "faults":
            with self.lock:
                if method == "POST":
                    fault = Fault(**body)
                    self.faults.append(fault)
                    return 201, fault.as_dict()
                if method == "DELETE":
                    self.faults.clear()
                return 200, {"faults": [f.as_dict() for f in self.faults]}
        if what == "plans":
            if method == "GET":
                return 200, {"hosts": registry.host_plans, "servers": registry.server_plans}
            where = registry.host_plans if name in registry.drivers else registry.server_plans
            with registry.lock:
                if method == "DELETE":
                    where.pop(name, None)
                else:
                    where[name] = plans.parse(body["plan"])
            return 200, {name: where.get(name)}
        if what == "runs":
            if method == "GET" and not name:
                return 200, {"runs": [r.as_dict() for r in registry.runs.values()]}
            run = registry.runs[name]
            verdict = body.pop("verdict", None)
            if verdict not in (None, "finish", "fail", "crash", "cancel"):
                raise ValueError("bad verdict")
            if body:
                run.override(**body)
            if verdict:
                run.decide(verdict)
            return 200, run.as_dict()
        if what == "services" and verb and method == "POST":
            return 200, self.control.service(name, verb)
        if what == "migrations" and method == "POST":
            return 201, self.control.seed_migrations(**body)
        raise KeyError(path)
