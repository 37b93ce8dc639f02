"""What keeps the budgets of docs/benchmarks.md: what is not kept, not read and not woken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain_samples import NOW, decide_until_written, observe, record, server, started
from osmig.domain.machine import decide
from osmig.domain.observation import Read
from osmig.domain.upstream import Sweep
from osmig.engine.inbox import Inbox
from osmig.engine.keys import Key, Kind
from osmig.engine.sweeping import Rows
