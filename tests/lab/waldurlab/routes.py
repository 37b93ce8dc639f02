"""From a request to its answer: who asks, which route, what the double says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.waldurlab import migrations, surroundings
from lab.waldurlab.answers import INVALID_TOKEN, Answer, answer_detail, answer_page
from lab.waldurlab.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.waldurlab.catalogue import User
    from lab.waldurlab.cloud import Cloud

LIST = "GET, POST, HEAD, OPTIONS"
DETAIL = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
ACTION = "POST, OPTIONS"
READ = "GET, HEAD, OPTIONS"
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
    _route("marketplace-resources", READ, GET=surroundings.list_resources),
    _route(f"marketplace-resources/{_ID}", DETAIL, GET=surroundings.retrieve_resource),
    _route(f"marketplace-resources/{_ID}/terminate", ACTION, POST=surroundings.terminate_resource),
    _route("marketplace-orders", LIST, GET=surroundings.list_orders),
    _route(f"marketplace-orders/{_ID}", DETAIL, GET=surroundings.retrieve_order),
    _route("marketplace-public-offerings", READ, GET=surroundings.list_offerings),
    _route(f"marketplace-public-offerings/{_ID}", READ, GET=surroundings.retrieve_offering),
    _route(f"marketplace-public-offerings/{_ID}/plans", READ, GET=surroundings.list_plans),
    _route("openstack-tenants", READ, GET=surroundings.list_tenants),
    _route(f"openstack-tenants/{_ID}", DETAIL, GET=surroundings.retrieve_tenant),
    _route("openstack-networks", READ, GET=surroundings.list_networks),
    _route("openstack-subnets", READ, GET=surroundings.list_subnets),
    _route("openstack-volume-types", READ, GET=surroundings.list_volume_types),
    _route("users/me", READ, GET=surroundings.retrieve_me),
    _route("version", READ, GET=surroundings.show_version),
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
    for candidate in ROUTES:
        found = candidate.pattern.fullmatch(path)
        if found and (cloud.is_old or not candidate.is_for_old_only):
            answer = _call(candidate, cloud, arrival, path, query, found.groups())
            crashed = answer.status == 500
            return (
                answer
                if crashed
                else Answer(answer.status, answer.content, {**answer.headers, "allow": candidate.allow})
            )
    return answer_page(404)


def _call(candidate: Route, cloud: Cloud, arrival: Arrival, path: str, query: str, ids: tuple[str, ...]) -> Answer:
    user = identify(cloud, arrival.authorization)
    if user is None:
        missing = "Authentication credentials were not provided."
        refusal = answer_detail(INVALID_TOKEN if arrival.authorization else missing, 401)
        return Answer(401, refusal.content, {**refusal.headers, "www-authenticate": "Token"})
    method = "GET" if arrival.method == "HEAD" else arrival.method
    if method not in candidate.methods:
        return answer_detail(f'Method "{arrival.method}" not allowed.', 405)
    call = Call(cloud, user, arrival.base, path, query, arrival.content, ids)
    return candidate.methods[method](call)


def identify(cloud: Cloud, authorization: str | None) -> User | None:
    """Return whose ``Authorization: Token ...`` it is."""
    scheme, _, token = (authorization or "").partition(" ")
    return cloud.find_user(token.strip()) if scheme == "Token" else None
