"""A Provider of type Waldur: how to reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from osmig.api.names import ProviderType
from osmig.api.token_access import Endpoint, TokenAccess, TokenRef
from osmig.api.union import Member

if TYPE_CHECKING:
    from osmig.api.rules import Rule

ENDPOINT_WITHOUT_API: Rule = {
    "rule": "!self.endsWith('/api') && !self.endsWith('/api/')",
    "message": "must be given without /api",
    "reason": "FieldValueInvalid",
}


def _check_endpoint(text: str) -> str:
    if text.endswith(("/api", "/api/")):
        raise ValueError(ENDPOINT_WITHOUT_API["message"])
    return text


class WaldurSpec(TokenAccess):
    """How to reach a Waldur."""

    endpoint: Annotated[Endpoint, AfterValidator(_check_endpoint)] = Field(
        json_schema_extra={"x-kubernetes-validations": [ENDPOINT_WITHOUT_API]},
        description="endpoint is the URL of Waldur, without /api. Example: https://waldur.example.org.",
    )
    token_ref: TokenRef = Field(
        description=(
            "tokenRef says where the token is, of a user that may order at the destination; a personal access token "
            "where Waldur has them. The key endpoint of the same Secret must hold the URL above, as the token is sent "
            "nowhere else; its optional key cacert holds the PEM certificates to trust. The Secret is read again every "
            "60 seconds and after a refused token."
        ),
    )


MEMBERS = (Member("waldur", types=(ProviderType.WALDUR,), required=True),)
"""What Waldur adds to a Provider's spec."""
