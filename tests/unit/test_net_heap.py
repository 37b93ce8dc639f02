"""Memory of large answers is the system's again once they are read."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import TYPE_CHECKING

from osmig.net.heap import give_memory_back

if TYPE_CHECKING:
    import pytest

SCRIPT = """
import re, sys
from osmig.net.heap import give_memory_back

def read_mib():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

if sys.argv[1] == "set":
    assert give_memory_back()
del (first := [bytearray(8 * 2**20)])[0]
before, kept = read_mib(), []
for _ in range(20):
    large = [bytearray(2**20) for _ in range(8)]
    kept.append([bytes(4000) for _ in range(50)])
    small_ones = [bytearray(2**20) for _ in range(8)]
    kept.append([bytes(4000) for _ in range(50)])
    del large, small_ones
print(read_mib() - before)
"""


def measure_growth_mib(mode: str) -> float:
    """Read and drop large blocks with small ones between them that stay, in a process of its own."""
    command = (sys.executable, "-c", SCRIPT, mode)
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ourselves


def test_large_blocks_are_given_back_though_small_ones_between_them_stay() -> None:
    assert measure_growth_mib("set") < measure_growth_mib("as it is") / 2


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not give_memory_back()
