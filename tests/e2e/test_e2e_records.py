"""``deletionPolicy: DeleteRecord`` on a real API server: kubectl waits for the record, and nothing else goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e_waldur import ordered_row, replicate, requests, rows

if TYPE_CHECKING:
    from e2e_tenant import Tenant
    from lab.waldur import WaldurLab


def test_the_row_of_a_finished_replication_goes_with_its_migration(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, deletionPolicy="DeleteRecord")
    row = ordered_row(waldur)
    waldur.control.advance(row, 9)
    assert move.until_finished()["phase"] == "Succeeded"
    assert requests(waldur, "DELETE") == []

    owner.kubectl("delete", "migration/copy", "--timeout=60s")

    [deleted] = requests(waldur, "DELETE")
    assert deleted["path"].replace("-", "").strip("/").endswith(row)
    assert [one["dst_resource_state"] for one in rows(waldur)] == ["OK"], "the replica stays"


def test_a_replication_under_way_keeps_its_row_when_its_migration_is_deleted(owner: Tenant, waldur: WaldurLab) -> None:
    move = replicate(owner, deletionPolicy="DeleteRecord")
    row = ordered_row(waldur)
    move.until_upstream("CREATION_SCHEDULED")

    owner.kubectl("delete", "migration/copy", "--timeout=60s")

    assert requests(waldur, "DELETE") == []
    assert [one["uuid"] for one in rows(waldur)] == [row]
