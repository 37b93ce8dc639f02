"""What may still be changed once a move has started, field by field, on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from api_samples import (
    SERVER_ID,
    TIME,
    full_cold_spec,
    full_mailbox_spec,
    full_migration_spec,
    full_tenant_spec,
    mailbox_spec,
    migration_body,
    named,
    referring_tenant_spec,
    tenant_spec,
)
from manifests.kubectl_words import create, patch
from osmig.api.crds import FROZEN

if TYPE_CHECKING:
    from lab.cluster import Cluster

LIVE, COLD, MINIMAL = "live", "cold", "minimal"
TENANT, REFERRING, PLAIN, WAVE, NOW = "tenant", "referring", "plain", "wave", "now"
SPECS: dict[str, dict[str, Any]] = {
    LIVE: full_migration_spec(),
    COLD: full_cold_spec(),
    MINIMAL: {},
    TENANT: full_tenant_spec(),
    REFERRING: referring_tenant_spec(),
    PLAIN: tenant_spec(),
    WAVE: full_mailbox_spec(),
    NOW: mailbox_spec(),
}
TAKEN_ONCE = ": Waldur takes mappings only when it creates"

FROZEN_CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "providerRef": (LIVE, {"providerRef": {"name": "region-two"}}),
    "type": (MINIMAL, {"type": "ColdMigration"}),
    "mode": (MINIMAL, {"mode": "Validate"}),
    "server": (LIVE, {"server": {"id": SERVER_ID.replace("1b", "2b")}}),
    "server by name": (LIVE, {"server": {"id": None, "name": "db-07"}}),
    "placement": (LIVE, {"placement": {"destinationHost": "cmp9"}}),
    "placement in part": (COLD, {"placement": {"sourceHost": None}}),
    "placement by another name": (MINIMAL, {"placement": {"sourceHostID": "a" * 56}}),
    "placement removed": (LIVE, {"placement": None}),
    "placement added": (MINIMAL, {"placement": {"sourceHost": "cmp1"}}),
    "live.blockMigration": (LIVE, {"live": {"blockMigration": "Always"}}),
    "live.blockMigration removed": (LIVE, {"live": None}),
    "live.blockMigration added": (MINIMAL, {"live": {"blockMigration": "Never"}}),
    "adopt": (LIVE, {"adopt": {"id": "4712"}}),
    "adopt removed": (COLD, {"adopt": None}),
    "adopt added": (MINIMAL, {"adopt": {"id": "4711"}}),
    "tenant.sourceResource": (TENANT, {"tenant": {"sourceResource": SERVER_ID}}),
    "tenant.destinationOffering": (PLAIN, {"tenant": {"destinationOffering": SERVER_ID}}),
    "tenant.destinationPlan": (REFERRING, {"tenant": {"destinationPlan": SERVER_ID}}),
    "tenant.namePrefix": (TENANT, {"tenant": {"namePrefix": "other"}}),
    "tenant.namePrefix removed": (REFERRING, {"tenant": {"namePrefix": None}}),
    "tenant.namePrefix added": (PLAIN, {"tenant": {"namePrefix": "prod"}}),
    "tenant.mappings": (TENANT, {"tenant": {"mappings": {"skipConnectionExtnet": False}}}),
    "tenant.mappings in a list": (TENANT, {"tenant": {"mappings": {"networks": [SERVER_ID]}}}),
    "tenant.mappings removed": (TENANT, {"tenant": {"mappings": None}}),
    "tenant.mappings added": (PLAIN, {"tenant": {"mappings": {}}}),
    "tenant.mappingRef": (REFERRING, {"tenant": {"mappingRef": {"name": "other"}}}),
    "tenant.mappingRef removed": (REFERRING, {"tenant": {"mappingRef": None}}),
    "tenant.mappingRef added": (PLAIN, {"tenant": {"mappingRef": {"name": "dc1-to-dc2"}}}),
    "mailboxes.csvSecretRef": (WAVE, {"mailboxes": {"csvSecretRef": {"secretName": "other"}}}),
    "mailboxes.preset": (WAVE, {"mailboxes": {"preset": "Gmail"}}),
    "mailboxes.firstExecutionTime": (WAVE, {"mailboxes": {"firstExecutionTime": "2026-11-21T11:00:00Z"}}),
    "mailboxes.executeNow": (WAVE, {"mailboxes": {"executeNow": True, "firstExecutionTime": None}}),
    "mailboxes.secondExecutionTime": (WAVE, {"mailboxes": {"secondExecutionTime": "2026-11-23T08:00:00Z"}}),
    "mailboxes.secondExecutionTime added": (NOW, {"mailboxes": {"secondExecutionTime": TIME}}),
    "mailboxes.dateFilter": (WAVE, {"mailboxes": {"dateFilter": {"fromDate": "2026-01-02"}}}),
    "mailboxes.dateFilter removed": (WAVE, {"mailboxes": {"dateFilter": None}}),
    "mailboxes.customerCode": (WAVE, {"mailboxes": {"customerCode": "C0002"}}),
    "mailboxes.customerCode added": (NOW, {"mailboxes": {"customerCode": "C0002"}}),
}
"""By the frozen field: which of ``SPECS`` is changed, and how."""

OPEN_CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "suspend": (LIVE, {"suspend": False}),
    "deadlineSeconds": (LIVE, {"deadlineSeconds": 60}),
    "deadlineSeconds removed": (COLD, {"deadlineSeconds": None}),
    "onDeadline": (LIVE, {"onDeadline": "Alert"}),
    "live.convergence.progressTimeoutSeconds": (LIVE, {"live": {"convergence": {"progressTimeoutSeconds": 30}}}),
    "live.convergence.onStall": (LIVE, {"live": {"convergence": {"onStall": "Abort"}}}),
    "live.convergence removed": (LIVE, {"live": {"convergence": None}}),
    "live.convergence added": (MINIMAL, {"live": {"convergence": {"onStall": "Abort"}}}),
    "cold.confirm": (COLD, {"cold": {"confirm": "Manual"}}),
    "cold.confirmDeadlineSeconds": (COLD, {"cold": {"confirmDeadlineSeconds": 60}}),
    "cold.onConfirmDeadline": (COLD, {"cold": {"onConfirmDeadline": "Confirm"}}),
    "cold removed": (COLD, {"cold": None}),
    "retry.limit": (LIVE, {"retry": {"limit": 0}}),
    "retry.backoffSeconds": (LIVE, {"retry": {"backoffSeconds": 1}}),
    "retry.maxBackoffSeconds": (LIVE, {"retry": {"maxBackoffSeconds": 3600}}),
    "retry removed": (LIVE, {"retry": None}),
    "retry added": (MINIMAL, {"retry": {"limit": 1}}),
    "deletionPolicy": (LIVE, {"deletionPolicy": "Detach"}),
    "ttlSecondsAfterFinished": (LIVE, {"ttlSecondsAfterFinished": 0}),
    "ttlSecondsAfterFinished removed": (COLD, {"ttlSecondsAfterFinished": None}),
    "tenant.cleanup": (PLAIN, {"tenant": {"cleanup": "DestinationOnAbort"}}),
    "tenant.cleanup removed": (TENANT, {"tenant": {"cleanup": None}}),
    "mailboxes.onErrors": (WAVE, {"mailboxes": {"onErrors": "Fail", "maxFailedMailboxes": None}}),
    "mailboxes.maxFailedMailboxes": (WAVE, {"mailboxes": {"onErrors": "Tolerate", "maxFailedMailboxes": 5}}),
}
"""By the field that stays open: which of ``SPECS`` is changed, and how."""

SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "live added empty": (MINIMAL, {"live": {}}),
    "live added with its default": (MINIMAL, {"live": {"blockMigration": "Auto"}}),
    "live removed again": (MINIMAL, {"live": None}),
    "mode written out": (MINIMAL, {"mode": "Execute"}),
    "mode left out": (LIVE, {"mode": None}),
    "suspend written out": (MINIMAL, {"suspend": False}),
    "retry added empty": (MINIMAL, {"retry": {}}),
    "convergence added empty": (MINIMAL, {"live": {"convergence": {}}}),
    "mappings with a default left out": (TENANT, {"tenant": {"mappings": {"syncInstancePorts": None}}}),
    "executeNow left out": (WAVE, {"mailboxes": {"executeNow": None}}),
}
"""What says the same in other words."""


@pytest.fixture(scope="module")
def started(crds: Cluster, place: str) -> str:
    """A namespace with a Migration for each of ``SPECS``, all of them started."""
    for name in SPECS:
        assert create(crds, place, write(name)) == ""
        assert patch(crds, place, {"status": {"startTime": TIME, "attempt": 1}}, name=name, status=True) == ""
    return place


def write(name: str) -> dict[str, Any]:
    """Write one of ``SPECS`` as a Migration of that name."""
    return named(migration_body(spec=SPECS[name]), name)


def includes(whole: object, part: object) -> bool:
    """Whether a merge of ``part`` into ``whole`` would change nothing; None stands for absent or defaulted."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            value is None or includes(whole.get(key), value) for key, value in part.items()
        )
    return whole == part


@pytest.mark.parametrize("change", FROZEN_CHANGES)
def test_after_the_start_a_frozen_field_is_refused_by_name(crds: Cluster, started: str, change: str) -> None:
    name, spec = FROZEN_CHANGES[change]
    before = crds.get("osmig", name, "-n", started)["spec"]

    refusal = patch(crds, started, {"spec": spec}, name=name)

    field = change.partition(" ")[0]
    assert f"spec.{field}: Forbidden: {field} may not be changed once the migration has started" in refusal
    assert (TAKEN_ONCE in refusal) == field.startswith("tenant.mapping")
    assert crds.get("osmig", name, "-n", started)["spec"] == before


@pytest.mark.parametrize("change", OPEN_CHANGES)
def test_after_the_start_what_steers_the_move_stays_open(crds: Cluster, started: str, change: str) -> None:
    name, spec = OPEN_CHANGES[change]

    assert patch(crds, started, {"spec": spec}, name=name) == ""
    assert includes(crds.get("osmig", name, "-n", started)["spec"], spec)


@pytest.mark.parametrize("change", SAME)
def test_after_the_start_saying_the_same_in_other_words_is_no_change(crds: Cluster, started: str, change: str) -> None:
    name, spec = SAME[change]

    assert patch(crds, started, {"spec": spec}, name=name) == ""


def test_before_the_start_every_frozen_field_may_be_changed(crds: Cluster, namespace: str) -> None:
    refusals = {}
    for number, (change, (name, spec)) in enumerate(FROZEN_CHANGES.items()):
        body = write(name)
        body["metadata"]["name"] = own = f"m-{number}"
        create(crds, namespace, body)
        refusals[change] = patch(crds, namespace, {"spec": spec}, name=own)

    assert [change for change, refusal in refusals.items() if refusal] == []


def test_every_frozen_field_has_a_row() -> None:
    assert {change.partition(" ")[0] for change in FROZEN_CHANGES} == set(FROZEN)


def test_labels_and_verbs_stay_open_after_the_start(crds: Cluster, started: str) -> None:
    change = {"metadata": {"annotations": {"osmig.dev/abort": "1"}, "labels": {"drain": "cmp1"}}}

    assert patch(crds, started, change, name=LIVE) == ""


@pytest.mark.parametrize(
    "status",
    [{"startTime": None}, {"startTime": "2026-11-21T10:00:01Z"}, None],
    ids=["removed", "changed", "no-status"],
)
def test_the_start_can_be_neither_moved_nor_forgotten(crds: Cluster, started: str, status: object) -> None:
    refusal = patch(crds, started, {"status": status}, name=LIVE, status=True)

    assert "status.startTime: Forbidden: startTime may not be changed or removed" in refusal
