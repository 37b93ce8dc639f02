"""What the modules of the types bring into the API: fields of the spec, what is frozen of them, reasons."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from osmig.api.crds import FROZEN
from osmig.api.members import MEMBERS, MIGRATION_MEMBERS, PROVIDER_MEMBERS
from osmig.api.migration import MigrationSpec, MigrationType
from osmig.api.names import Reason
from osmig.api.provider import ProviderSpec, ProviderType
from osmig.api.reasons import REASONS

if TYPE_CHECKING:
    from enum import StrEnum

    from pydantic import BaseModel

    from osmig.api.union import Member

KINDS = pytest.mark.parametrize(
    ("spec", "members", "types"),
    [(MigrationSpec, MIGRATION_MEMBERS, MigrationType), (ProviderSpec, PROVIDER_MEMBERS, ProviderType)],
)


@KINDS
def test_every_type_demands_a_member(spec: type[BaseModel], members: tuple[Member, ...], types: type[StrEnum]) -> None:
    demanded = Counter(type_ for member in members if member.required for type_ in member.types)
    assert demanded == Counter(types), spec


@KINDS
def test_every_member_is_an_optional_field_of_the_spec(
    spec: type[BaseModel], members: tuple[Member, ...], types: type[StrEnum]
) -> None:
    for member in members:
        field = spec.model_fields[member.field]
        assert field.default is None
        assert set(member.types) <= set(types)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.field)
def test_a_member_freezes_only_what_is_its_own(member: Member) -> None:
    assert {path.partition(".")[0] for path in member.frozen} <= {member.field}
    assert set(member.why_frozen) <= set(member.frozen)
    assert set(member.frozen) <= set(FROZEN)


def test_every_reason_is_explained_in_one_place_and_told_in_the_order_of_the_enum() -> None:
    brought = [reason for member in MEMBERS for reason in member.reasons]
    assert Counter(brought) == Counter(set(brought))
    assert list(REASONS) == list(Reason)
    assert all(REASONS[reason] == member.reasons[reason] for member in MEMBERS for reason in member.reasons)
