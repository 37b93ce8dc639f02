"""Paths and names of calls."""

from __future__ import annotations

import pytest

from osmig.domain.errors import ObjectGone
from osmig.kube.refs import Call, KubeVerb, ObjectRef, Resource

WIDGETS = Resource("test.osmig.dev", "v1", "widgets", "Widget")
SECRETS = Resource("", "v1", "secrets", "Secret")


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (Call(KubeVerb.LIST, WIDGETS), "/apis/test.osmig.dev/v1/widgets"),
        (Call(KubeVerb.LIST, WIDGETS, "a"), "/apis/test.osmig.dev/v1/namespaces/a/widgets"),
        (
            Call(KubeVerb.UPDATE, WIDGETS, "a", "w", subresource="status"),
            "/apis/test.osmig.dev/v1/namespaces/a/widgets/w/status",
        ),
        (Call(KubeVerb.GET, SECRETS, "a", "s"), "/api/v1/namespaces/a/secrets/s"),
        (Call(KubeVerb.GET, SECRETS, "a", "x?y#z w"), "/api/v1/namespaces/a/secrets/x%3Fy%23z%20w"),
    ],
)
def test_a_path_is_the_one_the_api_server_serves(call: Call, path: str) -> None:
    assert call.path == path


@pytest.mark.parametrize("name", ["", ".", "..", "../s", "s/status", "s%2Fstatus"])
def test_a_name_that_would_address_something_else_is_no_object(name: str) -> None:
    with pytest.raises(ObjectGone):
        _ = Call(KubeVerb.GET, SECRETS, "a", name).path
    with pytest.raises(ObjectGone):
        _ = Call(KubeVerb.GET, SECRETS, name, "s").path


def test_an_operation_is_named_as_in_a_role() -> None:
    assert Call(KubeVerb.UPDATE, WIDGETS, "a", "w", subresource="status").operation == "update widgets/status"
    assert Call(KubeVerb.LIST, WIDGETS, "a").operation == "list widgets"


@pytest.mark.parametrize("resource", [WIDGETS, SECRETS])
def test_a_reference_leads_back_to_its_kind(resource: Resource) -> None:
    body = {"metadata": {"namespace": "a", "name": "n", "uid": "u", "resourceVersion": "7"}}

    ref = ObjectRef.of(resource, body)

    assert ref.resource == resource
    assert (ref.namespace, ref.name, ref.uid, ref.resource_version) == ("a", "n", "u", "7")


def test_an_object_outside_namespaces_has_none() -> None:
    assert ObjectRef.of(WIDGETS, {"metadata": {"name": "n", "uid": "u", "resourceVersion": "7"}}).namespace is None
