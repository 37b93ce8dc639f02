"""What every driver brings: each promise of `Policy` and of its backend's port, and readers for all of its facts."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

import pytest

from osmig import drivers as registered
from osmig.api.migration import MigrationType
from osmig.domain.policy import Policy
from osmig.drivers import mailboxes, servers, tenants
from osmig.drivers.mailboxes import facts as job_facts
from osmig.drivers.servers import facts as move_facts
from osmig.drivers.tenants import facts as reads

if TYPE_CHECKING:
    from types import ModuleType

    from osmig.drivers.driver import Driver

DRIVERS: dict[str, tuple[Driver[Any, Any], ModuleType, type]] = {
    "servers": (servers.DRIVER, move_facts, move_facts.MoveFacts),
    "tenants": (tenants.DRIVER, reads, reads.ReplicationFacts),
    "mailboxes": (mailboxes.DRIVER, job_facts, job_facts.JobFacts),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_a_policy_answers_for_every_station(name: str) -> None:
    stations = {station for station in vars(Policy) if not station.startswith("_")}
    assert stations == {"admit", "resolve", "follow", "answer", "refuse"}
    assert all(callable(getattr(DRIVERS[name][0].policy, station)) for station in stations)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_is_entered_by_what_it_serves(name: str) -> None:
    driver = DRIVERS[name][0]
    assert registered.DRIVERS.of_provider(driver.provider_type) is driver
    assert {kind for kind in MigrationType if registered.DRIVERS.of_migration(kind) is driver} == driver.types


@pytest.mark.parametrize("name", DRIVERS)
def test_every_fact_that_may_be_asked_for_has_a_reader_and_a_place(name: str) -> None:
    driver, module, facts = DRIVERS[name]
    assert tuple(driver.readers) == get_args(module.FactName)
    assert set(driver.readers) <= {field.name for field in fields(facts)}
