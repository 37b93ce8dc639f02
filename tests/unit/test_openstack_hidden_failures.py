"""Failures that the SDK or the cloud wraps: the hurdle is named, and a traceback is not repeated."""

from __future__ import annotations

import pytest
import requests
from keystoneauth1 import exceptions as keystone

from http_upstream import Upstream, serving
from nova_support import clouds_yaml, make_backend
from osmig.domain.errors import BackendError
from osmig.drivers.servers.nova.classify import classify
from osmig.net.cleaning import clean_text

REFUSED = "Traceback (most recent call last):\n  raise Refused(secret)"


def test_a_failed_version_list_tells_the_hurdle_that_was_met() -> None:
    failure = keystone.DiscoveryFailure()
    failure.__cause__ = requests.exceptions.SSLError("self-signed")

    assert "certificate is not trusted" in classify(failure, operation="discover").message


async def test_an_endpoint_without_tls_is_named_as_such() -> None:
    upstream = Upstream()
    with serving(upstream):
        endpoint = f"https://127.0.0.1:{upstream.port}/v2.1"
        backend = make_backend(clouds_yaml(auth_type="admin_token", endpoint=endpoint, token="t"))  # noqa: S106 - no secret
        with pytest.raises(BackendError, match="speaks no TLS"):
            await backend.probe()
        await backend.close()


def test_a_text_ends_where_a_traceback_begins() -> None:
    assert clean_text(f"The host is gone. {REFUSED}") == "The host is gone."
    assert clean_text(REFUSED) == ""
