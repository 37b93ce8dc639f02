"""Changes to a status: the tables of fields follow the models, and neither mypy nor a copy takes a misspelt field."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type, get_type_hints

import pytest

from osmig.api.migration import MigrationStatus, TenantFacts
from osmig.api.migration_changes import StatusChanges, TenantChanges, change_status, change_tenant
from osmig.api.names import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from osmig.api.meta import StatusModel
    from osmig.domain.conditions import Verdict
    from osmig.domain.observation import Observation


@pytest.mark.parametrize(("changes", "model"), [(StatusChanges, MigrationStatus), (TenantChanges, TenantFacts)])
def test_the_table_of_changes_has_the_model_s_fields_and_types(changes: type, model: type[StatusModel]) -> None:
    hints = get_type_hints(model)
    assert get_type_hints(changes) == {name: hints[name] for name in model.model_fields}


def test_a_change_that_is_right_is_made() -> None:
    after = change_status(MigrationStatus(attempt=1), phase=Phase.QUEUED)
    assert_type(after, MigrationStatus)
    assert after == MigrationStatus(attempt=1, phase=Phase.QUEUED)
    assert change_tenant(TenantFacts(scope="all"), scope=None) == TenantFacts()


def test_a_copy_refuses_a_field_that_is_not_there() -> None:
    with pytest.raises(TypeError, match=r"^TenantFacts has no cleanup_ordre$"):
        TenantFacts().model_copy(update={"cleanup_ordre": "1"})


# What follows is never run: mypy must refuse each marked line, as it reports every mark that nothing needs.


def _misspell(observation: Observation, verdict: Verdict, status: MigrationStatus, tenant: TenantFacts) -> None:
    from osmig.domain import gating, next_status, outcome  # noqa: PLC0415 - for mypy alone
    from osmig.drivers.tenants.policy import facts  # noqa: PLC0415 - for mypy alone

    change_status(status, completed_time=None)  # type: ignore[call-arg]
    change_status(status, attempt="2")  # type: ignore[arg-type]
    change_tenant(tenant, cleanup_ordre=None)  # type: ignore[call-arg]
    next_status.build(observation, verdict, pending_cal=None)  # type: ignore[call-arg]
    next_status.build(observation, verdict, attempt="2")  # type: ignore[arg-type]
    next_status.keep_phase(observation, queue_time=None)  # type: ignore[call-arg]
    gating.wait_for_slot(observation, tennant=None)  # type: ignore[call-arg]
    outcome.end(observation, verdict, progres=None)  # type: ignore[call-arg]
    outcome.fail(observation, "", "", progres=None)  # type: ignore[call-arg]
    outcome.succeed(observation, "", "", progres=None)  # type: ignore[call-arg]
    outcome.abort(observation, "", progres=None)  # type: ignore[call-arg]
    outcome.revert(observation, "", "", progres=None)  # type: ignore[call-arg]
    facts.describe_tenant(observation, mapping_hsh=None)  # type: ignore[call-arg,arg-type]


_NEVER_RUN: Callable[..., None] = _misspell
