"""What each answer of Waldur means; the bodies are those that the real server was seen to send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nova_support import Permission
from osmig.domain.errors import (
    Absent,
    BackendError,
    EndpointRefused,
    NotInThisState,
    NotPermitted,
    NotUnderstood,
    OutcomeUnknown,
    Refused,
    Transient,
    Unauthorized,
    Unsupported,
)
from osmig.drivers.tenants.waldur.classify import judge_change, judge_failure, judge_read, judge_unreadable
from osmig.net.answers import Answer, Call
from osmig.net.endpoints import EndpointRefusedError
from osmig.net.failures import NoAnswerError, PermitExpiredError

FOLDER = Path(__file__).parents[1] / "contract" / "recorded"
RECORDED: list[dict[str, Any]] = [
    pair
    for name in ("waldur.json", "waldur_before_7_6_4.json")
    for pair in json.loads((FOLDER / name).read_text(encoding="utf-8"))
    if pair.get("request", {}).get("method") == "POST" and pair["request"]["path"] == "/api/openstack-migrations/"
]
READS = json.loads((Path(__file__).parents[1] / "contract" / "recorded" / "waldur_reads.json").read_text("utf-8"))
PAGE = b"<!doctype html><title>Not Found</title>"
MISSING = "unknown or not visible to the service account"
MAPPINGS = "spec.tenant.mappings"

TOLD = {
    "empty-body": "spec.tenant.sourceResource: This field is required.; "
    "spec.tenant.destinationOffering: This field is required.; spec.tenant.destinationPlan: This field is required.",
    "src-not-a-uuid": f"spec.tenant.sourceResource: {MISSING}",
    "src-unknown": f"spec.tenant.sourceResource: {MISSING}",
    "offering-unknown": f"spec.tenant.destinationOffering: {MISSING}",
    "plan-unknown": f"spec.tenant.destinationPlan: {MISSING}",
    "create-as-user": f"spec.tenant.sourceResource: {MISSING}",
    "plan-of-other-offering": "spec.tenant.destinationPlan: it is no plan of the destinationOffering",
    "src-without-limits": "spec.tenant.sourceResource: the source has no limits in Waldur; set them first",
    "dst-cidr-host-bits": f"{MAPPINGS}.subnets[0].destinationCIDR: Enter a valid IPv4 address.",
    "dst-cidr-public": f"{MAPPINGS}.subnets[0].destinationCIDR: A private network CIDR is expected.",
    "dst-cidr-prefix-16": f"{MAPPINGS}.subnets[0].destinationCIDR: Network mask length should be equal to 24.",
    "dst-cidr-blank": f"{MAPPINGS}.subnets[0].destinationCIDR: This field may not be blank.",
    "src-cidr-missing": f"{MAPPINGS}.subnets[0].sourceCIDR: This field is required.",
    "vt-src-not-in-tenant": f"{MAPPINGS}.volumeTypes: a sourceType is not available in the source tenant",
    "vt-dst-wrong-service": (f"{MAPPINGS}.volumeTypes: a destinationType is not available at the destination offering"),
    "vt-not-a-uuid": f"{MAPPINGS}.volumeTypes[0].sourceType: Must be a valid UUID.",
    "vt-dst-missing": f"{MAPPINGS}.volumeTypes[0].destinationType: This field is required.",
    "network-unknown": f"{MAPPINGS}.networks: {MISSING}",
    "network-not-a-uuid": f"{MAPPINGS}.networks: {MISSING}",
    "sync-ports-with-subnets": f"{MAPPINGS}.syncInstancePorts: may not be set together with subnets",
    "bool-invalid": f"{MAPPINGS}.skipConnectionExtnet: Must be a valid boolean.",
    "mappings-null": f"{MAPPINGS}: This field may not be null.",
    "mappings-list": f"{MAPPINGS}: Invalid data. Expected a dictionary, but got list.",
    "name-blank": "spec.tenant.namePrefix: This field may not be blank.",
}


def answer_of(label: str) -> Answer:
    """Return a recorded answer to a POST."""
    response = next(pair["response"] for pair in RECORDED if pair["label"] == label)
    body = response["body"]
    return Answer(response["status"], body.encode() if isinstance(body, str) else json.dumps(body).encode())


def detail(text: str) -> bytes:
    return json.dumps({"detail": text}).encode()


@pytest.mark.parametrize("label", sorted(TOLD))
def test_an_objection_to_a_field_is_told_in_the_words_of_our_spec(label: str) -> None:
    error = judge_change(answer_of(label), "replicate")

    assert isinstance(error, Refused)
    assert (error.reason, error.message) == ("InvalidSpec", TOLD[label])


@pytest.mark.parametrize("label", [pair["label"] for pair in RECORDED if pair["response"]["status"] == 400])
def test_no_objection_that_was_recorded_shows_an_id_or_upstreams_fields(label: str) -> None:
    error = judge_change(answer_of(label), "replicate")

    assert isinstance(error, Refused | NotPermitted)
    for theirs in ("uuid=", "src_", "dst_", "_types", "{", "[]"):
        assert theirs not in error.message


@pytest.mark.parametrize("label", ["create-as-admin", "create-as-support"])
def test_an_objection_about_rights_is_no_fault_of_the_spec(label: str) -> None:
    error = judge_change(answer_of(label), "replicate")

    assert isinstance(error, NotPermitted)
    assert error.reason == "NotPermitted"
    assert "APPROVE_ORDER" in error.message


def test_servers_before_2025_word_the_missing_right_otherwise() -> None:
    text = "You do not have permissions to create tenant in this project using selected service."
    error = judge_change(Answer(400, json.dumps({"non_field_errors": [text]}).encode()), "replicate")

    assert isinstance(error, NotPermitted)


REFUSED_LOGINS = {
    (pair["request"]["as"], pair["response"]["body"]["detail"])
    for pair in READS
    if pair["response"]["status"] == 401 and pair["response"]["body"]
}
REMEDIES = {
    None: "keeps the header Authorization back",
    "bad-token": "does not know the token",
    "expired": "has expired; put a new one of the same user",
    "switched-off": "switched off or deleted",
}


def test_all_refused_tokens_of_the_recording_are_told_apart() -> None:
    assert {user for user, _ in REFUSED_LOGINS} == set(REMEDIES)


@pytest.mark.parametrize(("user", "said"), sorted(REFUSED_LOGINS, key=str))
def test_each_refused_token_has_its_cause_and_what_to_do(user: str | None, said: str) -> None:
    for error in (judge_read(Answer(401, detail(said)), "ping"), judge_change(Answer(401, detail(said)), "terminate")):
        assert (type(error), error.reason) == (Unauthorized, "Unauthorized")
        assert REMEDIES[user] in error.message


@pytest.mark.parametrize("content", [b"", PAGE, detail("Token has been revoked.")])
def test_a_refusal_in_other_words_is_told_as_no_more_than_it_is(content: bytes) -> None:
    assert judge_read(Answer(401, content), "ping").message == "Waldur does not accept the token"


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 408, 499 + 1, 502, 503, 504, 520])
def test_what_proves_nothing_leaves_the_outcome_open(status: int) -> None:
    error = judge_change(Answer(status, PAGE, {"retry-after": "7"}), "replicate")

    assert isinstance(error, OutcomeUnknown)
    assert error.reason == ("ServerError" if status == 500 else "NoAnswer")
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("status", "content", "kind", "reason"),
    [
        (401, detail("Invalid token."), Unauthorized, "Unauthorized"),
        (403, detail("You do not have permission to perform this action."), NotPermitted, "NotPermitted"),
        (404, PAGE, Unsupported, "Unsupported"),
        (404, detail("Not found."), Unsupported, "Unsupported"),
        (405, detail('Method "POST" not allowed.'), Unsupported, "Unsupported"),
        (409, detail("Valid states for operation: Creation Scheduled."), NotInThisState, "Conflict"),
        (413, b"", Transient, "Retrying"),
        (429, detail("Request was throttled."), Transient, "Retrying"),
        (400, PAGE, Refused, "StartRefused"),
        (400, b"{}", Refused, "StartRefused"),
        (400, b"[[[[[[[[[[[[1]]]]]]]]]]]]", Refused, "StartRefused"),
        (422, b"", Refused, "StartRefused"),
    ],
)
def test_an_order_is_judged_by_what_the_answer_proves(
    status: int, content: bytes, kind: type[BackendError], reason: str
) -> None:
    error = judge_change(Answer(status, content), "replicate")

    assert type(error) is kind
    assert (error.reason, error.operation) == (reason, "replicate")


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (404, detail("No Resource matches the given query."), Absent, "sees no such resource"),
        (404, PAGE, Unsupported, "no Waldur"),
        (403, b"", NotPermitted, "TERMINATE_RESOURCE"),
        (
            409,
            detail("Valid states for operation: OK, Erred."),
            NotInThisState,
            "Valid states for operation: OK, Erred.",
        ),
    ],
)
def test_an_order_to_terminate_is_judged(status: int, content: bytes, kind: type[BackendError], words: str) -> None:
    error = judge_change(Answer(status, content), "terminate")

    assert type(error) is kind
    assert words in error.message


@pytest.mark.parametrize(
    ("status", "content", "kind", "reason"),
    [
        (401, detail("Token has expired."), Unauthorized, "Unauthorized"),
        (403, b"", NotPermitted, "NotPermitted"),
        (404, detail("No Migration matches the given query."), Absent, "RecordGone"),
        (404, PAGE, NotUnderstood, "Unsupported"),
        (400, b"{}", NotUnderstood, "Unsupported"),
        (302, b"", Transient, "Unreachable"),
        (429, b"", Transient, "Unreachable"),
        (500, PAGE, Transient, "Unreachable"),
    ],
)
def test_a_read_that_cannot_be_explained_is_asked_again_and_ends_nothing(
    status: int, content: bytes, kind: type[BackendError], reason: str
) -> None:
    error = judge_read(Answer(status, content, {"retry-after": "99999"}), "read-run")

    assert type(error) is kind
    assert error.reason == reason
    if error.reason == "Unreachable":
        assert getattr(error, "retry_after_s", None) == 3600.0


def test_an_answer_that_is_not_waldurs_leaves_an_order_open_and_a_read_to_be_asked_again() -> None:
    assert isinstance(judge_unreadable(Call("replicate", Permission())), OutcomeUnknown)
    assert isinstance(judge_unreadable(Call("read-run")), Transient)


@pytest.mark.parametrize(
    ("failure", "has_left", "kind", "reason"),
    [
        (NoAnswerError("gone"), True, OutcomeUnknown, "NoAnswer"),
        (NoAnswerError("refused"), False, Transient, "Unreachable"),
        (EndpointRefusedError("connections are refused"), False, EndpointRefused, "EndpointRefused"),
        (PermitExpiredError(), False, Transient, "Retrying"),
    ],
)
def test_without_an_answer_it_counts_whether_the_request_has_left(
    failure: Exception, *, has_left: bool, kind: type[BackendError], reason: str
) -> None:
    error = judge_failure(failure, Call("replicate", Permission(), has_left=has_left))

    assert type(error) is kind
    assert error.reason == reason


def test_a_read_that_was_cut_is_asked_again() -> None:
    assert isinstance(judge_failure(NoAnswerError("gone"), Call("read-run", has_left=True)), Transient)


REFUSED = [
    entry
    for entry in json.loads((FOLDER / "waldur_reads.json").read_text(encoding="utf-8"))
    if entry["operation"] == "create" and entry["response"]["status"] == 400
]


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry["label"])
def test_every_order_that_waldur_refused_names_its_field_or_the_right_that_is_needed(entry: dict[str, Any]) -> None:
    error = judge_change(Answer(400, json.dumps(entry["response"]["body"]).encode()), "replicate")

    if isinstance(error, NotPermitted):
        assert "it needs APPROVE_ORDER" in error.message
    else:
        assert (type(error), error.reason) == (Refused, "InvalidSpec")
        assert re.match(r"spec\.tenant\.[a-zA-Z.]+: ", error.message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            ["You should either specify general-purpose storage quota or volume-type specific storage quota."],
            (
                f"{MAPPINGS}.volumeTypes: the source has a limit storage and limits of volume types, which Waldur "
                "takes only while no type is mapped"
            ),
        ),
        (
            {"plan": ["Plan is not available because limit has been reached."]},
            "spec.tenant.destinationPlan: the plan is full: its limit of resources is reached; name another",
        ),
        (["Something else."], "Something else."),
    ],
)
def test_objections_without_a_field_of_ours_are_told_with_it(body: object, message: str) -> None:
    assert judge_change(Answer(400, json.dumps(body).encode()), "replicate").message == message


def test_an_objection_never_shows_addresses_paths_or_more_than_a_line() -> None:
    text = "see http://keystone.internal:5000/v3 at 10.1.2.3\n/opt/waldur/lib/x.py " + "very " * 200
    error = judge_change(Answer(400, json.dumps({"what_is_this": [text], "0": ["odd"]}).encode()), "replicate")

    assert error.message.startswith("what_is_this: see …")
    assert len(error.message) <= 300
    for inside in ("keystone", "10.1.2.3", "/opt", "\n"):
        assert inside not in error.message


def test_objections_to_the_items_of_a_list_are_numbered_in_either_form() -> None:
    body = {"mappings": {"subnets": [{}, {"dst_cidr": ["bad"]}], "networks": {"2": ["worse"]}}}
    error = judge_change(Answer(400, json.dumps(body).encode()), "replicate")

    assert error.message == f"{MAPPINGS}.subnets[1].destinationCIDR: bad; {MAPPINGS}.networks[2]: worse"


def test_a_body_that_is_deep_or_long_is_not_read_to_its_end() -> None:
    deep: object = "far down"
    for _ in range(20):
        deep = [deep, None]
    many = {f"field_{'abcdefghijklmnopqrstuvwxyz'[number]}": ["bad"] for number in range(26)}

    assert judge_change(Answer(400, json.dumps(deep).encode()), "replicate").reason == "StartRefused"
    assert "field_u" not in judge_change(Answer(400, json.dumps(many).encode()), "replicate").message
    assert "field_t" in judge_change(Answer(400, json.dumps(many).encode()), "replicate").message
