"""clouds.yaml: what is used, what is harmless, what is refused by name, and that no value is ever repeated."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from keystoneauth1 import token_endpoint
from keystoneauth1.identity import v3

from osmig.drivers.servers.nova.cloud_keys import IGNORED_KEYS, IGNORED_SETTINGS
from osmig.drivers.servers.nova.credentials import AUTH_TYPES, Credentials, InvalidCredentialsError, read_credentials
from osmig.drivers.servers.nova.plugins import find_loader
from osmig.drivers.servers.nova.session import ComputeSession
from osmig.drivers.servers.nova.transport import Transport
from osmig.net.bounds import Timeouts
from osmig.net.endpoints import EndpointGuard, EndpointPolicy

if TYPE_CHECKING:
    from pathlib import Path

SECRET_VALUE = "hunter2-and-more"  # noqa: S105 - what must not be repeated
PASSWORD_AUTH = {
    "auth_url": "https://keystone.example.org/v3",
    "username": "mover",
    "password": SECRET_VALUE,
    "project_name": "lab",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}
VALID_AUTH: dict[str, dict[str, Any]] = {
    "password": PASSWORD_AUTH,
    "v3password": PASSWORD_AUTH,
    "v3token": {"auth_url": "https://keystone.example.org/v3", "token": SECRET_VALUE, "project_id": "p"},
    "v3applicationcredential": {
        "auth_url": "https://keystone.example.org/v3",
        "application_credential_id": "abc",
        "application_credential_secret": SECRET_VALUE,
    },
    "admin_token": {"endpoint": "https://nova.example.org/v2.1", "token": SECRET_VALUE},
}


def secret_of(**cloud: object) -> dict[str, bytes]:
    cloud.setdefault("auth", PASSWORD_AUTH)
    return {"clouds.yaml": yaml.safe_dump({"clouds": {"region-one": cloud}}).encode()}


def refusal(secret: dict[str, bytes], cloud: str = "region-one") -> str:
    with pytest.raises(InvalidCredentialsError) as caught:
        read_credentials(secret, cloud)
    assert SECRET_VALUE not in str(caught.value)
    return str(caught.value)


def test_a_common_clouds_yaml_is_read() -> None:
    secret = secret_of(
        region_name="RegionOne", interface="internal", identity_api_version=3, verify=True, compute_api_version="2.1"
    )

    credentials = read_credentials(secret | {"cacert": b"PEM"}, "region-one")

    assert credentials.auth_type == "password"
    assert credentials.auth == PASSWORD_AUTH
    assert (credentials.region_name, credentials.interface, credentials.cacert) == ("RegionOne", "internal", b"PEM")


@pytest.mark.parametrize("auth_type", AUTH_TYPES)
def test_each_way_to_log_in_is_accepted_when_complete(auth_type: str) -> None:
    credentials = read_credentials(secret_of(auth_type=auth_type, auth=VALID_AUTH[auth_type]), "region-one")

    assert credentials.auth_type == auth_type
    assert SECRET_VALUE not in repr(credentials)


@pytest.mark.parametrize(
    ("auth_type", "missing"),
    [
        ("password", "auth_url"),
        ("password", "username"),
        ("v3password", "password"),
        ("v3token", "token"),
        ("v3applicationcredential", "application_credential_id"),
        ("v3applicationcredential", "application_credential_secret"),
        ("admin_token", "endpoint"),
        ("admin_token", "token"),
    ],
)
def test_a_missing_field_is_named(auth_type: str, missing: str) -> None:
    auth = {key: value for key, value in VALID_AUTH[auth_type].items() if key != missing}

    message = refusal(secret_of(auth_type=auth_type, auth=auth))

    assert f"auth.{missing}" in message
    assert "is missing" in message


@pytest.mark.parametrize(
    "key",
    [
        "profile", "vendor", "vendor_hook", "cloud", "cacert", "cert", "key", "proxy", "regions",
        "compute_endpoint_override", "compute_connect_retries", "compute_status_code_retries", "insecure",
        "identity_endpoint_override", "compute_service_type", "connect_retries", "_api_version",
        "statsd", "metrics", "cache", "client", "auth_methods",
    ],
)  # fmt: skip
def test_a_key_that_is_not_allowed_is_refused_by_name(key: str) -> None:
    assert f"key '{key}' is not allowed" in refusal(secret_of(**{key: SECRET_VALUE}))


@pytest.mark.parametrize("key", ["passcode", "endpoint", "oauth2_endpoint", "discovery_endpoint", "mutual_tls_ca"])
def test_an_auth_key_that_its_type_does_not_know_is_refused_by_name(key: str) -> None:
    assert f"'auth.{key}' is not allowed" in refusal(secret_of(auth=PASSWORD_AUTH | {key: SECRET_VALUE}))


@pytest.mark.parametrize("auth_type", ["v3oidcpassword", "v3kerberos", "http_basic", "none", "v2password", 3])
def test_other_ways_to_log_in_are_refused(auth_type: object) -> None:
    assert "auth_type must be one of" in refusal(secret_of(auth_type=auth_type))


@pytest.mark.parametrize("key", ["verify", "insecure"])
@pytest.mark.parametrize("word", [True, False, "TRUE", "no", 0, SECRET_VALUE])
def test_verification_cannot_be_turned_off(key: str, word: object) -> None:
    is_harmless = str(word).lower() in ({"true"} if key == "verify" else {"false", "no", "0"})
    if is_harmless:
        read_credentials(secret_of(**{key: word}), "region-one")
    else:
        assert "use the key cacert of the Secret" in refusal(secret_of(**{key: word}))


@pytest.mark.parametrize("service", ["volume", "block_storage", "image", "network", "load_balancer"])
@pytest.mark.parametrize("setting", IGNORED_SETTINGS)
def test_settings_of_services_that_are_never_called_are_harmless(service: str, setting: str) -> None:
    read_credentials(secret_of(**{f"{service}_{setting}": "x"}), "region-one")


@pytest.mark.parametrize("key", sorted(IGNORED_KEYS))
def test_keys_that_are_about_something_else_are_harmless(key: str) -> None:
    read_credentials(secret_of(**{key: [{"name": "public", "routes_externally": True}]}), "region-one")


@pytest.mark.parametrize("empty", [None, "", " ", [], {}])
@pytest.mark.parametrize("key", ["profile", "cacert", "region_name", "interface", "verify", "auth_type", "x"])
def test_a_key_without_a_value_is_no_key(key: str, empty: object) -> None:
    credentials = read_credentials(secret_of(**{key: empty}), "region-one")

    assert (credentials.auth_type, credentials.region_name, credentials.interface) == ("password", None, "public")


def test_the_file_of_a_real_site_is_read() -> None:
    text = """
    clouds:
      region-one:
        profile:
        auth_type: ""
        auth:
          auth_url: https://keystone.example.org/v3
          username: mover
          password: hunter2-and-more
          tenant_name: lab
          project_domain_id: ''
          user_domain_name: Default
          project_domain_name: Default
        region_name: RegionOne
        interface: public
        identity_api_version: '3'
        compute_api_version: '2.95'
        volume_api_version: 3
        image_interface: internal
        verify: "true"
        insecure: false
        networks:
        - {name: ext-net, routes_externally: true, nat_destination: false}
        floating_ip_source: neutron
    """
    credentials = read_credentials({"clouds.yaml": text.encode()}, "region-one")

    assert credentials.auth["project_name"] == "lab"
    assert (credentials.region_name, credentials.interface) == ("RegionOne", "public")


def test_what_is_said_of_the_compute_service_alone_is_used() -> None:
    cloud = {"interface": "public", "compute_interface": "internal", "region_name": "A", "compute_region_name": "B"}
    credentials = read_credentials(secret_of(**cloud), "region-one")

    assert (credentials.interface, credentials.region_name) == ("internal", "B")


@pytest.mark.parametrize(
    ("auth", "meant"),
    [
        (VALID_AUTH["v3applicationcredential"], "v3applicationcredential"),
        (VALID_AUTH["v3token"], "v3token"),
        (VALID_AUTH["admin_token"], "admin_token"),
    ],
)
def test_an_auth_type_that_is_missing_is_named_by_what_auth_holds(auth: dict[str, Any], meant: str) -> None:
    assert f"auth_type is missing; for what auth holds it must be {meant}" in refusal(secret_of(auth=auth))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("clouds:\n  region-one:\n\t  auth: {}", "line 3"),
        ("clouds:\n  region-one:\n    auth: {password: 'hunter2-and-more\n", "line 4"),
        ("clouds: {}\nx: hunter2-and-more\x01", "line 2"),
        ("a: 1\nb: !hunter2-and-more 1", "line 2"),
        ("a: b: hunter2-and-more", "line 1"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, place: str) -> None:
    message = refusal({"clouds.yaml": text.encode()})

    assert message.startswith("clouds.yaml: not valid YAML: ")
    assert place in message


@pytest.mark.parametrize("version", [2, "2.0", "v2"])
def test_an_old_identity_api_is_refused(version: object) -> None:
    assert "identity_api_version must be 3" in refusal(secret_of(identity_api_version=version))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://keystone.example.org", "must start with http"),
        ("file:///etc/passwd", "must start with http"),
        (f"https://mover:{SECRET_VALUE}@keystone.example.org/v3", "must not hold a user name"),
        ("https:///v3", "must name a host"),
        ("https://keystone.example.org:http/v3", "is not a URL"),
        ("https://keystone example.org/v3", "must name a host"),
    ],
)
def test_a_url_that_cannot_be_an_endpoint_is_refused_without_repeating_it(url: str, problem: str) -> None:
    message = refusal(secret_of(auth=PASSWORD_AUTH | {"auth_url": url}))

    assert f"auth.auth_url {problem}" in message
    assert "example" not in message


def test_a_number_where_text_belongs_is_refused_because_yaml_may_have_changed_it() -> None:
    secret = {"clouds.yaml": b"clouds: {region-one: {auth: {auth_url: 'http://h', username: u, password: 0123}}}"}

    assert "auth.password must be a string, put it in quotes" in refusal(secret)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clouds: [", "not valid YAML"),
        ("[" * 16000, "nested more than 32 levels deep"),
        ("clouds: {a: !!python/object/apply:os.system [id]}", "not valid YAML"),
        ("[]", "a mapping named clouds is missing"),
        ("clouds: []", "a mapping named clouds is missing"),
        ("clouds: {other: {}}", "there is no cloud 'region-one'"),
        ("clouds: {region-one: 1}", "there is no cloud 'region-one'"),
        ("clouds: {region-one: {auth: 1}}", "auth must be a mapping"),
        ("a: &a [1, 2]\nb: [*a, *a]\nclouds: {}", "aliases"),
        ("clouds: {region-one: {}}" + " " * 17000, "longer than 16 KiB"),
    ],
)
def test_a_document_that_is_not_a_plain_clouds_yaml_is_refused(text: str, problem: str) -> None:
    assert problem in refusal({"clouds.yaml": text.encode()})


def test_a_secret_without_clouds_yaml_is_refused() -> None:
    assert refusal({"password": SECRET_VALUE.encode()}) == "clouds.yaml: the Secret has no such key"


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "not UTF-8 text" in refusal({"clouds.yaml": b"\xff\xfe"})


@pytest.mark.parametrize(("word", "meant"), [("public", "public"), ("publicURL", "public"), ("adminURL", "admin")])
def test_both_spellings_of_an_interface_are_read(word: str, meant: str) -> None:
    assert read_credentials(secret_of(endpoint_type=word), "region-one").interface == meant


def test_an_unknown_interface_is_refused() -> None:
    assert "interface must be one of public, internal, admin" in refusal(secret_of(interface="outside"))


def test_a_region_that_is_no_text_is_refused() -> None:
    assert "region_name must be a string" in refusal(secret_of(region_name=["a"]))


def test_a_long_key_is_cut_because_it_may_be_a_value_in_the_wrong_place() -> None:
    message = refusal(secret_of(**{"k" * 500: "x"}))

    assert len(message) < 200


def login_of(credentials: Credentials) -> Any:  # noqa: ANN401 - the plugins have no class in common but what sends
    guard = EndpointGuard(EndpointPolicy())
    transport = Transport(guard, cacert=None, timeouts=Timeouts(), threads=1, observe=lambda *_: None)
    return ComputeSession(credentials, transport)._auth  # noqa: SLF001 - what it logs in with


@pytest.mark.parametrize(
    ("auth_type", "plugin"),
    [
        ("password", v3.Password),
        ("v3password", v3.Password),
        ("v3token", v3.Token),
        ("v3applicationcredential", v3.ApplicationCredential),
        ("admin_token", token_endpoint.Token),
    ],
)
def test_each_way_to_log_in_is_a_plugin_of_keystoneauth_with_what_was_written(auth_type: str, plugin: type) -> None:
    auth = VALID_AUTH[auth_type]
    login = login_of(read_credentials(secret_of(auth_type=auth_type, auth=auth), "region-one"))

    assert type(login) is plugin
    parts = [login, *getattr(login, "auth_methods", ())]
    held = {name: value for part in parts for name, value in vars(part).items()}
    assert {held[key] for key in auth} == set(auth.values())


@pytest.mark.parametrize("auth_type", AUTH_TYPES)
def test_what_auth_may_hold_is_what_its_plugin_knows_less_what_would_lead_elsewhere(auth_type: str) -> None:
    known = {option.dest for option in find_loader(AUTH_TYPES[auth_type].plugin).get_options()}
    shorthand = {"default_domain_id", "default_domain_name"}

    assert AUTH_TYPES[auth_type].keys - known <= shorthand
    # Keystone gives an application credential no other scope than its own.
    scope = {name for name in known if name.startswith(("project_", "domain_", "system_", "trust_"))}
    assert known - AUTH_TYPES[auth_type].keys == (scope if auth_type == "v3applicationcredential" else set())


@pytest.mark.parametrize("key", sorted(AUTH_TYPES["password"].keys - {"auth_url", "username", "password"}))
def test_an_empty_value_is_as_good_as_none(key: str) -> None:
    login = login_of(read_credentials(secret_of(auth=PASSWORD_AUTH | {key: ""}), "region-one"))

    assert not getattr(login, key, None)


def test_a_default_domain_is_that_of_user_and_project_where_these_have_none() -> None:
    auth = {name: value for name, value in PASSWORD_AUTH.items() if name != "user_domain_name"}
    login = login_of(read_credentials(secret_of(auth=auth | {"default_domain_id": "d"}), "region-one"))

    assert (login.auth_methods[0].user_domain_id, login.auth_methods[0].user_domain_name) == ("d", None)
    assert (login.project_domain_id, login.project_domain_name) == (None, "Default")


def test_neither_a_plugin_of_another_package_nor_the_environment_gets_into_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "intruder-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[keystoneauth1.plugin]\nv3password = intruder:Loader\n")
    (tmp_path / "intruder.py").write_text("from keystoneauth1.loading.admin_token import AdminToken as Loader\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OS_PASSWORD", "another")
    monkeypatch.setenv("OS_PROJECT_ID", "another")

    login = login_of(read_credentials(secret_of(), "region-one"))

    found = entry_points(group="keystoneauth1.plugin", name="v3password")
    assert "intruder:Loader" in {entry.value for entry in found}
    assert type(login) is v3.Password
    assert (vars(login.auth_methods[0])["password"], login.project_id) == (SECRET_VALUE, None)
    assert "intruder" not in sys.modules
