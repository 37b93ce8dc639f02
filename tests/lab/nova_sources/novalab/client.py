"""The control API from the side of a test. Standard library only."""

import json
import urllib.error
import urllib.request


class Control:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + "/" + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as exc:
            raise RuntimeError(f"{method} {path}: {exc.code} {exc.read().decode()}") from None

    def state(self):
        return self.call("GET", "state")

    def plan(self, server_or_host, text):
        """Behaviour of one server (or of a host), from now on."""
        return self.call("PUT", "plans/" + server_or_host, {"plan": text})

    def clear_plan(self, server_or_host):
        return self.call("DELETE", "plans/" + server_or_host)

    def runs(self):
        return self.call("GET", "runs")["runs"]

    def steer(self, server, verdict=None, **values):
        """Change a live migration that is running: verdict finish, fail,
        crash or cancel; values such as memory_remaining or status."""
        if verdict:
            values["verdict"] = verdict
        return self.call("POST", "runs/" + server, values)

    def fault(self, **rule):
        return self.call("POST", "faults", rule)

    def clear_faults(self):
        return self.call("DELETE", "faults")

    def requests(self):
        return self.call("GET", "requests")["requests"]

    def clear_requests(self):
        return self.call("DELETE", "requests")

    def transitions(self, server=None):
        path = "transitions" + ("/" + server if server else "")
        return self.call("GET", path)["transitions"]

    def clear_transitions(self):
        return self.call("DELETE", "transitions")

    def service(self, host, verb):
        """verb: stop, start or restart; host: a compute host, or
        novalab-conductor, or novalab-scheduler."""
        return self.call("POST", f"services/{host}/{verb}")

    def seed_migrations(self, **values):
        return self.call("POST", "migrations", values)
