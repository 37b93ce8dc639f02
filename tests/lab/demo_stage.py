"""Where the demo plays: commands are shown as a reader in the project's folder would type them, and run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.demo_story import to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cluster import Cluster
    from lab.demo_table import Board

ROOT = Path(__file__).parents[2]


class Stage:
    """A folder for manifests, a board for what is said, and a cluster."""

    def __init__(self, folder: Path, board: Board, cluster: Cluster) -> None:
        """Play on what is there already."""
        self.folder = folder
        self.board = board
        self.cluster = cluster

    def kubectl(self, *args: str, is_quiet: bool = False) -> None:
        """Show a command, and run it."""
        shown = shlex.join(["kubectl", *args]).replace(f"{ROOT}/", "")
        self.board.say(f"$ {shown}")
        said = self.cluster.kubectl(*args).stdout.rstrip()
        if said and not is_quiet:
            self.board.say("\n".join(f"  {line}" for line in said.splitlines()))

    def create_secret(self, name: str, endpoint: str, **files: str) -> None:
        """Create a Secret that may be sent to ``endpoint``, of files with these contents by key (``_`` for a dot)."""
        sources = []
        for word, content in files.items():
            key = word.replace("_", ".")
            path = self.folder / f"{name}-{key}"
            path.write_text(content, encoding="utf-8")
            sources.append(f"--from-file={key}={path}")
        self.kubectl("create", "secret", "generic", name, *sources, f"--from-literal=endpoint={endpoint}")

    def show_and_apply(self, name: str, manifest: Mapping[str, Any]) -> None:
        """Show a manifest, and apply it."""
        self.board.say(f"$ cat {self.folder}/{name}.yaml\n{to_yaml(manifest)}")
        self.kubectl("apply", "-f", self.write(name, manifest))

    def write(self, name: str, manifest: Mapping[str, Any]) -> str:
        """Write a manifest into the folder; return its path."""
        path = self.folder / f"{name}.yaml"
        path.write_text(to_yaml(manifest), encoding="utf-8")
        return str(path)
