"""What is made of a request to OpenStack that got no answer of Nova's."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions as keystone
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from nova_support import ENDS, STARTS
from osmig.api.names import Reason
from osmig.domain.calls import Operation
from osmig.domain.errors import EndpointRefused, InvalidConfiguration, OutcomeUnknown, Transient, Unauthorized
from osmig.drivers.servers.nova.classify import EXPECTED, classify
from osmig.net.endpoints import EndpointRefusedError
from osmig.net.failures import PermitExpiredError


def connection_failure(cause: Exception) -> keystone.ConnectFailure:
    """Wrap as requests and keystoneauth do."""
    failure = keystone.ConnectFailure("Unable to establish connection to http://10.1.2.3:5000/v3: token=abc")
    failure.__context__ = requests.ConnectionError(cause)
    return failure


CONNECTION: Any = None
WAYS: list[tuple[Exception, str, str]] = [
    (connection_failure(NewConnectionError(CONNECTION, "refused")), "Unreachable", "refused the connection"),
    (connection_failure(ConnectTimeoutError(CONNECTION, "slow")), "Unreachable", "did not accept a connection in time"),
    (connection_failure(NameResolutionError("h", CONNECTION, OSError())), "Unreachable", "cannot be resolved"),  # type: ignore[arg-type]
    (connection_failure(OSError("cut")), "Unreachable", "The connection failed"),
    (keystone.SSLError("certificate of 10.1.2.3"), "Unreachable", "certificate is not trusted"),
    (keystone.ServiceUnavailable(), "Unreachable", "answered 503"),
    (keystone.NotFound(), "Unreachable", "answered 404"),
    (keystone.EndpointNotFound(), "InvalidConfiguration", "region_name and interface"),
    (keystone.DiscoveryFailure(), "Unreachable", "no microversions"),
    (keystone.AuthorizationFailure(), "InvalidConfiguration", "does not fit its auth_type"),
    (KeyError("X-Subject-Token"), "Unreachable", "not OpenStack's"),
    (ValueError("no JSON"), "Unreachable", "not OpenStack's"),
    (EndpointRefusedError("connections to h:80 are refused: …"), "EndpointRefused", "h:80 are refused"),
    (PermitExpiredError(), "Retrying", "before it left"),
]
CAUSES = {"InvalidConfiguration": InvalidConfiguration, "EndpointRefused": EndpointRefused}


@pytest.mark.parametrize(("failure", "reason", "words"), WAYS)
@pytest.mark.parametrize("operation", [*STARTS, *ENDS, "read-server"])
def test_what_fails_on_the_way_is_transient(failure: Exception, reason: str, words: str, operation: str) -> None:
    error = classify(failure, operation=operation)

    assert isinstance(failure, EXPECTED)
    assert type(error) is CAUSES.get(reason, Transient)
    assert error.reason == reason
    assert words in error.message
    assert "10.1.2.3" not in str(error)
    assert "abc" not in str(error)


@pytest.mark.parametrize(
    "failure", [keystone.ConnectTimeout("…"), keystone.ConnectFailure("…"), ValueError(), KeyError()]
)
@pytest.mark.parametrize("operation", [*STARTS, *ENDS])
def test_after_a_request_left_the_same_failures_leave_the_outcome_unknown(
    failure: Exception, operation: Operation
) -> None:
    error = classify(failure, operation=operation, may_have_acted=True)

    assert isinstance(error, OutcomeUnknown)
    assert (error.reason, error.request_id) == (Reason.NO_ANSWER, None)


@pytest.mark.parametrize("may_have_acted", [False, True])
def test_refused_credentials_are_told_apart_from_a_refused_call(may_have_acted: bool) -> None:  # noqa: FBT001
    for failure in (keystone.Unauthorized(), keystone.Forbidden()):
        error = classify(failure, operation=Operation.LIVE_MIGRATE, may_have_acted=may_have_acted)

        assert (type(error), error.reason) == (Unauthorized, "Unauthorized")
