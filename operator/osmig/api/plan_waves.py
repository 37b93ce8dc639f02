"""The waves of a plan: its hosts one group after the other, each when the one before is over."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import SpecModel
from osmig.api.migration_options import MAX_SECONDS
from osmig.api.plan_options import Approval
from osmig.api.plan_servers import MAX_HOSTS
from osmig.api.server import Host

MAX_WAVE_NAME = 40
"""With the hash of a preview it is a verb's token, of at most 64 characters."""


class PlanWave(SpecModel):
    """Hosts that are emptied together."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_WAVE_NAME, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = (
        Field(description="name of the wave, which osmig.dev/approve names. Example: canary.")
    )
    hosts: tuple[Host, ...] = Field(
        min_length=1,
        max_length=MAX_HOSTS,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="hosts of the wave. Each of targets.hosts must be in exactly one wave. Example: [cmp1].",
    )
    approval: Approval = Field(
        default=Approval.NONE,
        description=(
            "approval that the wave needs besides the plan's. None: none. Manual: it does not begin before the "
            "annotation osmig.dev/approve is its name, a slash, and the hash of the preview. Default: None."
        ),
    )
    delay_seconds: int = Field(
        default=0,
        ge=0,
        le=MAX_SECONDS,
        description="delaySeconds is how long after the end of the wave before it begins at the earliest. Default: 0.",
    )
