"""The Waldur adapter against the double: reading, ordering and terminating, as each user and each age."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from lab.waiting import eventually_async
from lab.waldur import WaldurLab
from lab.waldurlab.catalogue import OFFERING, PLAN, SOURCE, make_users
from osmig.domain.capabilities import Capability, Scope
from osmig.domain.errors import Absent, NotPermitted, OutcomeUnknown, Refused
from osmig.domain.replicas import OrderStage, ReplicaStage, RunStage
from waldur_support import GRANTED, connected, job_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.waldurlab.replication import Outcome
    from nova_support import Told
    from osmig.domain.replicas import RunView

USERS = {user.name: user.uuid for user in make_users()}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
MARKER = "shop-3f9a2c1e-1"


@pytest.fixture
def lab() -> Iterator[WaldurLab]:
    with WaldurLab() as running:
        yield running


async def ordered(lab: WaldurLab, **fields: Any) -> RunView:  # noqa: ANN401 - as job_for takes them
    """Order one replication; return it as its answer told."""
    async with connected(lab) as backend:
        receipt = await backend.replicate(job_for(**fields), GRANTED)
    assert receipt.run is not None
    return receipt.run


async def is_asked_for(lab: WaldurLab, page: str) -> bool:
    """Tell whether a page of a list was asked for."""
    return any(["page", page] in request["query"] for request in lab.control.requests())


# --- probing


@pytest.mark.parametrize(
    ("user", "scope"),
    [("owner", Scope.PROJECT), ("admin", Scope.PROJECT), ("staff", Scope.CLOUD), ("support", Scope.CLOUD)],
)
async def test_a_probe_tells_the_version_the_user_and_what_the_user_sees(
    lab: WaldurLab, user: str, scope: Scope
) -> None:
    async with connected(lab, user) as backend:
        probe = await backend.probe()

    assert (probe.endpoint, probe.api_version, probe.user_id) == (lab.url, "7.8.2", USERS[user])
    assert probe.scope is scope
    assert probe.capabilities == probe.possible == {Capability.TENANT_REPLICATION}


async def test_a_probe_of_a_server_before_7_6_4_finds_nothing_that_it_can_do() -> None:
    with WaldurLab(age="before-7.6.4") as lab:
        async with connected(lab) as backend:
            probe = await backend.probe()

    assert (probe.api_version, probe.capabilities, probe.possible) == ("7.5.9", frozenset(), frozenset())


async def test_a_probe_goes_on_where_version_and_user_may_not_be_read(lab: WaldurLab) -> None:
    lab.control.fault(path="/api/version/", status=404)
    lab.control.fault(path="/api/users/me/", status=403)
    async with connected(lab) as backend:
        probe = await backend.probe()

    assert (probe.api_version, probe.user_id, probe.scope) == ("unknown", None, Scope.UNKNOWN)
    assert probe.capabilities == {Capability.TENANT_REPLICATION}


async def test_a_token_that_is_refused_is_told_by_probe_and_sweep(lab: WaldurLab) -> None:
    async with connected(lab) as backend:
        lab.control.user("owner", token="another")  # noqa: S106 - of the double
        for call in (backend.probe(), backend.sweep(None)):
            with pytest.raises(NotPermitted) as caught:
                await call
            assert caught.value.reason == "Unauthorized"


async def test_a_sweep_is_one_request_for_one_row(lab: WaldurLab) -> None:
    lab.control.seed(count=3)
    async with connected(lab) as backend:
        sweep = await backend.sweep(None)

    assert sweep.records == ()
    assert sweep.is_full
    assert sweep.cursor is not None
    [request] = lab.control.requests()
    assert (request["path"], request["query"]) == ("/api/openstack-migrations/", [["page_size", "1"]])


# --- the order


async def test_an_order_is_one_post_without_description_and_with_nothing_that_is_not_mapped(lab: WaldurLab) -> None:
    run = await ordered(lab)

    [request] = lab.control.requests()
    assert (request["method"], request["path"]) == ("POST", "/api/openstack-migrations/")
    body = json.loads(request["body"])
    assert body.pop("mappings") == {"skip_connection_extnet": False, "sync_instance_ports": False}
    assert {name: value.replace("-", "") for name, value in body.items() if name != "name"} == {
        "src_resource": SOURCE,
        "dst_offering": OFFERING,
        "dst_plan": PLAN,
    }
    assert body["name"] == MARKER
    [row] = lab.control.rows()
    assert (run.id, run.replica_id, run.replica_name) == (row["uuid"], row["dst_resource_uuid"], MARKER)
    assert (run.stage, run.status, run.replica_stage) == (
        RunStage.SCHEDULED,
        "CREATION_SCHEDULED",
        ReplicaStage.CREATING,
    )
    assert (run.user_id, run.source_id, run.offering_id) == (USERS["owner"], SOURCE, OFFERING)


async def test_mappings_arrive_as_waldur_words_them(lab: WaldurLab) -> None:
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
    await ordered(lab, mappings=mappings)

    [request] = lab.control.requests()
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
    [row] = lab.control.rows()
    assert row["mappings"]["subnets"] == [{"src_cidr": "192.168.1.0/24", "dst_cidr": "10.9.1.0/24"}]


async def test_ports_are_asked_for(lab: WaldurLab) -> None:
    await ordered(lab, mappings={"syncInstancePorts": True})

    [row] = lab.control.rows()
    assert row["mappings"]["sync_instance_ports"] is True


async def test_an_answer_in_the_form_of_the_apis_own_description_is_a_receipt_without_a_run(lab: WaldurLab) -> None:
    lab.control.fault(method="POST", when="after", status=201, body={"mappings": {}, "src_resource": SOURCE})
    async with connected(lab) as backend:
        receipt = await backend.replicate(job_for(), GRANTED)

    assert receipt.run is None
    assert len(lab.control.rows()) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": UNKNOWN}, "spec.tenant.sourceResource: unknown or not visible to the service account"),
        ({"offering": UNKNOWN}, "spec.tenant.destinationOffering: unknown or not visible to the service account"),
        ({"plan": UNKNOWN}, "spec.tenant.destinationPlan: unknown or not visible to the service account"),
        (
            {"plan": "450563012e674069a3b5f8188fd78d1c"},
            "spec.tenant.destinationPlan: This plan is not available for selected offering.",
        ),
        (
            {"source": "1f4dee8dfb3445e19cab513b23513ace"},
            "spec.tenant.sourceResource: the source has no limits in Waldur; set them first",
        ),
        ({"name": " "}, "spec.tenant.namePrefix: This field may not be blank."),
        (
            {"mappings": {"networks": [UNKNOWN]}},
            "spec.tenant.mappings.networks: unknown or not visible to the service account",
        ),
        (
            {
                "mappings": {
                    "volumeTypes": [
                        {
                            "sourceType": "11bf4e5b234642928ee56579907ff330",
                            "destinationType": "c5a010952cbf4272a5ccf57a7027c7a6",
                        }
                    ]
                }
            },
            "spec.tenant.mappings.volumeTypes: a sourceType is not available in the source tenant",
        ),
        (
            {
                "mappings": {
                    "volumeTypes": [
                        {
                            "sourceType": "57e26c4f29414e8f9d6da35110ca7b02",
                            "destinationType": "57e26c4f29414e8f9d6da35110ca7b02",
                        }
                    ]
                }
            },
            "spec.tenant.mappings.volumeTypes: a destinationType is not available at the destination offering",
        ),
    ],
)
async def test_an_order_that_waldur_refuses_names_the_field_of_our_spec(
    lab: WaldurLab, fields: dict[str, Any], message: str
) -> None:
    async with connected(lab) as backend:
        with pytest.raises(Refused) as caught:
            await backend.replicate(job_for(**fields), GRANTED)

    assert (caught.value.reason, caught.value.message) == ("InvalidSpec", message)
    assert lab.control.rows() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 151},
        {"mappings": {"volumeTypes": [{"sourceType": UNKNOWN, "destinationType": UNKNOWN}]}},
    ],
    ids=["name too long", "volume type that nobody knows"],
)
async def test_what_waldur_crashes_over_leaves_the_outcome_open(lab: WaldurLab, fields: dict[str, Any]) -> None:
    async with connected(lab) as backend:
        with pytest.raises(OutcomeUnknown) as caught:
            await backend.replicate(job_for(**fields), GRANTED)
        assert await backend.runs(SOURCE) == ()

    assert caught.value.reason == "ServerError"


async def test_a_server_before_7_6_4_crashes_over_the_name() -> None:
    with WaldurLab(age="before-7.6.4") as lab:
        async with connected(lab, "staff") as backend:
            with pytest.raises(OutcomeUnknown):
                await backend.replicate(job_for(), GRANTED)


@pytest.mark.parametrize("user", ["admin", "support"])
async def test_a_user_without_the_right_is_told_which_is_missing(lab: WaldurLab, user: str) -> None:
    async with connected(lab, user) as backend:
        with pytest.raises(NotPermitted, match="APPROVE_ORDER") as caught:
            await backend.replicate(job_for(), GRANTED)

    assert caught.value.reason == "NotPermitted"


async def test_a_stranger_is_told_that_the_source_may_be_invisible(lab: WaldurLab) -> None:
    async with connected(lab, "user") as backend:
        with pytest.raises(Refused, match="unknown or not visible to the service account"):
            await backend.replicate(job_for(), GRANTED)


# --- finding and following


async def test_34_runs_are_read_over_all_pages_oldest_first_and_the_one_on_page_4_is_found(lab: WaldurLab) -> None:
    lab.control.page_rows(10)
    lab.control.seed(count=33, name="other", created="2026-11-01T00:00:00+00:00")
    [ours] = lab.control.seed(name=MARKER, created="2026-11-02T00:00:00+00:00")

    async with connected(lab) as backend:
        runs = await backend.runs(SOURCE)

    assert len(runs) == 34
    assert (runs[-1].id, runs[-1].replica_name) == (ours, MARKER)
    pages = [dict(request["query"])["page"] for request in lab.control.requests()]
    assert pages == ["1", "2", "3", "4"]


async def test_no_source_is_mixed_up_with_another_even_if_the_server_ignores_the_filter(lab: WaldurLab) -> None:
    lab.control.seed(count=2)

    async with connected(lab) as backend:
        assert await backend.runs(UNKNOWN) == ()
        [one, other] = await backend.runs(SOURCE)
        lab.control.change(one.id, src_resource_uuid="1f4dee8dfb3445e19cab513b23513ace")
        assert [run.id for run in await backend.runs(SOURCE)] == [other.id]


async def test_a_row_without_mappings_and_one_that_is_broken_hide_no_other(lab: WaldurLab) -> None:
    [null, broken, good] = lab.control.seed(count=3)
    lab.control.change(null, mappings=None)
    lab.control.change(broken, drop=["uuid"])

    async with connected(lab) as backend:
        assert [run.id for run in await backend.runs(SOURCE)] == [null, good]
        assert (await backend.run(null)).id == null


async def test_a_list_that_shrinks_while_it_is_read_is_read_anew(lab: WaldurLab) -> None:
    """Rows that are deleted pull others to the page that was read already, where they would be overlooked."""
    lab.control.page_rows(10)
    ids = lab.control.seed(count=21)
    lab.control.fault(path="page=2", action="pass", hold=True)

    async with connected(lab) as backend:
        reading = asyncio.create_task(backend.runs(SOURCE))
        await eventually_async(lambda: is_asked_for(lab, "2"), what="page 2 asked for")
        lab.control.forget(ids[0])
        lab.control.release()
        runs = await reading

    assert [run.id for run in runs] == ids[1:]


async def test_runs_of_an_old_server_are_read(lab: WaldurLab) -> None:
    del lab
    with WaldurLab(age="before-7.6.4") as old:
        [uuid] = old.control.seed(name=MARKER)
        async with connected(old) as backend:
            run = await backend.run(uuid)

    assert (run.stage, run.status) == (RunStage.SCHEDULED, "Creation Scheduled")
    assert (run.replica_stage, run.replica_status, run.error) == (ReplicaStage.UNKNOWN, None, "")


@pytest.mark.parametrize("run_id", [UNKNOWN, UNKNOWN.replace("-", ""), "42", ""])
async def test_a_run_that_there_is_not_is_absent(lab: WaldurLab, run_id: str) -> None:
    async with connected(lab) as backend:
        with pytest.raises(Absent) as caught:
            await backend.run(run_id)

    assert caught.value.reason == "RecordGone"


async def test_another_users_run_is_not_seen(lab: WaldurLab) -> None:
    run = await ordered(lab)

    async with connected(lab, "rival") as backend:
        assert await backend.runs(SOURCE) == ()
        with pytest.raises(Absent):
            await backend.run(run.id)
    async with connected(lab, "staff") as backend:
        assert (await backend.run(run.id)).user_id == USERS["owner"]


@pytest.mark.parametrize(
    ("outcome", "stages"),
    [
        (
            "success",
            [
                (RunStage.SCHEDULED, ReplicaStage.CREATING),
                (RunStage.CREATING, ReplicaStage.CREATING),
                (RunStage.CREATING, ReplicaStage.OK),
                (RunStage.OK, ReplicaStage.OK),
            ],
        ),
        ("fails-early", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.ERRED, ReplicaStage.TERMINATED)]),
        ("fails-late", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.ERRED, ReplicaStage.ERRED)]),
        ("worker-lost", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.CREATING, ReplicaStage.ERRED)]),
        ("broker-lost", [(RunStage.SCHEDULED, ReplicaStage.CREATING), (RunStage.SCHEDULED, ReplicaStage.ERRED)]),
        ("destination-lost", [(RunStage.OK, ReplicaStage.TERMINATING), (RunStage.OK, ReplicaStage.TERMINATED)]),
    ],
)
async def test_every_joint_state_is_seen_on_its_way(
    lab: WaldurLab, outcome: Outcome, stages: list[tuple[RunStage, ReplicaStage]]
) -> None:
    lab.control.choose(outcome)
    run = await ordered(lab)
    seen = []
    async with connected(lab) as backend:
        for _ in range(7):
            now = await backend.run(run.id)
            seen.append((now.stage, now.replica_stage))
            lab.control.advance(run.id)

    assert [stage for stage in dict.fromkeys(seen) if stage in stages] == stages


async def test_a_failure_tells_its_cause_in_a_line_and_never_its_traceback(lab: WaldurLab) -> None:
    lab.control.choose("fails-late", error='ConnectFailure("Unable to connect to http://10.0.0.7:5000/v3")')
    run = await ordered(lab)
    lab.control.advance(run.id, 9)

    async with connected(lab) as backend:
        failed = await backend.run(run.id)

    assert failed.error.startswith('ConnectFailure("Unable to connect to ')
    for inside in ("10.0.0.7", "Traceback", "/opt/waldur", "keystone"):
        assert inside not in repr(failed)


# --- the replica


async def test_a_replica_is_counted_by_its_networks_and_subnets(lab: WaldurLab) -> None:
    run = await ordered(lab)
    lab.control.advance(run.id)
    lab.control.progress(run.id, 3)

    async with connected(lab) as backend:
        replica = await backend.replica(run.replica_id or "", None)

    assert (replica.stage, replica.status, replica.error) == (ReplicaStage.CREATING, "Creating", "")
    assert replica.items is not None
    assert (replica.items.of, replica.items.total, replica.items.done) == (
        "networks and subnets of the replica",
        4,
        3,
    )
    assert replica.order_stage is OrderStage.UNKNOWN


async def test_a_replica_that_stalled_has_its_own_error(lab: WaldurLab) -> None:
    lab.control.choose("worker-lost")
    run = await ordered(lab)
    lab.control.advance(run.id, 9)

    async with connected(lab) as backend:
        replica = await backend.replica(run.replica_id or "", None)

    assert (replica.stage, replica.error) == (ReplicaStage.ERRED, "Provisioning has timed out.")


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_parts_of_a_replica_that_may_not_be_read_are_left_out(lab: WaldurLab, status: int) -> None:
    run = await ordered(lab)
    lab.control.fault(path="/api/openstack-(tenants|networks|subnets)/", status=status, count=9)

    async with connected(lab) as backend:
        replica = await backend.replica(run.replica_id or "", UNKNOWN)

    assert (replica.stage, replica.error, replica.items) == (ReplicaStage.CREATING, "", None)
    assert replica.order_stage is OrderStage.UNKNOWN


async def test_a_token_that_is_refused_on_the_way_is_never_an_absence(lab: WaldurLab) -> None:
    run = await ordered(lab)
    lab.control.fault(path="/api/openstack-tenants/", status=401)

    async with connected(lab) as backend:
        with pytest.raises(NotPermitted) as caught:
            await backend.replica(run.replica_id or "", None)

    assert caught.value.reason == "Unauthorized"


async def test_a_replica_that_may_not_be_seen_is_absent(lab: WaldurLab) -> None:
    run = await ordered(lab)
    async with connected(lab, "user") as backend:
        with pytest.raises(Absent):
            await backend.replica(run.replica_id or "", None)


# --- clean-up


async def finished(lab: WaldurLab, outcome: Outcome = "success") -> str:
    """Order a replication and let it end; return the replica."""
    lab.control.choose(outcome)
    run = await ordered(lab)
    lab.control.advance(run.id, 9)
    lab.control.clear_requests()
    return run.replica_id or ""


@pytest.mark.parametrize("outcome", ["success", "fails-late", "worker-lost"])
async def test_a_replica_is_terminated_by_an_order_that_is_followed(lab: WaldurLab, outcome: Outcome) -> None:
    replica_id = await finished(lab, outcome)

    async with connected(lab) as backend:
        receipt = await backend.terminate(replica_id, GRANTED)
        assert receipt.request_id is not None
        under_way = await backend.replica(replica_id, receipt.request_id)
        lab.control.end_termination(replica_id)
        ended = await backend.replica(replica_id, receipt.request_id)

    assert (under_way.stage, under_way.order_stage) == (ReplicaStage.TERMINATING, OrderStage.UNDER_WAY)
    assert (ended.stage, ended.order_stage, ended.items) == (ReplicaStage.TERMINATED, OrderStage.DONE, None)
    [change] = [request for request in lab.control.requests() if request["method"] != "GET"]
    assert change["path"].replace("-", "") == f"/api/marketplaceresources/{replica_id}/terminate/"


async def test_an_order_to_terminate_may_fail_and_leave_the_replica(lab: WaldurLab) -> None:
    replica_id = await finished(lab)

    async with connected(lab) as backend:
        receipt = await backend.terminate(replica_id, GRANTED)
        lab.control.end_termination(replica_id, "erred")
        ended = await backend.replica(replica_id, receipt.request_id)

    assert (ended.stage, ended.order_stage) == (ReplicaStage.OK, OrderStage.ERRED)
    assert ended.order_error == "simulated backend failure in delete_tenant"


async def test_a_replica_in_another_state_is_not_terminated_now(lab: WaldurLab) -> None:
    run = await ordered(lab)

    async with connected(lab) as backend:
        with pytest.raises(Refused) as caught:
            await backend.terminate(run.replica_id or "", GRANTED)

    assert caught.value.reason == "Conflict"
    assert "OK, Erred" in caught.value.message


async def test_without_the_right_to_terminate_it_is_named(lab: WaldurLab) -> None:
    replica_id = await finished(lab)
    lab.control.user("owner", may_terminate=False)

    async with connected(lab) as backend:
        with pytest.raises(NotPermitted, match="TERMINATE_RESOURCE"):
            await backend.terminate(replica_id, GRANTED)


async def test_a_replica_that_there_is_not_cannot_be_terminated(lab: WaldurLab) -> None:
    async with connected(lab) as backend:
        for replica_id in (UNKNOWN, "42"):
            with pytest.raises(Absent):
                await backend.terminate(replica_id, GRANTED)


async def test_every_request_is_told_to_the_observer_in_our_words(lab: WaldurLab) -> None:
    told: Told = []
    async with connected(lab, told=told) as backend:
        await backend.probe()
        await backend.replicate(job_for(), GRANTED)

    assert told == [
        ("waldur", "read-user", "200"),
        ("waldur", "ping", "200"),
        ("waldur", "read-version", "200"),
        ("waldur", "replicate", "201"),
    ]
