"""The committed CRDs against the Kubernetes API conventions, rule by rule as kube-api-linter has them for Go types.

commentstart, maxlength, minlength, integers, nofloats, nobools, nomaps, nodurations, notimestamp, noreferences,
ssatags, arrayofstruct, defaultorrequired, conditions, statusoptional, statussubresource.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from api_samples import (
    full_cold_spec,
    full_mailbox_spec,
    full_mapping_status,
    full_mappings,
    full_migration_spec,
    full_migration_status,
    full_provider_spec,
    full_provider_status,
    full_tenant_spec,
    hosting_spec,
    referring_tenant_spec,
    waldur_spec,
)
from manifests.crd_files import KINDS, Field, find, load_schema, load_version, own_fields, paths, walk
from osmig.api.crds import FROZEN

FIELDS = [pytest.param(field, id=f"{plural}{field.path}") for plural in KINDS for field in own_fields(plural)]
WALDURS_BOOLEANS = {
    f".spec.{mappings}{name}"
    for mappings in ("", "tenant.mappings.")
    for name in ("skipConnectionExtnet", "syncInstancePorts")
}
HOSTINGS_BOOLEANS = {".spec.mailboxes.executeNow", ".status.mailboxes.late"}
ALLOWED_BOOLEANS = {".status.failure.retryable", ".spec.suspend", *WALDURS_BOOLEANS, *HOSTINGS_BOOLEANS}
"""Yes-or-no questions for ever: nobody will want a third answer. suspend is as Jobs have it, and services have two."""

WRITTEN_AS_A_WHOLE = {".status.preflight", ".status.findings", ".spec.exclude"}
"""Lists of objects that one writer replaces, in an order that tells something."""

MUTABLE = {
    f".spec.{path}"
    for path in (
        "live.convergence",
        "cold.confirm",
        "cold.confirmDeadlineSeconds",
        "cold.onConfirmDeadline",
        "suspend",
        "deadlineSeconds",
        "onDeadline",
        "retry",
        "deletionPolicy",
        "ttlSecondsAfterFinished",
        "tenant.cleanup",
        "mailboxes.onErrors",
        "mailboxes.maxFailedMailboxes",
    )
}
"""Members of a Migration's spec that may change after the start; every other one must be frozen."""

every_field = pytest.mark.parametrize("field", FIELDS)
every_kind = pytest.mark.parametrize("plural", KINDS)


@every_field
def test_every_description_starts_with_the_field_and_ends_like_a_sentence(field: Field) -> None:
    assert re.match(rf"{field.name}\b", field.node["description"])
    assert field.node["description"].endswith(".")


@every_field
def test_every_field_is_bounded(field: Field) -> None:
    for node in (field.node, field.node.get("items", {})):
        match node.get("type"):
            case "string":
                assert "enum" in node or node["maxLength"] > 0
            case "integer":
                assert node["format"] in {"int32", "int64"}
                assert -1 <= node["minimum"] < node["maximum"] <= 2**53
            case "array":
                assert node["maxItems"] > 0
            case other:
                assert other in {"object", "boolean", None}


@every_field
def test_booleans_are_the_exception(field: Field) -> None:
    assert field.node["type"] != "boolean" or field.path in ALLOWED_BOOLEANS


@every_field
def test_objects_have_named_fields_only(field: Field) -> None:
    assert "additionalProperties" not in field.node
    assert field.node["type"] != "object" or field.node["properties"]


@every_field
def test_names_follow_the_conventions(field: Field) -> None:
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+|ID|IDs|CIDR|MiB)*", field.name) or field.name == "id"
    assert not re.search(r"Timestamp|Reference|Duration", field.name)
    assert not re.search(r"(Timeout|Period|Deadline|Interval)$", field.name) or _is_policy(field)
    assert field.node.get("format") != "date-time" or re.search(r"(^t|T)ime$", field.name)


def _is_policy(field: Field) -> bool:
    """Whether the name ends like a duration's but says what to do when it is over."""
    return field.name.startswith("on") and "enum" in field.node


@every_field
def test_lists_say_how_they_are_merged_and_their_items_have_a_required_field(field: Field) -> None:
    if field.node["type"] != "array":
        return
    items = field.node["items"]

    kind = field.node["x-kubernetes-list-type"]

    assert kind in {"map", "set", "atomic"}
    assert (items["type"] == "object") == (kind == "map") or (field.path in WRITTEN_AS_A_WHOLE and kind == "atomic")
    assert set(field.node.get("x-kubernetes-list-map-keys", [])) <= set(items.get("required", []))
    assert items["type"] != "object" or items["required"]


@every_field
def test_a_default_and_a_demand_exclude_each_other(field: Field) -> None:
    assert not ("default" in field.node and field.name in field.parent.get("required", []))


@every_field
def test_a_default_is_told_in_the_description(field: Field) -> None:
    if field.path.startswith(".spec") and field.name not in field.parent.get("required", []):
        default = json.dumps(field.node.get("default", "")).strip('"')
        assert re.search(rf"Default: {default}|Required when|Exactly one of", field.node["description"])


@every_kind
def test_texts_that_users_write_are_not_empty(plural: str) -> None:
    written = [field for field in own_fields(plural) if field.path.startswith(".spec")]

    assert all(
        "enum" in field.node or "format" in field.node or field.node["minLength"] > 0
        for field in written
        if field.node["type"] == "string"
    )


@every_kind
def test_only_the_spec_is_demanded_and_status_is_a_subresource(plural: str) -> None:
    assert load_schema(plural)["required"] == ["spec"]
    assert load_version(plural)["subresources"] == {"status": {}}


@every_kind
def test_an_object_that_nobody_has_seen_yet_is_not_current(plural: str) -> None:
    assert load_schema(plural)["properties"]["status"]["default"] == {"observedGeneration": -1}


@every_kind
def test_conditions_come_first_and_have_the_standard_shape(plural: str) -> None:
    status = load_schema(plural)["properties"]["status"]
    conditions = status["properties"]["conditions"]

    assert next(iter(status["properties"])) == "conditions"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert conditions["items"]["required"] == ["type", "status", "reason", "message", "lastTransitionTime"]
    assert conditions["items"]["properties"]["status"]["enum"] == ["True", "False", "Unknown"]


@every_kind
def test_rules_name_a_field_that_exists_and_avoid_what_cannot_be_costed(plural: str) -> None:
    root = load_schema(plural)
    holders = [("", root), *((field.path, field.node) for field in walk(root))]
    rules = [(path, rule) for path, node in holders for rule in node.get("x-kubernetes-validations", [])]

    assert rules
    for path, rule in rules:
        assert ".?" not in rule["rule"]
        assert "fieldPath" not in rule or find(plural, path + rule["fieldPath"])


@every_kind
def test_columns_and_selectors_look_at_fields_that_exist(plural: str) -> None:
    version = load_version(plural)
    looked_at = [
        entry["jsonPath"] for key in ("additionalPrinterColumns", "selectableFields") for entry in version.get(key, [])
    ]

    for path in looked_at:
        condition = re.fullmatch(r'\.status\.conditions\[\?\(@\.type=="\w+"\)\]\.(\w+)', path)
        any_of = re.fullmatch(r"(.+)\[([\w',]+)\]\[([\w',]+)\]", path)
        if condition:
            assert find(plural, f".status.conditions[].{condition[1]}")
        elif any_of:
            members, leaves = (part.strip("'").split("','") for part in any_of.groups()[1:])
            here = {f"{any_of[1]}.{member}.{leaf}" for member in members for leaf in leaves}
            found = {tuple(one.split(".")[-2:]) for one in here if find(plural, one)}
            assert [{name[at] for name in found} for at in (0, 1)] == [set(members), set(leaves)]
        else:
            assert path == ".metadata.creationTimestamp" or find(plural, path)


def test_every_field_of_a_migrations_spec_is_either_frozen_or_declared_mutable() -> None:
    decided = {f".spec.{path}" for path in FROZEN} | MUTABLE

    undecided = [
        field.path
        for field in own_fields("migrations")
        if field.path.startswith(".spec.") and "properties" not in field.node and not _is_under(field.path, decided)
    ]

    assert undecided == []


def _is_under(path: str, decided: set[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in decided)


@pytest.mark.parametrize(
    ("plural", "part", "samples"),
    [
        (
            "migrations",
            "spec",
            [
                *(full_migration_spec(), full_cold_spec(), {"server": {"name": "db-07"}}),
                *(full_tenant_spec(), referring_tenant_spec(), full_mailbox_spec()),
            ],
        ),
        ("migrations", "status", [full_migration_status()]),
        ("providers", "spec", [full_provider_spec(), waldur_spec(), hosting_spec()]),
        ("providers", "status", [full_provider_status()]),
        ("migrationmappings", "spec", [full_mappings()]),
        ("migrationmappings", "status", [full_mapping_status()]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_samples_of_the_tests_set_every_field(plural: str, part: str, samples: list[dict[str, Any]]) -> None:
    known = {field.path for field in walk(load_schema(plural)["properties"][part])}

    assert known == {path for sample in samples for path in paths(sample)}
