"""From a request to its answer: who asks, which route, what the double says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.waldurlab import marketplace, migrations, surroundings
from lab.waldurlab.access import authenticate
from lab.waldurlab.answers import Answer, answer_detail, answer_front_page, answer_moved, answer_page
from lab.waldurlab.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.waldurlab.cloud import Cloud

LIST = "GET, POST, HEAD, OPTIONS"
DETAIL = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
ACTION = "POST, OPTIONS"
READ = "GET, HEAD, OPTIONS"
PLAIN = "OPTIONS, GET"
_ID = r"([^/]+)"


@dataclass(frozen=True, slots=True)
class Route:
    """One path with what it says to each method; ``allow`` is the header of every answer."""

    pattern: re.Pattern[str]
    allow: str
    methods: Mapping[str, Callable[[Call], Answer]]
    is_for_old_only: bool = False


def _route(path: str, allow: str, **methods: Callable[[Call], Answer]) -> Route:
    return Route(re.compile(f"/api/{path}/"), allow, methods)


ROUTES = (
    _route("openstack-migrations", LIST, GET=migrations.list_replications, POST=migrations.create_replication),
    Route(
        re.compile(f"/api/openstack-migrations/{_ID}/run/"),
        ACTION,
        {"POST": migrations.run_replication},
        is_for_old_only=True,
    ),
    _route(
        f"openstack-migrations/{_ID}",
        DETAIL,
        GET=migrations.retrieve_replication,
        PUT=migrations.replace_replication,
        PATCH=migrations.patch_replication,
        DELETE=migrations.delete_replication,
    ),
    _route("marketplace-resources", READ, GET=marketplace.list_resources),
    _route(f"marketplace-resources/{_ID}", DETAIL, GET=marketplace.retrieve_resource),
    _route(f"marketplace-resources/{_ID}/terminate", ACTION, POST=marketplace.terminate_resource),
    _route("marketplace-orders", LIST, GET=marketplace.list_orders),
    _route(f"marketplace-orders/{_ID}", DETAIL, GET=marketplace.retrieve_order),
    _route("marketplace-public-offerings", READ, GET=marketplace.list_offerings),
    _route(f"marketplace-public-offerings/{_ID}", READ, GET=marketplace.retrieve_offering),
    _route(f"marketplace-public-offerings/{_ID}/plans", READ, GET=marketplace.list_plans),
    _route("openstack-tenants", READ, GET=surroundings.list_tenants),
    _route(f"openstack-tenants/{_ID}", DETAIL, GET=surroundings.retrieve_tenant),
    _route("openstack-networks", LIST, GET=surroundings.list_networks),
    _route("openstack-subnets", LIST, GET=surroundings.list_subnets),
    _route("openstack-volume-types", READ, GET=surroundings.list_volume_types),
    _route("users/me", READ, GET=surroundings.retrieve_me),
    _route("openstack-routers", READ, GET=surroundings.list_routers),
    _route("openstack-security-groups", LIST, GET=surroundings.list_security_groups),
    _route("version", PLAIN, GET=surroundings.show_version),
    Route(re.compile("/api/"), READ, {"GET": surroundings.show_root}),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came in; ``target`` is the path with the query."""

    method: str
    target: str
    base: str
    authorization: str | None
    content: bytes


def route(cloud: Cloud, arrival: Arrival) -> Answer:
    """Answer one request."""
    cloud.tick()
    path, _, query = arrival.target.partition("?")
    if path == "/":
        return answer_front_page()
    if found := _find(cloud, path):
        candidate, ids = found
        answer = _call(candidate, cloud, arrival, path, query, ids)
        allow = {} if answer.status == 500 else {"allow": candidate.allow}
        return Answer(answer.status, answer.content, {**answer.headers, **allow})
    is_cut = not path.endswith("/") and _find(cloud, f"{path}/") is not None
    return answer_moved(f"{path}/" + (f"?{query}" if query else "")) if is_cut else answer_page(404)


def _find(cloud: Cloud, path: str) -> tuple[Route, tuple[str, ...]] | None:
    for candidate in ROUTES:
        found = candidate.pattern.fullmatch(path)
        if found and (cloud.is_old or not candidate.is_for_old_only):
            return candidate, found.groups()
    return None


def _call(candidate: Route, cloud: Cloud, arrival: Arrival, path: str, query: str, ids: tuple[str, ...]) -> Answer:
    user = authenticate(cloud, arrival.authorization)
    if isinstance(user, Answer):
        return user
    method = "GET" if arrival.method == "HEAD" else arrival.method
    if method not in candidate.methods:
        return answer_detail(f'Method "{arrival.method}" not allowed.', 405)
    call = Call(cloud, user, arrival.base, path, query, arrival.content, ids)
    return candidate.methods[method](call)
