"""Every bad Secret, endpoint and order becomes a condition that says what is wrong, and harms nobody else.

All of them (``bad_input``) meet one operator at once; a good Provider and its Migration live beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bad_input import CANARY, INVALID, ORDERS, REFUSED, ROWS, UNAUTHORIZED
from bad_scene import play
from e2e_credentials import by_password, connect_by
from e2e_status import condition, has_trouble, is_ready, outcome, verdicts
from http_upstream import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bad_scene import Scene
    from lab.nova import NovaLab

pytestmark = pytest.mark.timeout(300)
"""The first test's time is that of the whole scene: a cloud, an API server, and a word for each mistake."""

BY_A_PERSON = {REFUSED, INVALID, UNAUTHORIZED}


@pytest.fixture(scope="module")
def scene(nova_keystone: NovaLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything, met."""
    with play(nova_keystone, tmp_path_factory.mktemp("bad-input") / "osmig.log") as played:
        yield played


@pytest.mark.parametrize("mistake", ROWS)
def test_a_bad_provider_is_told_what_is_wrong(scene: Scene, mistake: str) -> None:
    row, status = ROWS[mistake], scene.providers[mistake]
    ready = condition(status, "Ready")

    assert ready["status"] == "False"
    assert (ready["reason"] in row.reasons, row.words in ready["message"]) == (True, True), ready
    assert ready["message"]
    assert ready["observedGeneration"] == status["observedGeneration"] == 1
    waits = "Stalled" if ready["reason"] in BY_A_PERSON else "Reconciling"
    assert verdicts(status)[waits] == "True"


@pytest.mark.parametrize("mistake", ORDERS)
def test_a_bad_order_is_told_what_is_wrong(scene: Scene, mistake: str) -> None:
    order, status = ORDERS[mistake], scene.moves[mistake]

    assert outcome(status) == order.outcome
    assert order.words in condition(status, "Succeeded")["message"]
    assert "startTime" not in status
    assert "pendingCall" not in status


def test_nobody_was_connected_to_who_was_not_allowed(scene: Scene) -> None:
    assert [trap.url for trap in scene.traps if trap.was_touched()] == []


def test_a_dns_answer_that_changes_changes_nothing(scene: Scene) -> None:
    scene.tenant.until_provider(has_trouble(REFUSED), what="asked again", name="endpoint-changing-name")

    assert any(seen.startswith("GET /changing") for seen in scene.scripted.seen)
    with pytest.raises(BlockingIOError):
        scene.behind.accept()


def test_a_name_is_judged_by_the_address_that_it_leads_to(scene: Scene) -> None:
    keystone = str(scene.nova.keystone).replace(LOOPBACK, "localhost")
    connect_by(scene.tenant, by_password(keystone, "operator", "secret"), name="by-name")

    scene.tenant.until_provider(is_ready, what="ready", name="by-name", timeout_s=60)


def test_an_order_that_waits_for_its_provider_names_the_provider_s_trouble(scene: Scene) -> None:
    read_error = {
        name: condition(scene.moves[name], "ProviderReady")["reason"] for name in scene.moves if is_waiting(name)
    }

    assert read_error == {
        "no-provider": "ProviderNotFound",
        "refused-provider": REFUSED,
        "provider-without-secret": "SecretNotFound",
        "unauthorized-provider": "Unauthorized",
    }


def is_waiting(name: str) -> bool:
    """Whether an order can do no more than wait."""
    return ORDERS[name].outcome[0] == "Queued"


def test_the_good_provider_and_its_move_went_on_beside_all_of_them(scene: Scene) -> None:
    scene.nova.control.steer(scene.good.server, "finish")

    assert outcome(scene.good.until_finished()) == ("Succeeded", "Succeeded")
    now = scene.tenant.provider("good")["status"]
    assert condition(now, "Ready") == condition(scene.ready, "Ready")
    assert scene.operator.logs("step.crashed") == []
    assert scene.operator.returncode is None


def test_one_that_is_mended_gets_ready_beside_all_of_them(scene: Scene) -> None:
    connect_by(scene.tenant, by_password(str(scene.nova.keystone), "operator", "secret"), name="no-secret")

    scene.tenant.until_provider(is_ready, what="ready", name="no-secret", timeout_s=60)


def test_nothing_of_a_bad_secret_is_seen_again(scene: Scene) -> None:
    objects = scene.tenant.cluster.kubectl("get", "migrations,providers,events", "-A", "-o", "yaml").stdout
    said = {"objects": objects, "log": scene.operator.output(), "metrics": scene.operator.http("/metrics")[1]}

    assert [where for where, text in said.items() if CANARY in text] == []
    assert all("user-and-password" in text for text in said.values())
