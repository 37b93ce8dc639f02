"""One step of a MigrationMapping: what is published, and whom it wakes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from controller_lab import DOWN, Lab, fail_put
from osmig.api.names import Kind
from osmig.controllers.keys import Key
from osmig.controllers.ledger import Ledger
from osmig.domain.errors import KubeUnavailable
from tenant_fakes import MAPPING, SHOP, mapping_body, replication_body

if TYPE_CHECKING:
    from typing import Any

OTHER_SUBNETS = [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.2.0/24"}]


def new_lab(**spec: Any) -> Lab:  # noqa: ANN401 - fields of a spec
    lab = Lab()
    lab.offer(Kind.MAPPING, mapping_body(**spec))
    return lab


def change(lab: Lab, **spec: Any) -> None:  # noqa: ANN401 - fields of a spec
    """Edit the mapping as a user does."""
    body = lab.api.objects[MAPPING]
    body["spec"] |= spec
    lab.api.change(MAPPING, generation=body["metadata"]["generation"] + 1)
    lab.show(MAPPING)


def ready(lab: Lab) -> tuple[str, str]:
    found = next(c for c in lab.api.status(MAPPING)["conditions"] if c["type"] == "Ready")
    return found["status"], found["reason"]


async def test_a_mapping_is_linted_and_published_with_its_hash() -> None:
    lab = new_lab()
    assert await lab.step(MAPPING) is None
    status = lab.api.status(MAPPING)
    assert ready(lab) == ("True", "Linted")
    assert (status["observedGeneration"], len(status["hash"])) == (1, 16)
    assert "findings" not in status


async def test_a_finding_is_told_with_the_path_of_its_field_and_a_warning_leaves_the_mapping_ready() -> None:
    lab = new_lab(volumeTypes=[])
    await lab.step(MAPPING)
    assert [(f["result"], f["path"]) for f in lab.api.status(MAPPING)["findings"]] == [("Warn", "spec.volumeTypes")]
    assert ready(lab)[0] == "True"


async def test_a_mapping_that_did_not_change_is_not_written_again() -> None:
    lab = new_lab()
    for _ in range(3):
        await lab.step(MAPPING)
    assert len(lab.api.puts) == 1


async def test_another_spec_gets_another_hash() -> None:
    lab = new_lab()
    await lab.step(MAPPING)
    first = lab.api.status(MAPPING)["hash"]
    change(lab, subnets=OTHER_SUBNETS)
    await lab.step(MAPPING)
    status = lab.api.status(MAPPING)
    assert status["hash"] != first
    assert status["observedGeneration"] == 2


async def test_a_write_that_fails_is_made_by_the_next_step() -> None:
    lab = new_lab()
    fail_put(lab, DOWN)
    with pytest.raises(KubeUnavailable):
        await lab.step(MAPPING)
    await lab.step(MAPPING)
    assert ready(lab) == ("True", "Linted")


async def test_a_mapping_of_another_version_is_logged_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    lab = new_lab(subnets="all of them")
    with caplog.at_level(logging.ERROR, logger="osmig"):
        assert await lab.step(MAPPING) is None
        assert await lab.step(MAPPING) is None
    assert [record.message for record in caplog.records] == ["object.invalid"] * 2
    assert ready(lab) == ("False", "InvalidManifest")
    assert len(lab.api.puts) == 1


# --- whom it wakes


async def woken_lab() -> tuple[Lab, list[str]]:
    """A mapping, a Migration that refers to it, one that refers to another and one to none; and who was stepped."""
    lab, stepped = Lab(), list[str]()
    step = lab.controllers.scheduler._step  # noqa: SLF001 - notes and passes on

    async def note(key: Key) -> float | None:
        if key.kind is not Kind.MIGRATION:
            return await step(key)
        stepped.append(key.name)
        return None

    lab.controllers.scheduler._step = note  # noqa: SLF001
    lab.offer(Kind.MAPPING, mapping_body())
    for name, mapping in (("shop", "dc1-to-dc2"), ("else", "dc1-to-dc3"), ("none", "")):
        lab.offer(Kind.MIGRATION, replication_body(name=name, mapping=mapping))
    await lab.run()
    stepped.clear()
    return lab, stepped


async def test_a_changed_mapping_wakes_who_refers_to_it_and_its_own_status_nobody() -> None:
    lab, stepped = await woken_lab()
    change(lab, subnets=OTHER_SUBNETS)
    await lab.run()
    assert stepped == ["shop"]
    lab.show(MAPPING)
    await lab.run()
    assert stepped == ["shop"]


async def test_a_mapping_that_goes_and_one_that_comes_wake_who_refers_to_it() -> None:
    lab, stepped = await woken_lab()
    lab.controllers.intake.remove(Kind.MAPPING, lab.api.objects.pop(MAPPING))
    await lab.run()
    assert stepped == ["shop"]
    lab.offer(Kind.MAPPING, mapping_body())
    await lab.run()
    assert stepped == ["shop", "shop"]


async def test_a_mapping_that_can_no_longer_be_read_wakes_who_refers_to_it_once() -> None:
    lab, stepped = await woken_lab()
    change(lab, subnets="x")
    await lab.run()
    change(lab, subnets="y")
    await lab.run()
    assert stepped == ["shop"]


def test_only_who_is_not_finished_is_found_by_its_mapping() -> None:
    ledger = Ledger()
    ledger.note(SHOP, replication_body(mapping="dc1-to-dc2"))
    assert ledger.users(MAPPING) == {SHOP}
    ledger.note(SHOP, replication_body(mapping="dc1-to-dc3"))
    assert ledger.users(MAPPING) == frozenset()
    ledger.note(SHOP, replication_body(mapping="dc1-to-dc2"))
    ledger.note(SHOP, replication_body(mapping="dc1-to-dc2") | {"status": {"phase": "Failed"}})
    assert ledger.users(MAPPING) == frozenset()
    ledger.note(SHOP, replication_body(mapping="dc1-to-dc2"))
    ledger.drop(SHOP)
    assert ledger.users(MAPPING) == frozenset()


def test_a_mapping_of_the_same_name_in_another_namespace_is_another() -> None:
    ledger = Ledger()
    ledger.note(SHOP, replication_body(mapping="dc1-to-dc2"))
    assert ledger.users(Key(Kind.MAPPING, "team-b", "dc1-to-dc2")) == frozenset()
