"""Behaviour plans: how a fake hypervisor behaves during a move.

A plan is written ``key=value,key=value``. The first word may be a bare live
mode: ``hang`` is the same as ``live=hang``. Plans are layered, later layers
win key by key:

    built-in defaults < --compute HOST=PLAN < server metadata "lab.plan"
                      < run-time override (PUT /_lab/plans/<server uuid>)

This module has no dependency on Nova, so tests can import it.
"""

import dataclasses

MIB = 1024 * 1024


@dataclasses.dataclass
class Plan:
    # ---- live migration -------------------------------------------------
    #: finish: ends by itself after ``duration`` seconds
    #: hang:   never ends by itself (stalls at ``stall`` % of memory left)
    #: fail:   hypervisor reports failure after ``duration``   -> "failed"
    #: crash:  the driver raises after ``duration``            -> "error"
    live: str = "finish"
    duration: float = 0.0
    #: MiB shown as memory_total; 0 = never fill the memory_* fields
    memory: float = 1024.0
    #: MiB shown as disk_total (block migration); 0 = zeros, like shared disk
    disk: float = 0.0
    #: per cent of memory that is still left when a "hang" stops converging
    stall: float = 10.0
    #: seconds between writes of progress to the database (libvirt: 5)
    tick: float = 0.5
    #: "", "dest" or "source": which host refuses in the pre-check
    precheck: str = ""
    #: seconds spent in the pre-check (migration status "accepted")
    precheck_delay: float = 0.0
    #: "", "fail": pre_live_migration on the destination
    pre: str = ""
    #: seconds spent in pre_live_migration (migration status "preparing")
    pre_delay: float = 0.0
    #: "", "fail": post_live_migration_at_destination
    post: str = ""
    #: seconds spent at the end on the destination (still "running")
    post_delay: float = 0.0
    #: what force-complete does: finish | postcopy | ignore | raise
    force: str = "finish"
    #: seconds from the force-complete to the end (postcopy: time shown as
    #: "running (post-copy)")
    force_delay: float = 0.0
    #: what abort does: cancel | ignore | raise
    abort: str = "cancel"
    abort_delay: float = 0.0
    # ---- cold migration -------------------------------------------------
    #: ok | fail_source (disk copy) | fail_dest (finish_migration)
    cold: str = "ok"
    cold_delay: float = 0.0
    finish_delay: float = 0.0
    #: ok | fail
    confirm: str = "ok"
    confirm_delay: float = 0.0
    revert: str = "ok"
    revert_delay: float = 0.0


FIELDS = {f.name: f for f in dataclasses.fields(Plan)}
CHOICES = {
    "live": ("finish", "hang", "fail", "crash"),
    "precheck": ("", "dest", "source"),
    "pre": ("", "fail"),
    "post": ("", "fail"),
    "force": ("finish", "postcopy", "ignore", "raise"),
    "abort": ("cancel", "ignore", "raise"),
    "cold": ("ok", "fail_source", "fail_dest"),
    "confirm": ("ok", "fail"),
    "revert": ("ok", "fail"),
}


def parse(text):
    """``"hang,memory=2048"`` -> ``{"live": "hang", "memory": 2048.0}``."""
    out = {}
    for i, part in enumerate(p.strip() for p in (text or "").split(",")):
        if not part:
            continue
        key, sep, value = part.partition("=")
        if not sep:
            if i:
                raise ValueError(f"bare word {part!r} is only allowed first")
            key, value = "live", part
        if key not in FIELDS:
            raise ValueError(f"unknown plan key {key!r}")
        if key in CHOICES:
            if value not in CHOICES[key]:
                raise ValueError("{} must be one of {}".format(key, ", ".join(repr(c) for c in CHOICES[key])))
            out[key] = value
        else:
            out[key] = float(value)
    return out


def build(*layers):
    merged = {}
    for layer in layers:
        merged.update(layer or {})
    return Plan(**merged)
