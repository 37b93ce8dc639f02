"""Rows about servers of a host or project: what a Migration could not name is not taken over from a cloud."""

from __future__ import annotations

from typing import Any

import pytest

from api_samples import SERVER_ID
from osmig.domain.errors import Transient
from osmig.domain.plans.decisions import CreateChild
from osmig.drivers.servers.nova.host_rows import read_whole, to_server_row
from plan_world import PlanWorld

HOST_ID = "5e" * 28


def row(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a cloud says
    """Write a server as Nova lists it."""
    return {"id": SERVER_ID, "name": "web-1", "status": "ACTIVE", "tenant_id": "77", **changes}


@pytest.mark.parametrize("server_id", ["x", "7", SERVER_ID.upper(), f"{SERVER_ID}0", f"../{SERVER_ID[3:]}"])
def test_a_server_whose_id_is_no_uuid_makes_the_list_unreadable(server_id: str) -> None:
    with pytest.raises(Transient, match="A row of the cloud's answer to list cannot be read"):
        read_whole({"servers": [row(), row(id=server_id)]}, "servers", to_server_row, "list", max_rows=9)


@pytest.mark.parametrize(
    ("told", "kept"),
    [(HOST_ID, HOST_ID), ("", ""), (None, ""), ("cmp1", ""), (HOST_ID.upper(), ""), (HOST_ID + "0", ""), (7, "")],
)
def test_an_anonymous_name_of_a_host_is_one_as_nova_makes_it(told: object, kept: str) -> None:
    assert to_server_row(row(hostId=told)).host_id == kept


@pytest.mark.parametrize("host", ["cmp1", "h" * 300, " "])
def test_of_every_row_that_is_taken_over_a_migration_can_be_made(host: str) -> None:
    seen = to_server_row(row(**{"OS-EXT-SRV-ATTR:host": host}, name="n" * 999, flavor={"ram": -1}))
    world = PlanWorld(spec={"targets": {"projectID": "77"}}, servers=[seen])
    world.step()

    (order,) = world.made(CreateChild)
    assert order.spec.server_id == SERVER_ID
