"""The Waldur adapter's order against the double: what leaves, and what each refusal means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.waldur import WaldurLab
from lab.waldurlab import catalogue
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE
from osmig.domain.errors import NotPermitted, OutcomeUnknown, Refused
from osmig.drivers.tenants.views import ReplicaStage, RunStage
from waldur_support import GRANTED, MARKER, UNKNOWN, USERS, connected, job_for, map_type, ordered


async def test_an_order_is_one_post_without_description_and_with_nothing_that_is_not_mapped(waldur: WaldurLab) -> None:
    run = await ordered(waldur)

    [request] = waldur.control.requests()
    assert (request["method"], request["path"]) == ("POST", "/api/openstack-migrations/")
    body = json.loads(request["body"])
    assert body.pop("mappings") == {"skip_connection_extnet": False, "sync_instance_ports": False}
    assert {name: value.replace("-", "") for name, value in body.items() if name != "name"} == {
        "src_resource": SOURCE,
        "dst_offering": OFFERING,
        "dst_plan": PLAN,
    }
    assert body["name"] == MARKER
    [row] = waldur.control.rows()
    assert (run.id, run.replica_id, run.replica_name) == (row["uuid"], row["dst_resource_uuid"], MARKER)
    assert (run.stage, run.status, run.replica_stage) == (
        RunStage.SCHEDULED,
        "CREATION_SCHEDULED",
        ReplicaStage.CREATING,
    )
    assert (run.user_id, run.source_id, run.offering_id) == (USERS["owner"], SOURCE, OFFERING)


async def test_mappings_arrive_as_waldur_words_them(waldur: WaldurLab) -> None:
    mappings = {
        "volumeTypes": [
            {
                "sourceType": "57e26c4f29414e8f9d6da35110ca7b02",
                "destinationType": "c5a01095-2cbf-4272-a5cc-f57a7027c7a6",
            }
        ],
        "subnets": [{"sourceCIDR": "192.168.1.0/24", "destinationCIDR": "10.9.1.0/24"}],
        "networks": ["23d07620bbc346beafe5fb01a515e91b"],
        "skipConnectionExtnet": True,
    }
    await ordered(waldur, mappings=mappings)

    [request] = waldur.control.requests()
    assert json.loads(request["body"])["mappings"] == {
        "volume_types": [
            {
                "src_type_uuid": "57e26c4f-2941-4e8f-9d6d-a35110ca7b02",
                "dst_type_uuid": "c5a01095-2cbf-4272-a5cc-f57a7027c7a6",
            }
        ],
        "subnets": [{"src_cidr": "192.168.1.0/24", "dst_cidr": "10.9.1.0/24"}],
        "networks": ["23d07620-bbc3-46be-afe5-fb01a515e91b"],
        "skip_connection_extnet": True,
        "sync_instance_ports": False,
    }
    [row] = waldur.control.rows()
    assert row["mappings"]["subnets"] == [{"src_cidr": "192.168.1.0/24", "dst_cidr": "10.9.1.0/24"}]


async def test_ports_are_asked_for(waldur: WaldurLab) -> None:
    await ordered(waldur, mappings={"syncInstancePorts": True})

    [row] = waldur.control.rows()
    assert row["mappings"]["sync_instance_ports"] is True


async def test_an_answer_in_the_form_of_the_apis_own_description_is_a_receipt_without_a_run(waldur: WaldurLab) -> None:
    waldur.control.fault(method="POST", when="after", status=201, body={"mappings": {}, "src_resource": SOURCE})
    async with connected(waldur) as backend:
        receipt = await backend.replicate(job_for(), GRANTED)

    assert receipt.made is None
    assert len(waldur.control.rows()) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": UNKNOWN}, "spec.tenant.sourceResource: unknown or not visible to the service account"),
        ({"offering": UNKNOWN}, "spec.tenant.destinationOffering: unknown or not visible to the service account"),
        ({"plan": UNKNOWN}, "spec.tenant.destinationPlan: unknown or not visible to the service account"),
        ({"plan": catalogue.FOREIGN_PLAN}, "spec.tenant.destinationPlan: it is no plan of the destinationOffering"),
        (
            {"source": catalogue.SOURCE_WITHOUT_LIMITS},
            "spec.tenant.sourceResource: the source has no limits in Waldur; set them first",
        ),
        ({"name": " "}, "spec.tenant.namePrefix: This field may not be blank."),
        (
            {"mappings": {"networks": [UNKNOWN]}},
            "spec.tenant.mappings.networks: unknown or not visible to the service account",
        ),
        (
            {"mappings": {"volumeTypes": map_type(catalogue.FOREIGN_VOLUME_TYPE, catalogue.DESTINATION_VOLUME_TYPE)}},
            "spec.tenant.mappings.volumeTypes: a sourceType is not available in the source tenant",
        ),
        (
            {"mappings": {"volumeTypes": map_type(catalogue.VOLUME_TYPE, catalogue.VOLUME_TYPE)}},
            "spec.tenant.mappings.volumeTypes: a destinationType is not available at the destination offering",
        ),
    ],
)
async def test_an_order_that_waldur_refuses_names_the_field_of_our_spec(
    waldur: WaldurLab, fields: dict[str, Any], message: str
) -> None:
    async with connected(waldur) as backend:
        with pytest.raises(Refused) as caught:
            await backend.replicate(job_for(**fields), GRANTED)

    assert (caught.value.reason, caught.value.message) == ("InvalidSpec", message)
    assert waldur.control.rows() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 151},
        {"mappings": {"volumeTypes": map_type(UNKNOWN, UNKNOWN)}},
    ],
    ids=["name too long", "volume type that nobody knows"],
)
async def test_what_waldur_crashes_over_leaves_the_outcome_open(waldur: WaldurLab, fields: dict[str, Any]) -> None:
    async with connected(waldur) as backend:
        with pytest.raises(OutcomeUnknown) as caught:
            await backend.replicate(job_for(**fields), GRANTED)
        assert await backend.runs(SOURCE) == ()

    assert caught.value.reason == "ServerError"


async def test_a_server_before_7_6_4_crashes_over_the_name() -> None:
    with WaldurLab(age="before-7.6.4") as waldur:
        async with connected(waldur, "staff") as backend:
            with pytest.raises(OutcomeUnknown):
                await backend.replicate(job_for(), GRANTED)


@pytest.mark.parametrize("user", ["admin", "support"])
async def test_a_user_without_the_right_is_told_which_is_missing(waldur: WaldurLab, user: str) -> None:
    async with connected(waldur, user) as backend:
        with pytest.raises(NotPermitted, match="APPROVE_ORDER") as caught:
            await backend.replicate(job_for(), GRANTED)

    assert caught.value.reason == "NotPermitted"


async def test_a_stranger_is_told_that_the_source_may_be_invisible(waldur: WaldurLab) -> None:
    async with connected(waldur, "user") as backend:
        with pytest.raises(Refused, match="unknown or not visible to the service account"):
            await backend.replicate(job_for(), GRANTED)
