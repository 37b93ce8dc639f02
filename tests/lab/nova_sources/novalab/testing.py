"""Start novalab from a test. Standard library only: the tests may live in
another virtual environment than Nova.

    with novalab.testing.running("--servers", "3") as lab:
        lab["clouds"], lab["compute"], lab["control"], lab["servers"]

The interpreter that has Nova installed is named by NOVALAB_PYTHON (default:
the one that runs the tests).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time


@contextlib.contextmanager
def running(*args, python=None, timeout=120, log=None):
    python = python or os.environ.get("NOVALAB_PYTHON") or sys.executable
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    env = dict(os.environ, PYTHONPATH=here, PYTHONUNBUFFERED="1")
    with tempfile.TemporaryDirectory(prefix="novalab-") as directory:
        ready = os.path.join(directory, "ready.json")
        log = log or os.path.join(directory, "output.txt")
        with open(log, "w") as output:
            process = subprocess.Popen(
                [
                    python,
                    "-m",
                    "novalab",
                    "--port",
                    "0",
                    "--ready-file",
                    ready,
                    "--state",
                    os.path.join(directory, "state"),
                    *args,
                ],
                env=env,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            deadline = time.time() + timeout
            while not os.path.exists(ready):
                if process.poll() is not None or time.time() > deadline:
                    with open(log) as text:
                        raise RuntimeError("novalab did not start:\n" + text.read()[-4000:])
                time.sleep(0.05)
            with open(ready) as source:
                yield json.load(source)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
