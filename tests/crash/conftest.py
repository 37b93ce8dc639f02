"""Scenes for the tests: one at a time, or several side by side."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pytest

from crash.scene import Play, Scene, open_scene
from crash.spares import SpareServers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lab.cluster import Cluster
    from lab.nova import NovaLab

AT_ONCE = 4
Row = TypeVar("Row")
S = TypeVar("S")
T = TypeVar("T")


@pytest.fixture(scope="session")
def spares() -> SpareServers:
    """The servers that scenes leave to one another."""
    return SpareServers()


@pytest.fixture
def scene(crds: Cluster, nova: NovaLab, tmp_path: Path, spares: SpareServers) -> Iterator[Scene]:
    """A server to move and a cloud whose tokens name no user."""
    with open_scene(crds, nova, tmp_path, spares=spares) as scene:
        yield scene


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Plays several scenes at once: what takes long in them is waiting for a Lease or a grace to run out."""

    cluster: Cluster
    folders: pytest.TempPathFactory
    spares: SpareServers
    pool: ThreadPoolExecutor

    def play(self, nova: NovaLab, plays: Mapping[Row, Play[T]]) -> dict[Row, Future[T]]:
        """Begin all ``plays``, each in a scene of its own; what ``result()`` raises is what its assertions raised."""
        return self.play_in(lambda folder: open_scene(self.cluster, nova, folder, spares=self.spares), plays)

    def play_in(
        self, open_stage: Callable[[Path], AbstractContextManager[S]], plays: Mapping[Row, Callable[[S], T]]
    ) -> dict[Row, Future[T]]:
        """Begin all ``plays``, each on a stage of its own, which is opened with a folder for its logs."""

        def play(one: Callable[[S], T], folder: Path) -> T:
            with open_stage(folder) as stage:
                return one(stage)

        # pytest's factory is not made for several threads: the first two would make it two bases
        folders = {row: self.folders.mktemp("scene") for row in plays}
        return {row: self.pool.submit(play, one, folders[row]) for row, one in plays.items()}


@pytest.fixture(scope="module")
def side_by_side(crds: Cluster, tmp_path_factory: pytest.TempPathFactory, spares: SpareServers) -> Iterator[SideBySide]:
    """Scenes of one module that are played at the same time; the next module begins after the last of them."""
    pool = ThreadPoolExecutor(AT_ONCE)
    yield SideBySide(crds, tmp_path_factory, spares, pool)
    pool.shutdown(cancel_futures=True)
