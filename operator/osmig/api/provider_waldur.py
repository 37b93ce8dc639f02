"""A Provider of type Waldur: how to reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from osmig.api.meta import ObjectName, SpecModel
from osmig.api.names import ProviderType
from osmig.api.union import Member

if TYPE_CHECKING:
    from osmig.api.rules import Rule

ENDPOINT_WITHOUT_API: Rule = {
    "rule": "!self.endsWith('/api') && !self.endsWith('/api/')",
    "message": "must be given without /api",
    "reason": "FieldValueInvalid",
}


class TokenRef(SpecModel):
    """Points at a token inside a Secret of the same namespace."""

    secret_name: ObjectName = Field(
        description="secretName is the name of a Secret in the namespace of the Provider. Example: waldur.",
    )
    key: str = Field(
        default="token",
        min_length=1,
        max_length=253,
        pattern=r"^[-._a-zA-Z0-9]+$",
        description="key of the Secret that holds the token. Default: token.",
    )


def _check_endpoint(text: str) -> str:
    if text.endswith(("/api", "/api/")):
        raise ValueError(ENDPOINT_WITHOUT_API["message"])
    return text


class WaldurSpec(SpecModel):
    """How to reach a Waldur."""

    endpoint: Annotated[str, AfterValidator(_check_endpoint)] = Field(
        min_length=8,
        max_length=2048,
        pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$",
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

    @property
    def secret_name(self) -> str:
        """The Secret that holds the credentials."""
        return self.token_ref.secret_name

    @property
    def secret_endpoint(self) -> str:
        """Where the token is sent."""
        return self.endpoint


MEMBERS = (Member("waldur", types=(ProviderType.WALDUR,), required=True),)
"""What Waldur adds to a Provider's spec."""
