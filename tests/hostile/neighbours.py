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
        _put_clouds(tenant, describe_clouds(url))
        names = [f"p-{number}" for number in range(CLOUDS)]
        _create(tenant, "providers", [describe_provider(name) for name in names])
        bodies = [_describe_migration(tenant, number) for number in range(arena.scale(WAITING))]
        for number, body in enumerate(bodies):
            body["spec"]["providerRef"]["name"] = names[number % CLOUDS]
        _create(tenant, "migrations", bodies)
        yield


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
}
BY_CLOUD: Final[Mapping[str, Callable[[Arena], AbstractContextManager[None]]]] = {
    behaviour.replace("-", " "): partial(hostile_cloud, behaviour)
    for behaviour in Behaviour
    if behaviour is not Behaviour.HONEST
}
NEIGHBOURS: Final = {**BY_OBJECTS, **BY_CLOUD}
"""By the name of their row."""
