"""Render the CustomResourceDefinitions from the models; `crds/` holds the result and a test holds both equal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from osmig.api.discovery import MIRROR_ONLY_WHAT_CAN_BE_ADOPTED
from osmig.api.mapping import MappingStatus
from osmig.api.mappings import Mappings
from osmig.api.members import MIGRATION_MEMBERS, PROVIDER_MEMBERS
from osmig.api.migration import MigrationSpec, MigrationStatus
from osmig.api.names import CATEGORY, GROUP, VERSION, ConditionType, MigrationType, ProviderType
from osmig.api.plan import PLAN_FROZEN, PlanSpec
from osmig.api.plan_status import PlanStatus
from osmig.api.provider import ProviderSpec, ProviderStatus
from osmig.api.rules import TYPE_STAYS, Rule, freeze_rules, member_rules
from osmig.api.structural import Schema, compile_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

FROZEN = ("providerRef", "type", "mode", *(path for member in MIGRATION_MEMBERS for path in member.frozen))
"""What of a Migration's spec may not change once it has started; a test demands a word on every field."""

STATUS_DEFAULT = {"observedGeneration": -1}
"""Without it kstatus calls an object that osmig has not seen yet Current."""

_HEADER = "# Generated from operator/osmig/api; change it there.\n"


def render_crds() -> dict[str, str]:
    """Render all CRDs: file name to YAML text, the same text every time."""
    crds = (_migration(), _provider(), _mapping(), _plan())
    return {f"{GROUP}_{crd['spec']['names']['plural']}.yaml": _dump(crd) for crd in crds}


def migration_schema() -> Schema:
    """Build the schema of a whole Migration, rules included."""
    root = _root(
        "Migration moves one server once, replicates one tenant or copies one list of mailboxes, and tells about it.",
        spec=(MigrationSpec, "spec is what shall be done. It may be changed until status.startTime is set."),
        status=(MigrationStatus, "status is what osmig found and did; nobody else may write it."),
    )
    _add_rules(root["properties"]["spec"], member_rules(MIGRATION_MEMBERS, MigrationType))
    why = {path: reason for member in MIGRATION_MEMBERS for path, reason in member.why_frozen.items()}
    _add_rules(root, freeze_rules(root, FROZEN, why))
    return root


def provider_schema() -> Schema:
    """Build the schema of a whole Provider, rules included."""
    root = _root(
        "Provider is one cloud or service that moves or replicates, with the credentials to order it.",
        spec=(ProviderSpec, "spec is how to reach the cloud or service."),
        status=(ProviderStatus, "status is what osmig found; nobody else may write it."),
    )
    _add_rules(root["properties"]["spec"], member_rules(PROVIDER_MEMBERS, ProviderType))
    _add_rules(root["properties"]["spec"], [TYPE_STAYS, MIRROR_ONLY_WHAT_CAN_BE_ADOPTED])
    return root


def mapping_schema() -> Schema:
    """Build the schema of a whole MigrationMapping, rules included."""
    return _root(
        "MigrationMapping is what replicas of tenants have otherwise than their sources, shared by Migrations.",
        spec=(Mappings, "spec is what is replicated otherwise than it is."),
        status=(MappingStatus, "status is what osmig makes of the spec; nobody else may write it."),
    )


def plan_schema() -> Schema:
    """Build the schema of a whole MigrationPlan, rules included."""
    root = _root(
        "MigrationPlan empties hosts by Migrations of their servers, and proves that they are empty.",
        spec=(PlanSpec, "spec is what shall be done. A part of it is frozen once status.startTime is set."),
        status=(PlanStatus, "status is what osmig found and did; nobody else may write it."),
    )
    _add_rules(root, freeze_rules(root, PLAN_FROZEN, what="plan"))
    return root


def _migration() -> dict[str, Any]:
    return _crd(
        kind="Migration",
        short_name="osmig",
        schema=migration_schema(),
        selectable=(".spec.providerRef.name", ".spec.server.id", ".status.phase"),
        columns=[
            _column(
                "Server",
                _path_of_order(),
                "server as ordered: its name or its id; of a tenant its resource, of mailboxes their preset",
            ),
            _column("Type", ".spec.type", "type of the move"),
            _column("Phase", ".status.phase", "where the Migration stands"),
            _column("Progress", ".status.progress.percent", "percent of the data that has moved", type_="integer"),
            _column("Source", ".status.placement.sourceHost", "host the server leaves"),
            _column("Dest", ".status.placement.destinationHost", "host the server goes to"),
            _column("Reason", _of(ConditionType.SUCCEEDED, "reason"), "why the Migration stands there"),
            _column("ETA", ".status.progress.etaSeconds", "seconds until nothing is left", type_="integer", wide=True),
            _column("Trend", ".status.progress.trend", "where the data left is heading", wide=True),
            _column("Attempt", ".status.attempt", "number of the attempt", type_="integer", wide=True),
            _column("Upstream", ".status.upstream.id", "id of the migration in the cloud", wide=True),
            _column("Ready", _of(ConditionType.READY, "status"), "True after success", wide=True),
            _column("Age", ".metadata.creationTimestamp", "time since the Migration was created", type_="date"),
        ],
    )


def _provider() -> dict[str, Any]:
    return _crd(
        kind="Provider",
        short_name="osprov",
        schema=provider_schema(),
        columns=[
            _column("Type", ".spec.type", "type of the engine"),
            _column("Ready", _of(ConditionType.READY, "status"), "whether the cloud can be used"),
            _column("API", ".status.apiVersion", "highest API version the cloud offers"),
            _column("Running", ".status.upstream.running", "migrations under way in the cloud", type_="integer"),
            _column("Queued", ".status.upstream.queued", "migrations that wait there", type_="integer", wide=True),
            _column(
                "Confirm",
                ".status.upstream.awaitingConfirmation",
                "migrations that wait there for a confirmation",
                type_="integer",
                wide=True,
            ),
            _column("Types", ".status.upstream.byType", "the same migrations by type", wide=True),
            _column("Scope", ".status.upstream.scope", "how much of the cloud is counted", wide=True),
            _column("Uncounted", ".status.upstream.message", "why something is not counted", wide=True),
            _column("Reason", _of(ConditionType.READY, "reason"), "why Ready is what it is", wide=True),
            _column("Endpoint", ".status.endpoint", "endpoint in use", wide=True),
            _column("Age", ".metadata.creationTimestamp", "time since the Provider was created", type_="date"),
        ],
    )


def _mapping() -> dict[str, Any]:
    return _crd(
        kind="MigrationMapping",
        short_name="osmap",
        schema=mapping_schema(),
        columns=[
            _column("Ready", _of(ConditionType.READY, "status"), "whether the mappings could be read"),
            _column("Reason", _of(ConditionType.READY, "reason"), "why Ready is what it is"),
            _column("Age", ".metadata.creationTimestamp", "time since the MigrationMapping was created", type_="date"),
        ],
    )


def _plan() -> dict[str, Any]:
    return _crd(
        kind="MigrationPlan",
        short_name="osplan",
        schema=plan_schema(),
        selectable=(".spec.providerRef.name", ".status.phase"),
        columns=[
            _column("Phase", ".status.phase", "where the plan stands"),
            _column("Progress", ".status.progressText", "servers that are done, of all"),
            _column("Hosts", ".status.hostsText", "hosts that are proven empty, of all"),
            _column("ETA", ".status.estimatedCompletionTime", "when it ends if it goes on as so far"),
            _column("Reason", _of(ConditionType.SUCCEEDED, "reason"), "why the plan stands there"),
            _column("Ready", _of(ConditionType.READY, "status"), "True after success", wide=True),
            _column("Age", ".metadata.creationTimestamp", "time since the plan was created", type_="date"),
        ],
    )


def _crd(
    *, kind: str, short_name: str, schema: Schema, columns: Sequence[Mapping[str, Any]], selectable: Sequence[str] = ()
) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "selectableFields": [{"jsonPath": path} for path in selectable],
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "osmig"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short_name],
                "categories": [CATEGORY],
            },
            "versions": [{key: value for key, value in version.items() if value != []}],
        },
    }


def _root(description: str, *, spec: tuple[type[BaseModel], str], status: tuple[type[BaseModel], str]) -> Schema:
    return {
        "description": description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "apiVersion of the object, group and version.", "type": "string"},
            "kind": {"description": "kind of the object.", "type": "string"},
            "metadata": {"type": "object"},  # the API server forbids to say more
            "spec": {**compile_schema(spec[0]), "description": spec[1]},
            "status": {**compile_schema(status[0]), "description": status[1], "default": STATUS_DEFAULT},
        },
    }


def _add_rules(node: Schema, rules: Sequence[Rule]) -> None:
    if rules:
        node["x-kubernetes-validations"] = [*node.get("x-kubernetes-validations", ()), *rules]


def _column(name: str, path: str, description: str, *, type_: str = "string", wide: bool = False) -> dict[str, Any]:
    column = {"name": name, "type": type_, "description": description, "jsonPath": path}
    return {**column, "priority": 1} if wide else column


def _path_of_order() -> str:
    """Name the fields that say what is ordered; the column shows the first that is found."""
    members = [member for member in MIGRATION_MEMBERS if member.ordered_by]
    fields = ",".join(f"'{member.field}'" for member in members)
    leaves = ",".join(f"'{leaf}'" for member in members for leaf in member.ordered_by)
    return f".spec[{fields}][{leaves}]"


def _of(condition: ConditionType, field: str) -> str:
    return f'.status.conditions[?(@.type=="{condition}")].{field}'


def _dump(crd: Mapping[str, Any]) -> str:
    plain = json.loads(json.dumps(crd))  # no enums, and no object twice: YAML anchors are hard to read in a diff
    return _HEADER + yaml.safe_dump(plain, sort_keys=False, width=120, allow_unicode=True)
