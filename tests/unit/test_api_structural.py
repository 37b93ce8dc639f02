"""The compiler from models to structural schemas refuses what a CRD cannot hold, naming the field."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from osmig.api.rules import freeze_rules, member_rules
from osmig.api.structural import NotStructural, compile_schema
from osmig.api.union import Member

ATOMIC = {"x-kubernetes-list-type": "atomic"}


class Inner(BaseModel):
    """An inner object."""

    x: int = Field(ge=0, le=9, description="x is a number.")


class Recursive(BaseModel):
    """Holds itself."""

    again: Recursive | None = Field(default=None, description="again the same.")


def field(annotation: Any, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any annotation, on purpose
    """Compile a model with one field ``f`` and return its schema."""
    settings.setdefault("description", "f is a field.")
    model = create_model("Model", f=(annotation, Field(**settings)))
    compiled: dict[str, Any] = compile_schema(model)["properties"]["f"]
    return compiled


def test_an_optional_object_is_inlined_without_null() -> None:
    assert field(Inner | None, default=None) == {
        "description": "f is a field.",
        "type": "object",
        "required": ["x"],
        "properties": {
            "x": {"description": "x is a number.", "type": "integer", "format": "int32", "minimum": 0, "maximum": 9}
        },
    }


def test_a_large_bound_makes_an_int64() -> None:
    assert field(int, ge=0, le=2**31)["format"] == "int64"
    assert field(int, ge=0, le=2**31 - 1)["format"] == "int32"


def test_a_constant_becomes_an_enum_of_one() -> None:
    assert field(Literal["only"])["enum"] == ["only"]


def test_a_default_is_kept_for_the_api_server_to_fill_in() -> None:
    assert field(str, default="a", max_length=3)["default"] == "a"


def test_an_empty_list_is_no_default() -> None:
    compiled = field(tuple[Inner, ...], default=(), max_length=3, json_schema_extra=ATOMIC)

    assert "default" not in compiled
    assert compiled["maxItems"] == 3


def test_rules_beside_a_reference_are_added_to_the_rules_of_its_target() -> None:
    class Ruled(BaseModel):
        """Has a rule."""

        model_config = {"json_schema_extra": {"x-kubernetes-validations": [{"rule": "one"}]}}

    extra = {"x-kubernetes-validations": [{"rule": "two"}]}

    assert field(Ruled, json_schema_extra=extra)["x-kubernetes-validations"] == [{"rule": "one"}, {"rule": "two"}]


def test_a_bounded_map_is_allowed() -> None:
    compiled = field(dict[str, Annotated[str, Field(max_length=3)]], json_schema_extra={"maxProperties": 2})

    assert compiled["additionalProperties"] == {"type": "string", "maxLength": 3}


@pytest.mark.parametrize(
    ("annotation", "settings", "problem"),
    [
        (str, {}, "maxLength is missing"),
        (int, {"ge": 0}, "maximum is missing"),
        (int, {"le": 0}, "minimum is missing"),
        (int, {"gt": 0, "le": 5}, "minimum is missing"),
        (float, {}, "type number"),
        (int | str, {}, "a union of 2 types"),
        (Any, {}, "type None"),
        (tuple[Inner, ...], {"json_schema_extra": ATOMIC}, "maxItems is missing"),
        (tuple[Inner, ...], {"max_length": 2}, "x-kubernetes-list-type is missing"),
        (
            tuple[Inner, ...],
            {
                "max_length": 2,
                "json_schema_extra": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["y"]},
            },
            "key y must be required",
        ),
        (set[Inner], {"max_length": 2, "json_schema_extra": ATOMIC}, "uniqueItems"),
        (dict[str, str], {}, "maxProperties is missing"),
        (str, {"max_length": 3, "json_schema_extra": {"pattern": "(?!x)y"}}, "no look-around"),
        (Inner, {"description": "An f."}, "must start with the name"),
        (Inner, {"description": "fine, but not f."}, "must start with the name"),
        (bool, {"json_schema_extra": {"default": True}}, "a required field cannot have a default"),
        (Recursive, {}, "contains itself"),
    ],
)
def test_what_a_crd_cannot_hold_is_refused_with_the_path_of_the_field(
    annotation: object, settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(NotStructural, match=problem) as refused:
        field(annotation, **settings)

    assert str(refused.value).startswith("Model.f")


def test_a_name_that_yaml_takes_for_a_boolean_is_refused() -> None:
    model = create_model("Model", on=(bool, Field(description="on is a switch.")))

    with pytest.raises(NotStructural, match=r"Model\.on: YAML"):
        compile_schema(model)


class Kind(StrEnum):
    """Two types, as a later version will have."""

    LIVE = "Live"
    COLD = "Cold"


def test_a_member_of_some_types_gets_a_rule_that_names_them() -> None:
    rules = member_rules([Member("cold", types=(Kind.COLD,), required=True)], Kind)

    assert [(rule["rule"], rule["message"], rule["fieldPath"]) for rule in rules] == [
        ("!has(self.cold) || self.type in ['Cold']", "may only be set when type is Cold", ".cold"),
        ("has(self.cold) || !(self.type in ['Cold'])", "cold is required when type is Cold", ".cold"),
    ]


def test_a_member_of_all_types_gets_no_rule_that_could_never_refuse() -> None:
    assert member_rules([Member("server", types=(Kind.LIVE, Kind.COLD))], Kind) == []


def test_freezing_compares_required_optional_and_defaulted_fields_each_in_its_way() -> None:
    leaf = {"properties": {"mode": {"default": "Auto"}}}
    spec = {"required": ["type"], "properties": {"type": {}, "placement": {}, "live": leaf}}

    rules = freeze_rules({"properties": {"spec": spec}}, ["type", "placement", "live.mode"])

    assert [rule["fieldPath"] for rule in rules] == [".spec.type", ".spec.placement", ".spec.live.mode"]
    assert all(
        rule["rule"].startswith("!(has(oldSelf.status) && has(oldSelf.status.startTime)) || (") for rule in rules
    )
    assert "has(" not in rules[0]["rule"].partition("|| ")[2]
    assert "has(self.spec.placement) == has(oldSelf.spec.placement)" in rules[1]["rule"]
    assert "(has(self.spec.live) ? self.spec.live.mode : 'Auto')" in rules[2]["rule"]


def test_freezing_compares_what_has_no_default_only_where_both_have_it() -> None:
    spec = {"required": [], "properties": {"tenant": {"properties": {"prefix": {}}}}}

    (rule,) = freeze_rules({"properties": {"spec": spec}}, ["tenant.prefix"], {"tenant.prefix": "it is a name"})

    there = "(has(self.spec.tenant) && has(self.spec.tenant.prefix))"
    assert f"{there} == {there.replace('self', 'oldSelf')}" in rule["rule"]
    assert f"!{there} || self.spec.tenant.prefix == oldSelf.spec.tenant.prefix" in rule["rule"]
    assert rule["message"] == "tenant.prefix may not be changed once the migration has started: it is a name"
