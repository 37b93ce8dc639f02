"""What osmig does by itself. A spec cannot name less than 30 s and 60 s, so all moves here wait side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from e2e_cloud import calls, wide_cloud
from e2e_status import condition, control, outcome
from e2e_tenant import Tenant, tenancy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e_move import HostPair
    from lab.cluster import Cluster
    from lab.nova import NovaLab
    from lab.osmig_run import OsmigRun

pytestmark = pytest.mark.timeout(300)
LONG_S = 150.0
LIVE, COLD = "LiveMigration", "ColdMigration"
STALLED = "hang,stall=50"

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "stall-alert": (STALLED, LIVE, {"live": {"convergence": {"progressTimeoutSeconds": 30}}}),
    "stall-force": (
        STALLED,
        LIVE,
        {"live": {"convergence": {"progressTimeoutSeconds": 30, "onStall": "ForceComplete"}}},
    ),
    "stall-abort": (STALLED, LIVE, {"live": {"convergence": {"progressTimeoutSeconds": 30, "onStall": "Abort"}}}),
    "stall-user": (
        "hang,stall=50,force=ignore",
        LIVE,
        {"live": {"convergence": {"progressTimeoutSeconds": 30, "onStall": "Abort"}}},
    ),
    "deadline-alert": (STALLED, LIVE, {"deadlineSeconds": 60}),
    "deadline-abort": (STALLED, LIVE, {"deadlineSeconds": 60, "onDeadline": "Abort"}),
    "deadline-cold": ("cold_delay=75", COLD, {"deadlineSeconds": 60, "onDeadline": "Abort"}),
    "deadline-paused": ("", COLD, {"deadlineSeconds": 60, "onDeadline": "Abort"}),
    "gate-alert": ("", COLD, {"cold": {"confirmDeadlineSeconds": 60}}),
    "gate-confirm": ("", COLD, {"cold": {"confirmDeadlineSeconds": 60, "onConfirmDeadline": "Confirm"}}),
    "gate-revert": ("", COLD, {"cold": {"confirmDeadlineSeconds": 60, "onConfirmDeadline": "Revert"}}),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """All moves of this file, under way at the same time."""

    nova: NovaLab
    moves: dict[str, HostPair]

    def outcome(self, name: str) -> tuple[str, str]:
        """Wait for the end; return phase and reason."""
        return outcome(self.moves[name].until_finished(timeout_s=LONG_S))

    def until_acted(self, name: str, policy: str) -> dict[str, Any]:
        """Wait until a policy has acted; return its entry."""
        status = self.moves[name].until(lambda status: find(status, policy), what=f"{policy} acted", timeout_s=LONG_S)
        return find(status, policy)

    def words(self, name: str) -> list[str]:
        """Return what Nova was asked to do with the server, without repetitions."""
        words = [call.word for call in calls(self.nova, self.moves[name].server)]
        return [word for word, before in zip(words, ["", *words], strict=False) if word != before]


def find(status: dict[str, Any], policy: str) -> dict[str, Any]:
    """Return what a policy did; empty when it did nothing."""
    return next((order for order in status.get("policyOrders", ()) if order["policy"] == policy), {})


@pytest.fixture(scope="module")
def scene(crds: Cluster, operator: OsmigRun) -> Iterator[Scene]:
    """A cloud and a namespace with one move per case."""
    assert operator.returncode is None
    with wide_cloud() as nova, tenancy(crds, nova) as tenant:
        moves = {
            name: _begin(tenant, nova, name, plan=plan, type_=type_, spec=spec)
            for name, (plan, type_, spec) in CASES.items()
        }
        yield Scene(nova, moves)


def _begin(tenant: Tenant, nova: NovaLab, name: str, *, plan: str, type_: str, spec: dict[str, Any]) -> HostPair:
    server = nova.boot(name, plan=plan or None, host="cmp1")
    orders = {"osmig.dev/force-complete": "now"} if name == "stall-user" else None
    return tenant.move(server, name=name, source="cmp1", type=type_, annotations=orders, **spec)


def test_a_stalled_move_says_so_and_goes_on_when_the_policy_is_alert(scene: Scene) -> None:
    assert "verb" not in scene.until_acted("stall-alert", "onStall")
    status = scene.moves["stall-alert"].status
    converging = condition(status, "Converging")
    assert (status["phase"], converging["status"], converging["reason"]) == ("Running", "False", "Flat")
    assert status["progress"]["trend"] == "Flat"
    assert scene.words("stall-alert") == ["live-migrate"]


def test_a_stalled_move_is_forced_to_complete_by_the_policy(scene: Scene) -> None:
    assert scene.outcome("stall-force") == ("Succeeded", "Succeeded")
    assert scene.words("stall-force") == ["live-migrate", "force-complete"]
    assert "controls" not in scene.moves["stall-force"].status, "no user gave an order"


def test_a_stalled_move_is_called_off_by_the_policy_and_fails_as_stalled(scene: Scene) -> None:
    assert scene.outcome("stall-abort") == ("Failed", "Stalled")
    assert scene.words("stall-abort") == ["live-migrate", "abort"]


def test_a_users_order_outranks_the_policy(scene: Scene) -> None:
    move = scene.moves["stall-user"]
    scene.until_acted("stall-abort", "onStall")
    move.until(
        lambda status: condition(status, "Converging").get("status") == "False", what="stalled", timeout_s=LONG_S
    )
    assert find(move.status, "onStall") == {}, "the policy leaves the move to its user"
    scene.nova.control.steer(move.server, "finish")
    assert scene.outcome("stall-user") == ("Succeeded", "Succeeded")
    assert control(move.status, "force-complete")["result"] == "Done"
    assert scene.words("stall-user") == ["live-migrate", "force-complete"]


def test_a_move_past_its_deadline_goes_on_when_the_policy_is_alert(scene: Scene) -> None:
    assert "verb" not in scene.until_acted("deadline-alert", "onDeadline")
    move = scene.moves["deadline-alert"]
    assert move.status["phase"] == "Running"
    assert "PolicyActed" in {event["reason"] for event in move.tenant.events(move.name)}


def test_a_move_past_its_deadline_is_called_off_by_the_policy(scene: Scene) -> None:
    assert scene.outcome("deadline-abort") == ("Failed", "DeadlineExceeded")
    assert scene.words("deadline-abort") == ["live-migrate", "abort"]


def test_a_cold_move_past_its_deadline_is_reverted_as_soon_as_nova_allows(scene: Scene) -> None:
    assert scene.outcome("deadline-cold") == ("Failed", "DeadlineExceeded")
    assert scene.words("deadline-cold") == ["cold-migrate", "revert"]


def test_the_deadline_stands_still_while_a_confirmation_is_awaited(scene: Scene) -> None:
    # by now more than the 60 s of its deadline have passed
    scene.until_acted("deadline-alert", "onDeadline")
    move = scene.moves["deadline-paused"]
    status = move.status
    assert (status["phase"], "deadlineTime" in status) == ("AwaitingConfirmation", False)
    assert "policyOrders" not in status
    move.order("confirm")
    assert scene.outcome("deadline-paused") == ("Succeeded", "Succeeded")


def test_a_confirmation_that_is_overdue_is_told_and_waits_on(scene: Scene) -> None:
    assert "verb" not in scene.until_acted("gate-alert", "onConfirmDeadline")
    status = scene.moves["gate-alert"].status
    assert status["phase"] == "AwaitingConfirmation"
    assert scene.words("gate-alert") == ["cold-migrate"]


def test_a_confirmation_that_is_overdue_is_given_by_the_policy(scene: Scene) -> None:
    assert scene.outcome("gate-confirm") == ("Succeeded", "Succeeded")
    assert scene.words("gate-confirm") == ["cold-migrate", "confirm"]


def test_a_confirmation_that_is_overdue_is_refused_by_the_policy(scene: Scene) -> None:
    assert scene.outcome("gate-revert") == ("Reverted", "ConfirmDeadlineExceeded")
    assert scene.words("gate-revert") == ["cold-migrate", "revert"]
