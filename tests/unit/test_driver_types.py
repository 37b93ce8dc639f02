"""What the generics of a driver promise; mypy is what tests it (`make types`), also that the wrong is refused.

An ignore that hides no error is an error (``warn_unused_ignores``), so each of them holds that mypy refuses its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import toy_driver
from osmig.drivers import mailboxes, servers, tenants
from osmig.drivers.driver import Driver, Reader
from osmig.drivers.mailboxes.facts import JobFacts
from osmig.drivers.mailboxes.ports import MailboxBackend
from osmig.drivers.servers.facts import MoveFacts
from osmig.drivers.servers.policy import policy as of_servers
from osmig.drivers.servers.ports import ServerBackend
from osmig.drivers.tenants.facts import ReplicationFacts
from osmig.drivers.tenants.facts import read as read_tenant
from osmig.drivers.tenants.policy import policy as of_tenants
from osmig.drivers.tenants.ports import TenantBackend
from toy_driver import policy as of_boxes
from toy_driver import reading
from toy_driver.facts import BoxFacts, read
from toy_driver.ports import BoxBackend

if TYPE_CHECKING:
    from osmig.domain.observation import Observation
    from osmig.domain.policy import Policy


def test_each_driver_is_of_its_own_facts_and_its_own_backend() -> None:
    assert_type(toy_driver.DRIVER, Driver[BoxFacts, BoxBackend])
    assert_type(servers.DRIVER, Driver[MoveFacts, ServerBackend])
    assert_type(tenants.DRIVER, Driver[ReplicationFacts, TenantBackend])
    assert_type(mailboxes.DRIVER, Driver[JobFacts, MailboxBackend])


def test_a_policy_takes_the_facts_of_its_driver_and_no_others() -> None:
    boxes: Policy[BoxFacts] = of_boxes
    moves: Policy[MoveFacts] = of_servers
    tenants_policy: Policy[ReplicationFacts] = of_tenants
    refused: Policy[MoveFacts] = of_boxes  # type: ignore[assignment]
    assert all((boxes, moves, tenants_policy, refused))


def test_a_reader_fits_its_own_driver_only() -> None:
    right: Reader[BoxFacts, BoxBackend] = reading.read_copy
    wrong_facts: Reader[MoveFacts, BoxBackend] = reading.read_copy  # type: ignore[assignment]
    wrong_backend: Reader[BoxFacts, TenantBackend] = reading.read_copy  # type: ignore[assignment]
    assert {right, wrong_facts, wrong_backend} == {reading.read_copy}


def test_a_fact_that_there_is_not_cannot_be_asked_for() -> None:
    assert read("copy").names == {"copy"}
    assert read("copys").names  # type: ignore[arg-type]
    assert read_tenant("copy").names  # type: ignore[arg-type]


def look_at(box: Observation[BoxFacts], move: Observation[MoveFacts], tenant: Observation[ReplicationFacts]) -> None:
    """An observation knows the facts of its driver; only mypy looks at this."""
    assert_type(box.facts, BoxFacts)
    assert_type(move.facts, MoveFacts)
    assert_type(tenant.facts, ReplicationFacts)
    box.facts.runs  # type: ignore[attr-defined]  # noqa: B018
    tenant.facts.copies  # type: ignore[attr-defined]  # noqa: B018
