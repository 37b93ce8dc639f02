"""Each request that the adapter can make: Waldur was recorded answering it, and the generated client builds it, too."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from waldur_api_client.models.mapping_request import MappingRequest
from waldur_api_client.models.migration_create_request import MigrationCreateRequest
from waldur_api_client.models.resource_terminate_request import ResourceTerminateRequest
from waldur_api_client.models.sub_net_mapping_request import SubNetMappingRequest
from waldur_api_client.models.volume_type_mapping_request import VolumeTypeMappingRequest

from osmig.api.mappings import Mappings
from osmig.drivers.tenants.waldur import requests
from osmig.drivers.tenants.waldur.requests import TEMPLATES, Template
from osmig.net.requests import Request, Size
from waldur_support import job_for, map_subnets, map_type

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
RECORDED: list[dict[str, Any]] = [
    pair
    for name in ("waldur_reads.json", "waldur.json")
    for pair in json.loads((HERE / "recorded" / name).read_text(encoding="utf-8"))
    if "request" in pair  # a few are told by their label alone
]
SOME_ID = UUID("b8444897-d6e6-4277-adb0-48b2cf09fca5")
OTHER_ID = UUID("a30676f8-02cc-4fff-8e81-a6010c1b2a4d")
UUID_IN_PATH = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
FULL = Mappings.model_validate(
    {
        "volumeTypes": map_type(str(SOME_ID), str(OTHER_ID)),
        "subnets": map_subnets(("192.168.1.0/24", "10.9.1.0/24")),
        "networks": [SOME_ID.hex],
        "skipConnectionExtnet": True,
    }
)


def name_of(template: Template) -> str:
    return f"{template.operation} {template.of}".strip()


def build(template: Template) -> Request:
    """Make a request as the adapter does, and of a list its second page."""
    if template is requests.REPLICATE:
        return requests.order_replica(job_for(mappings=FULL.model_dump(by_alias=True)))
    if template is requests.TERMINATE:
        return requests.order_termination(SOME_ID.hex)
    needs_id = template.of or "{id}" in template.path
    request = template.about(SOME_ID.hex if needs_id else "")
    return requests.turn_to(request, 2) if request.size is Size.PAGES else request


def shape_of(method: str, target: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Reduce a request to what is the same whatever it is about."""
    parts = urlsplit(target)
    parameters = (
        (name, "*" if name == "page" or UUID_IN_PATH.fullmatch(text) else text) for name, text in parse_qsl(parts.query)
    )
    return method, UUID_IN_PATH.sub("*", parts.path), tuple(sorted(parameters))


def keys_of(body: object, above: str = "") -> set[str]:
    """Return the paths of all keys of a body."""
    if isinstance(body, list):
        return {key for row in body for key in keys_of(row, f"{above}[]")}
    if isinstance(body, dict):
        return {key for name, value in body.items() for key in {f"{above}.{name}", *keys_of(value, f"{above}.{name}")}}
    return set()


DOCUMENTED = frozenset({requests.LIST_TOKENS})
"""Requests that Waldur's own description has and no server was recorded answering; nothing may depend on an answer."""


APART = frozenset({requests.LIST_ALL_RUNS})
"""Requests that were recorded in two halves: the list without a filter, and its pages with one."""


def test_waldur_was_recorded_listing_every_run_and_listing_by_pages() -> None:
    plain, paged = requests.PING.path, build(requests.LIST_RUNS)
    asked = {shape_of(pair["request"]["method"], pair["request"]["path"]) for pair in RECORDED}
    assert ("GET", plain, ()) in asked
    assert shape_of(paged.method, paged.target) in asked


@pytest.mark.parametrize("template", [one for one in TEMPLATES if one not in DOCUMENTED | APART], ids=name_of)
def test_waldur_was_recorded_answering_every_request(template: Template) -> None:
    request = build(template)
    known = [
        pair
        for pair in RECORDED
        if shape_of(pair["request"]["method"], pair["request"]["path"]) == shape_of(request.method, request.target)
    ]
    answered = [pair for pair in known if pair["response"]["status"] in (200, 201, 204)]
    assert answered, f"no recorded pair is like {request.method} {request.target}"
    # one of the keys was only recorded in an order that was refused for what it says
    sent = {key for pair in known for key in keys_of(pair["request"].get("body"))}
    assert keys_of(request.body) <= sent


def test_no_request_is_made_but_those_of_the_table() -> None:
    """Else the tests of this file would not know of it."""
    package = Path(requests.__file__).parent
    found = {
        (path.name, node.func.id)
        for path in package.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Request", "Template")
    }
    assert found == {("requests.py", "Request"), ("requests.py", "Template")}
    assert {value for value in vars(requests).values() if isinstance(value, Template)} == set(TEMPLATES)


def test_an_id_that_could_lead_elsewhere_is_no_id() -> None:
    for text in ("../users", "42", f"{SOME_ID}/terminate"):
        with pytest.raises(ValueError, match="badly formed"):
            requests.READ_RUN.about(text)


# --- beside the generated client

PAGE = {"page": 2, "page_size": 100}


def fields(template: Template, of: str) -> dict[str, Any]:
    """Name the fields as the client's enumeration does: each must be one that Waldur's schema has."""
    module = importlib.import_module(f"waldur_api_client.models.{of}")
    [enumeration] = [value for name, value in vars(module).items() if name.endswith("FieldEnum")]
    return {"field": [enumeration(name) for name in template.fields]}


def create(mappings: MappingRequest) -> MigrationCreateRequest:
    job = job_for()
    return MigrationCreateRequest(
        src_resource=UUID(job.source_resource),
        dst_offering=UUID(job.destination_offering),
        dst_plan=UUID(job.destination_plan),
        name=job.name,
        mappings=mappings,
    )


MAPPED = MappingRequest(
    volume_types=[VolumeTypeMappingRequest(src_type_uuid=SOME_ID, dst_type_uuid=OTHER_ID)],
    subnets=[SubNetMappingRequest(src_cidr="192.168.1.0/24", dst_cidr="10.9.1.0/24")],
    networks=[SOME_ID],
    skip_connection_extnet=True,
    sync_instance_ports=False,
)
RESOURCE = fields(requests.READ_SOURCE, "resource_field_enum")
CALLS: dict[Template, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    requests.PING: ("openstack_migrations.openstack_migrations_list", (), {"page_size": 1}),
    requests.READ_USER: ("users.users_me_retrieve", (), fields(requests.READ_USER, "user_me_field_enum")),
    requests.LIST_TOKENS: ("personal_access_tokens.personal_access_tokens_list", (), PAGE),
    requests.READ_VERSION: ("version.version_retrieve", (), {}),
    requests.LIST_RUNS: ("openstack_migrations.openstack_migrations_list", (), {"src_resource_uuid": SOME_ID} | PAGE),
    requests.LIST_ALL_RUNS: ("openstack_migrations.openstack_migrations_list", (), PAGE),
    requests.DELETE_RUN: ("openstack_migrations.openstack_migrations_destroy", (SOME_ID,), {}),
    requests.READ_RUN: ("openstack_migrations.openstack_migrations_retrieve", (SOME_ID,), {}),
    requests.READ_SOURCE: ("marketplace_resources.marketplace_resources_retrieve", (SOME_ID,), RESOURCE),
    requests.READ_REPLICA: ("marketplace_resources.marketplace_resources_retrieve", (SOME_ID,), RESOURCE),
    requests.READ_TENANT: (
        "openstack_tenants.openstack_tenants_retrieve",
        (SOME_ID,),
        fields(requests.READ_TENANT, "open_stack_tenant_field_enum"),
    ),
    requests.READ_ORDER: (
        "marketplace_orders.marketplace_orders_retrieve",
        (SOME_ID,),
        fields(requests.READ_ORDER, "order_details_field_enum"),
    ),
    requests.READ_OFFERING: (
        "marketplace_public_offerings.marketplace_public_offerings_retrieve",
        (SOME_ID,),
        fields(requests.READ_OFFERING, "public_offering_details_field_enum"),
    ),
    requests.LIST_PLANS: ("marketplace_public_offerings.marketplace_public_offerings_plans_list", (SOME_ID,), {}),
    requests.LIST_NETWORKS: (
        "openstack_networks.openstack_networks_list",
        (),
        {"tenant_uuid": SOME_ID} | PAGE | fields(requests.LIST_NETWORKS, "open_stack_network_field_enum"),
    ),
    requests.LIST_SUBNETS: (
        "openstack_subnets.openstack_subnets_list",
        (),
        {"tenant_uuid": SOME_ID} | PAGE | fields(requests.LIST_SUBNETS, "open_stack_sub_net_field_enum"),
    ),
    requests.LIST_TENANT_TYPES: (
        "openstack_volume_types.openstack_volume_types_list",
        (),
        {"tenant_uuid": SOME_ID} | PAGE,
    ),
    requests.LIST_OFFERING_TYPES: (
        "openstack_volume_types.openstack_volume_types_list",
        (),
        {"offering_uuid": SOME_ID} | PAGE,
    ),
    requests.LIST_ALL_TYPES: ("openstack_volume_types.openstack_volume_types_list", (), PAGE),
    requests.REPLICATE: ("openstack_migrations.openstack_migrations_create", (), {"body": create(MAPPED)}),
    requests.TERMINATE: (
        "marketplace_resources.marketplace_resources_terminate",
        (SOME_ID,),
        {"body": ResourceTerminateRequest()},
    ),
}


def client_builds(module: str, *args: object, **given: object) -> dict[str, Any]:
    """Return what the generated client would hand to its HTTP library."""
    build_request = vars(importlib.import_module(f"waldur_api_client.api.{module}"))["_get_kwargs"]
    built: dict[str, Any] = build_request(*args, **given)
    return built


def flatten(params: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in params.items():
        yield from ((name, str(one)) for one in (value if isinstance(value, list) else [value]))


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_the_generated_client_builds_the_same_request(template: Template) -> None:
    module, args, given = CALLS[template]
    theirs, ours = client_builds(module, *args, **given), build(template)

    assert (ours.method, ours.path) == (theirs["method"].upper(), theirs["url"])
    assert sorted(ours.parameters) == sorted(flatten(theirs.get("params", {})))
    assert ours.body == theirs.get("json")


def test_an_order_without_mappings_says_what_the_clients_says() -> None:
    plain = client_builds(
        "openstack_migrations.openstack_migrations_create",
        body=create(MappingRequest(skip_connection_extnet=False, sync_instance_ports=False)),
    )
    assert requests.order_replica(job_for()).body == plain["json"]


def test_the_client_has_no_page_for_plans_either() -> None:
    with pytest.raises(TypeError, match="page"):
        client_builds("marketplace_public_offerings.marketplace_public_offerings_plans_list", SOME_ID, page=1)
