"""Objects against the schemas of several versions of Kubernetes in one process, as a program for the checkers' Python.

``python validating.py FIRST LAST FILE...``: minor versions, and files of objects. ``kubernetes-validate`` itself takes
one version, reads all its definitions anew for each object, and lets pass what it has no schema of.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import yaml
from kubernetes_validate import utils  # type: ignore[import-not-found] # of the environment of the checkers

utils.schema_contents = cache(utils.schema_contents)


def main(first: str, last: str, *files: str) -> int:
    """Print what does not fit; return how much that is."""
    objects = [made for file in files for made in yaml.safe_load_all(Path(file).read_text("utf-8")) if made]
    found = [
        f"1.{minor} {made['kind']} {made['metadata'].get('name')}: {said}"
        for minor in range(int(first), int(last) + 1)
        for made in objects
        if (said := _validate(made, f"1.{minor}")) is not None
    ]
    print(*found, f"{len(objects)} objects, {len(found)} findings", sep="\n")  # noqa: T201 - a program
    return len(found)


def _validate(made: object, version: str) -> str | None:
    try:
        used = utils.validate(made, version, strict=True)
    except (utils.ValidationError, utils.SchemaNotFoundError, utils.VersionNotSupportedError) as error:
        return str(error.message)
    return None if used == version else f"checked by the schemas of {used}"


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 100))
