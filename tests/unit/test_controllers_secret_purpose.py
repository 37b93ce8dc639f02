"""A Secret is used for what it was made for, and sent where it says that it may be sent; whatever the engine."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from api_samples import hosting_spec, provider_body
from controller_fakes import PROVIDER
from controller_lab import Lab
from osmig.api.names import Kind
from osmig.api.provider import ProviderSpec, ProviderType, parse_provider
from osmig.controllers.secret_purpose import check_purpose
from osmig.domain.errors import InvalidConfiguration
from osmig.kube.secrets import SecretValues
from tenant_fakes import ENDPOINT, WALDUR, waldur_body, waldur_secret

if TYPE_CHECKING:
    from osmig.controllers.keys import Key

FOREIGN = "value-of-a-stranger"
BUILT_IN = (
    "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg", "kubernetes.io/tls", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth",
    "helm.sh/release.v1", "istio.io/ca-root",
)  # fmt: skip


def lab_with_waldur(secret: dict[str, bytes], *, type: str = "Opaque", **provider: Any) -> Lab:  # noqa: A002, ANN401
    lab = Lab()
    lab.api.secrets["team-a", "waldur"] = secret
    lab.api.secret_types["team-a", "waldur"] = type
    lab.offer(Kind.PROVIDER, waldur_body(**provider))
    return lab


def told(lab: Lab, key: Key, kind: str) -> tuple[str, str, str]:
    (found,) = (c for c in lab.api.status(key)["conditions"] if c["type"] == kind)
    return found["status"], found["reason"], found["message"]


async def test_a_secret_that_does_not_say_where_it_may_go_is_sent_nowhere_and_the_message_has_the_line() -> None:
    lab = lab_with_waldur({"token": FOREIGN.encode()})
    lab.waldur.users[FOREIGN] = "user-1"

    await lab.step(WALDUR)

    status, reason, message = told(lab, WALDUR, "Stalled")
    assert (status, reason, lab.tenants) == ("True", "InvalidConfiguration", [])
    assert FOREIGN not in message
    line = shlex.split(message.partition(": kubectl ")[2])
    assert line[:6] == ["-n", "team-a", "patch", "secret", "waldur", "--type=merge"]
    lab.api.secrets["team-a", "waldur"] |= {
        key: value.encode() for key, value in json.loads(line[-1])["stringData"].items()
    }
    await lab.clock.pass_by(60)
    await lab.step(WALDUR)
    assert told(lab, WALDUR, "Ready")[0] == "True", "the line of the message mends it"


@pytest.mark.parametrize(
    "said",
    [
        "https://other.example.org", "http://waldur.example.org", "https://waldur.example.org:8443",
        "https://waldur.example.org/other", "https://waldur.example.org.evil.example", "", " ", "waldur.example.org",
        "\xff", "https://",
    ],
)  # fmt: skip
async def test_a_secret_of_another_endpoint_is_not_sent(said: str) -> None:
    lab = lab_with_waldur({"token": b"good", "endpoint": said.encode("latin-1")})

    await lab.step(WALDUR)

    assert (told(lab, WALDUR, "Ready")[:2], lab.tenants) == (("False", "InvalidConfiguration"), [])
    assert said.strip() in ENDPOINT or said not in told(lab, WALDUR, "Ready")[2]


@pytest.mark.parametrize(
    "said",
    ["https://waldur.example.org/", "HTTPS://Waldur.Example.org", "https://waldur.example.org:443", ENDPOINT + "\n"],
)
async def test_another_spelling_of_the_endpoint_is_the_same(said: str) -> None:
    lab = lab_with_waldur({"token": b"good", "endpoint": said.encode()})

    await lab.step(WALDUR)

    assert told(lab, WALDUR, "Ready")[0] == "True"


@pytest.mark.parametrize("type", BUILT_IN)
async def test_a_secret_that_was_made_for_something_else_is_refused_whatever_it_says(type: str) -> None:  # noqa: A002
    lab = lab_with_waldur(waldur_secret(), type=type)

    await lab.step(WALDUR)

    assert (told(lab, WALDUR, "Ready")[:2], lab.tenants) == (("False", "InvalidConfiguration"), [])
    assert "of type Opaque" in told(lab, WALDUR, "Stalled")[2]


async def test_a_clouds_yaml_says_itself_where_it_goes_and_its_secret_has_to_be_one_for_it_all_the_same() -> None:
    lab = Lab()
    lab.offer(Kind.PROVIDER, provider_body())
    await lab.step(PROVIDER)
    assert (told(lab, PROVIDER, "Ready")[0], lab.made) == ("True", 1)

    other = Lab()
    other.api.secret_types["team-a", "clouds"] = BUILT_IN[0]
    other.offer(Kind.PROVIDER, provider_body())
    await other.step(PROVIDER)
    assert (told(other, PROVIDER, "Ready")[:2], other.made) == (("False", "InvalidConfiguration"), 0)


async def test_nothing_is_told_of_which_keys_a_secret_has_that_was_not_meant_for_it() -> None:
    texts = []
    for key in ("token", "missing"):
        body = waldur_body()
        body["spec"]["waldur"]["tokenRef"]["key"] = key
        lab = Lab()
        lab.api.secrets["team-a", "waldur"] = {"token": FOREIGN.encode()}
        lab.offer(Kind.PROVIDER, body)
        await lab.step(WALDUR)
        texts.append(told(lab, WALDUR, "Ready")[2])
    assert texts[0] == texts[1]


def test_the_line_stays_one_argument_whatever_the_endpoint_holds() -> None:
    endpoint = "https://waldur.example.org/'$(reboot);"
    lab = lab_with_waldur({"token": b"good"}, endpoint=endpoint)
    with pytest.raises(InvalidConfiguration) as caught:
        check_purpose(SecretValues({}), parse_provider(lab.api.objects[WALDUR]))

    line = shlex.split(caught.value.message.partition(": kubectl ")[2])
    assert json.loads(line[-1]) == {"stringData": {"endpoint": endpoint}}


@pytest.mark.parametrize("type", ProviderType)
def test_every_type_of_provider_says_whether_its_spec_or_its_secret_names_the_endpoint(type: ProviderType) -> None:  # noqa: A002
    members = {
        ProviderType.OPENSTACK: ({"openstack": provider_body()["spec"]["openstack"]}, None),
        ProviderType.WALDUR: ({"waldur": waldur_body()["spec"]["waldur"]}, ENDPOINT),
        ProviderType.HOSTING: ({"hosting": hosting_spec()["hosting"]}, "https://api.example.org"),
    }
    member, endpoint = members[type]
    assert ProviderSpec.model_validate({"type": type, **member}).secret_endpoint == endpoint
