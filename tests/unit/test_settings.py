"""Settings: defaults, where values come from, and one clear message per bad one."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from osmig.command_line import InvalidSettingsError, list_declared, list_pieces, load_settings, read_environment
from osmig.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def complaints(**values: object) -> tuple[str, ...]:
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(values, environment={})
    return caught.value.messages


def test_the_defaults_are_the_documented_ones() -> None:
    settings = Settings()

    assert settings.kubernetes.namespaces == ()
    assert settings.endpoints.allow == ()
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 8080)  # noqa: S104 - the default
    assert (settings.lease.duration_s, settings.lease.renew_deadline_s, settings.lease.period_s) == (15, 10, 2)
    assert (settings.lease.namespace, settings.lease.name) == ("default", "osmig")
    assert (settings.upstream.connect_timeout_s, settings.upstream.read_timeout_s) == (5, 60)
    assert (settings.protocol.call_before_s, settings.protocol.adopt_after_s) == (5, 70)
    assert settings.protocol.start_grace_s == 120


def test_every_setting_has_a_flag_a_variable_a_default_and_a_sentence_of_its_own() -> None:
    declared = list(list_declared())

    assert len({setting.option.flag for setting in declared}) == len(declared)
    assert len({setting.option.text for setting in declared}) == len(declared)
    for setting in declared:
        assert re.fullmatch(r"--[a-z]+(-[a-z]+)*", setting.option.flag)
        assert re.fullmatch(r"OSMIG_[A-Z]+(_[A-Z]+)*", setting.option.envvar)
        assert re.fullmatch(r"[A-Z].*\.", setting.option.text)
        assert setting.default not in ("", "None", "()")


def test_every_member_of_every_piece_is_declared() -> None:
    members = {(piece, field) for piece, model in list_pieces() for field in model.model_fields}

    assert {(setting.piece, setting.field) for setting in list_declared()} == members
    assert {piece for piece, _ in members} == set(Settings.model_fields)


def test_durations_carry_their_unit_in_name_and_help() -> None:
    for setting in list_declared():
        assert setting.field.endswith("_s") == (setting.option.metavar == "SECONDS")


def test_settings_and_their_pieces_are_frozen_and_refuse_unknown_members() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.lease.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings.model_validate({"lease": {"nme": "other"}})


def test_given_values_win_over_the_surroundings_and_these_over_defaults() -> None:
    environment = {"lease__namespace": "osmig-system", "endpoints__service_ranges": "10.96.0.1/32"}

    assert load_settings({}, environment=environment).lease.namespace == "osmig-system"
    given: dict[str, object] = {"lease__namespace": "mine", "lease__name": None, "endpoints__service_ranges": ()}
    settings = load_settings(given, environment=environment)
    assert settings.lease.namespace == "mine"
    assert settings.lease.name == "osmig"
    assert settings.endpoints.service_ranges == (ipaddress.ip_network("10.96.0.1/32"),)


def test_text_becomes_numbers() -> None:
    settings = load_settings({"controllers__workers": "3", "polling__sweep_period_s": "0.5"}, environment={})

    assert settings.controllers.workers == 3
    assert settings.polling.sweep_period_s == 0.5


def test_the_pod_tells_its_namespace_and_one_service_address(tmp_path: Path) -> None:
    namespace_file = tmp_path / "namespace"
    namespace_file.write_text("osmig-system\n")

    found = read_environment({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, namespace_file=namespace_file)
    settings = load_settings({}, environment=found)

    assert settings.lease.namespace == "osmig-system"
    assert settings.endpoints.service_ranges == (ipaddress.ip_network("10.96.0.1/32"),)


@pytest.mark.parametrize("environ", [{}, {"KUBERNETES_SERVICE_HOST": "api.example.org"}])
def test_outside_of_a_pod_nothing_is_found(tmp_path: Path, environ: dict[str, str]) -> None:
    assert read_environment(environ, namespace_file=tmp_path / "absent") == {}


def test_an_ipv6_service_address_counts_too(tmp_path: Path) -> None:
    found = read_environment({"KUBERNETES_SERVICE_HOST": "fd00::1"}, namespace_file=tmp_path / "absent")

    ranges = load_settings({}, environment=found).endpoints.service_ranges
    assert ranges == (ipaddress.ip_network("fd00::1/128"),)


@pytest.mark.parametrize("given", [("a,b", "c"), ("a", "b,", "c"), ("a , b,c",), ["a", "b", "c"]])
def test_lists_may_be_repeated_or_comma_separated(given: object) -> None:
    settings = load_settings({"kubernetes__namespaces": given}, environment={})

    assert settings.kubernetes.namespaces == ("a", "b", "c")


def test_an_empty_namespace_is_refused_rather_than_taken_for_all() -> None:
    (said,) = complaints(kubernetes__namespaces=("",))

    assert said.startswith("--namespace (OSMIG_NAMESPACES): '' is not a namespace name")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("nova.example.org", "nova.example.org"),
        ("Nova.Example.org:8774", "nova.example.org:8774"),
        ("nova_1", "nova_1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("fd00::/8", "fd00::/8"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:8774", "127.0.0.1:8774"),
        ("::1", "::1"),
        ("[::1]:8774", "[::1]:8774"),
        ("[::1]", "::1"),
    ],
)
def test_an_endpoint_is_a_host_a_host_with_port_or_a_cidr(given: str, kept: str) -> None:
    assert load_settings({"endpoints__allow": (given,)}, environment={}).endpoints.allow == (kept,)


@pytest.mark.parametrize(
    "given",
    [
        "https://nova.example.org", "nova.example.org/v2.1", "nova:0", "nova:65536", "nova:x", "nova:", ":80",
        "10.0.0.256", "10.0.0.1/8", "[::1", "::1]", "[10.0.0.1]:80", "[nova]:80", "*.example.org", "a b", "-nova",
    ],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    (said,) = complaints(endpoints__allow=(given,))

    assert said.startswith("--allow-endpoint (OSMIG_ALLOW_ENDPOINTS): ")
    assert "host, host:port, [address]:port and CIDR" in said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"http__port": "70000"}, "--http-port (OSMIG_HTTP_PORT): must be less than or equal to 65535, not '70000'"),
        ({"http__port": "-1"}, "--http-port (OSMIG_HTTP_PORT): must be greater than or equal to 0, not '-1'"),
        ({"controllers__workers": "many"}, "--workers (OSMIG_WORKERS): must be a valid integer, not 'many'"),
        (
            {"controllers__drain_timeout_s": "0"},
            "--drain-timeout (OSMIG_DRAIN_TIMEOUT): must be greater than 0, not '0'",
        ),
        (
            {"controllers__drain_timeout_s": "nan"},
            "--drain-timeout (OSMIG_DRAIN_TIMEOUT): must be a finite number, not 'nan'",
        ),
        ({"log__format": "xml"}, "--log-format (OSMIG_LOG_FORMAT): must be 'auto', 'json' or 'text', not 'xml'"),
        ({"lease__namespace": "Osmig"}, "--lease-namespace (OSMIG_LEASE_NAMESPACE): 'Osmig' is not a namespace name"),
        ({"lease__name": "osmig_1"}, "--lease-name (OSMIG_LEASE_NAME): 'osmig_1' is not an object name"),
        (
            {"endpoints__service_ranges": ("10.96.0.1/12",)},
            "--service-range (OSMIG_SERVICE_RANGES): '10.96.0.1/12' is not a CIDR such as 10.96.0.0/12",
        ),
        (
            {"endpoints__unlisted": "refused"},
            "--unlisted-endpoints (refused) wants an --allow-endpoint, ",
        ),
        (
            {"lease__renew_deadline_s": "15"},
            "--lease-renew-deadline (15 s) must be shorter than --lease-duration (15 s), ",
        ),
        (
            {"lease__period_s": "10"},
            "--lease-period (10 s) must be shorter than --lease-renew-deadline (10 s), ",
        ),
        (
            {"protocol__adopt_after_s": "69.5"},
            "--adopt-after (69.5 s) must be at least --call-before + --connect-timeout + --read-timeout (70 s), ",
        ),
        (
            {"polling__full_sweep_period_s": "9"},
            "--full-sweep-period (9 s) must not be shorter than --sweep-period (10 s)",
        ),
    ],
)
def test_a_bad_setting_gets_one_message_that_names_it(values: dict[str, object], said: str) -> None:
    (message,) = complaints(**values)

    assert message.startswith(said)


def test_all_bad_settings_are_told_at_once() -> None:
    told = complaints(controllers__workers="0", http__port="x", kubernetes__namespaces=("a", "B", "C"))

    assert [message.partition(" ")[0] for message in told] == ["--namespace", "--namespace", "--http-port", "--workers"]


def test_all_conflicts_are_told_at_once() -> None:
    told = complaints(
        lease__duration_s="1", protocol__adopt_after_s="1", polling__full_sweep_period_s="1", polling__run_poll_s="61"
    )

    assert [message.partition(" ")[0] for message in told] == [
        "--lease-renew-deadline",
        "--adopt-after",
        "--full-sweep-period",
        "--run-poll-max",
    ]


def test_crash_tests_can_shorten_every_duration_together() -> None:
    settings = Settings.model_validate(
        {
            "lease": {"duration_s": 1.5, "renew_deadline_s": 1, "period_s": 0.2},
            "upstream": {"connect_timeout_s": 0.5, "read_timeout_s": 1},
            "protocol": {"call_before_s": 0.5, "adopt_after_s": 2, "start_grace_s": 1},
        }
    )

    assert settings.protocol.adopt_after_s == 2
