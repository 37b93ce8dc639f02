"""Who may live beside a tenant: honest ones who have a lot or are slow, and those who mean harm."""

from __future__ import annotations

import base64
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from e2e_move import describe_move
from e2e_operator import API_VERSION
from hostile.arena import describe_provider, path_of
from hostile.behaviours import Behaviour
from hostile.upstream import serving
from lab.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from e2e_tenant import Tenant
    from hostile.arena import Arena

WAITING, PROVIDERS, FAT, SCRAPES = 100, 400, 500, 50
PLANS, HOSTS_EACH, SERVERS_EACH = 50, 50, 1000
"""As many plans as the sample of a quota admits, and as much as a plan may name."""
FAT_BYTES: Final = 250_000
"""Nearly all that the API server takes of annotations."""
CLOUDS = 5
"""Providers of one hostile tenant; each has places of its own."""
ASK_EVERY_S = 0.05
AT_ONCE = 2
"""More would be a flood of the API server, which is not osmig's to bear."""


@contextmanager
def nobody(_: Arena) -> Iterator[None]:
    """Leave the healthy tenant alone, for comparison."""
    yield


@contextmanager
def slow_limit(arena: Arena) -> Iterator[None]:
    """Let somebody with one request a second want many moves."""
    with arena.neighbour() as tenant:
        _put_clouds(tenant, arena.nova.clouds.read_text(encoding="utf-8"))
        _create(tenant, "providers", [describe_provider("cloud", requestsPerSecond=1)])
        _create(tenant, "migrations", [_describe_migration(tenant, number) for number in range(arena.scale(WAITING))])
        yield


@contextmanager
def many_providers(arena: Arena) -> Iterator[None]:
    """Let somebody have hundreds of Providers, none of which answers."""
    with arena.neighbour() as tenant:
        _put_clouds(tenant, describe_clouds(f"http://127.0.0.1:{free_port()}"))
        _create(tenant, "providers", [describe_provider(f"p-{number}") for number in range(arena.scale(PROVIDERS))])
        yield


@contextmanager
def fat_objects(arena: Arena) -> Iterator[None]:
    """Let somebody fill hundreds of Migrations with annotations."""
    fat = {"example.org/notes": "x" * FAT_BYTES}
    with arena.neighbour() as tenant:
        bodies = [_describe_migration(tenant, number) for number in range(arena.scale(FAT))]
        for body in bodies:
            body["metadata"]["annotations"] = fat
        _create(tenant, "migrations", bodies)
        yield


@contextmanager
def scrape_flood(arena: Arena) -> Iterator[None]:
    """Let somebody read ``/metrics`` all the time, many at once, with a thousand Migrations to tell of."""
    ended = threading.Event()

    def scrape() -> None:
        while not ended.is_set():
            try:
                arena.osmig.http("/metrics", timeout_s=30)
            except OSError:
                ended.wait(0.1)

    with arena.neighbour() as tenant, ExitStack() as stack:
        _create(tenant, "migrations", [_describe_migration(tenant, number) for number in range(arena.scale(2 * FAT))])
        pool = stack.enter_context(ThreadPoolExecutor(arena.scale(SCRAPES)))
        stack.callback(ended.set)
        for _ in range(arena.scale(SCRAPES)):
            pool.submit(scrape)
        yield


@contextmanager
def hostile_cloud(behaviour: Behaviour, arena: Arena) -> Iterator[None]:
    """Let somebody have Migrations through Providers of a cloud that logs everybody in and then misbehaves."""
    with serving(behaviour, "--after-login") as url, arena.neighbour() as tenant:
        names = _connect(tenant, url)
        bodies = [_describe_migration(tenant, number) for number in range(arena.scale(WAITING))]
        for number, body in enumerate(bodies):
            body["spec"]["providerRef"]["name"] = names[number % CLOUDS]
        _create(tenant, "migrations", bodies)
        yield


@contextmanager
def many_plans(arena: Arena) -> Iterator[None]:
    """Let somebody have as many plans as a quota admits, each for a thousand servers, with every list full."""
    with serving(Behaviour.HONEST) as url, arena.neighbour() as tenant:
        names = _connect(tenant, url)
        specs = [
            describe_full_plan(names[number % CLOUDS], number, servers=arena.scale(SERVERS_EACH))
            for number in range(arena.scale(PLANS))
        ]
        _create(tenant, "migrationplans", [_describe_plan(number, spec) for number, spec in enumerate(specs)])
        yield


@contextmanager
def fat_hosts(arena: Arena) -> Iterator[None]:
    """Let somebody have plans for the hosts of a cloud whose lists of servers, groups, tags and moves have no end."""
    with serving(Behaviour.FAT_LISTS, "--after-login") as url, arena.neighbour() as tenant:
        names = _connect(tenant, url)
        plans = [
            _describe_plan(
                number,
                {
                    "providerRef": {"name": names[number % CLOUDS]},
                    "targets": {"hosts": [f"cmp{number}-{host}" for host in range(HOSTS_EACH)]},
                    "maintenance": {"computeService": "Disable"},
                },
            )
            for number in range(arena.scale(PLANS))
        ]
        _create(tenant, "migrationplans", plans)
        yield


def _connect(tenant: Tenant, url: str) -> Sequence[str]:
    """Let a tenant have Providers of one cloud; return their names."""
    _put_clouds(tenant, describe_clouds(url))
    names = [f"p-{number}" for number in range(CLOUDS)]
    _create(tenant, "providers", [describe_provider(name) for name in names])
    return names


def describe_full_plan(provider: str, number: int, *, servers: int) -> Mapping[str, Any]:
    """Write a plan whose every list is as long as it may be."""
    ids = [f"{number:08x}-0000-4000-8000-{server:012x}" for server in range(servers)]
    texts = [f"{value:02}{'x' * 253}" for value in range(20)]
    excludes = [{"serverID": f"f0000000-0000-4000-8000-{one:012x}", "reason": "x" * 255} for one in range(200)]
    rules = [
        {"name": f"rule-{one}", "match": {"metadata": {"key": f"key-{one}", "values": texts[:5]}}, "behavior": "Skip"}
        for one in range(50)
    ]
    windows = [
        {"name": f"rare-{one}", "kind": "Deny", "cron": f"{one} {number % 24} */28 * MON#4", "durationSeconds": 300}
        for one in range(10)
    ]
    return {
        "providerRef": {"name": provider},
        "targets": {"servers": [{"id": one} for one in ids]},
        "exclude": excludes,
        "rules": rules,
        "schedule": {"timeZone": "Europe/Rome", "windows": windows},
    }


def _describe_plan(number: int, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "MigrationPlan", "metadata": {"name": f"plan-{number:03}"}, "spec": spec}


@contextmanager
def login_flood(arena: Arena) -> Iterator[None]:
    """Let somebody have Providers whose login is never answered well, and ask for another try all the time."""
    ended = threading.Event()
    with serving(Behaviour.HOSTILE_TEXT) as url, arena.neighbour() as tenant, ExitStack() as stack:
        _put_clouds(tenant, describe_clouds(url))
        names = [f"p-{number}" for number in range(arena.scale(WAITING))]
        _create(tenant, "providers", [describe_provider(name) for name in names])

        def ask() -> None:
            for number in itertools.count():
                if ended.wait(ASK_EVERY_S):
                    return
                path = f"{path_of(tenant, 'providers')}/{names[number % len(names)]}"
                tenant.cluster.admin.annotate(path, **{"osmig.dev/reconcile": str(number)})

        pool = stack.enter_context(ThreadPoolExecutor(1))
        asking = pool.submit(ask)
        stack.callback(ended.set)
        yield
        ended.set()
        asking.result()


def describe_clouds(auth_url: str) -> str:
    """Write a clouds.yaml whose Keystone is at ``auth_url``."""
    login = f"auth_url: {auth_url}/v3, username: u, password: p, project_name: p"
    domains = "user_domain_name: Default, project_domain_name: Default"
    return f"clouds:\n  operator:\n    auth: {{{login}, {domains}}}\n"


def _put_clouds(tenant: Tenant, content: str) -> None:
    data = {"clouds.yaml": base64.b64encode(content.encode()).decode()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clouds"}, "data": data}
    tenant.cluster.admin.create(f"/api/v1/namespaces/{tenant.namespace}/secrets", body)


def _describe_migration(tenant: Tenant, number: int) -> dict[str, Any]:
    return describe_move(tenant, {"id": f"30000000-0000-4000-8000-{number:012d}"}, name=f"m-{number:04d}")


def _create(tenant: Tenant, plural: str, bodies: Sequence[Mapping[str, Any]]) -> None:
    """Create objects, a few at once."""
    path = path_of(tenant, plural)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(partial(tenant.cluster.admin.create, path), bodies))


BY_OBJECTS: Final[Mapping[str, Callable[[Arena], AbstractContextManager[None]]]] = {
    "none": nobody,
    "slow limit": slow_limit,
    "400 Providers": many_providers,
    "500 fat objects": fat_objects,
    "scrape flood": scrape_flood,
    "login flood": login_flood,
    "many plans": many_plans,
    "fat hosts": fat_hosts,
}
BY_CLOUD: Final[Mapping[str, Callable[[Arena], AbstractContextManager[None]]]] = {
    behaviour.replace("-", " "): partial(hostile_cloud, behaviour)
    for behaviour in Behaviour
    if behaviour not in {Behaviour.HONEST, Behaviour.FAT_LISTS}
}
NEIGHBOURS: Final = {**BY_OBJECTS, **BY_CLOUD}
"""By the name of their row."""
