"""Empty databases for Nova and Placement, made once per version and copied for each start.

``python -m novalab.databases CACHE`` makes them if they are missing; with ``--check`` its exit status says whether they
are there (0) or not (1), and nothing is made.
"""

import os
import shutil
import subprocess
import sys
from importlib import metadata

NAMES = ("api.sqlite", "main.sqlite", "placement.sqlite")


def folder_of(cache):
    """Return the folder of this version's databases, which need not exist."""
    key = "nova-{}-placement-{}".format(metadata.version("nova"), metadata.version("openstack-placement"))
    return os.path.join(cache, key)


def are_there(folder):
    return all(os.path.exists(os.path.join(folder, name)) for name in NAMES)


def make(cache):
    """Return the folder of the databases, made if missing; two at once do not disturb each other."""
    folder = folder_of(cache)
    if are_there(folder):
        return folder
    work = f"{folder}.tmp-{os.getpid()}"
    os.makedirs(work)
    try:
        command = [sys.executable, "-m", "novalab.schema", work]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the databases of Nova and Placement could not be made:\n{done.stderr[-3000:]}")
        os.rename(work, folder)
    except OSError:
        if not are_there(folder):  # else: another one was faster
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not are_there(folder_of(sys.argv[1])))
    make(sys.argv[1])
