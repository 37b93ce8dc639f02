"""Which times a stranger's server may tell: at the ends of the calendar no second can be added or taken away."""

from __future__ import annotations

FIRST_YEAR = 2000
"""No server that is asked was there before."""

LAST_YEAR = 2200
"""The first year of which no time is taken."""
