"""A server that a token opens: where it is, and which key of which Secret holds the token."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import ObjectName, SpecModel

SecretKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
"""A key of a Secret's data."""

Endpoint = Annotated[str, Field(min_length=8, max_length=2048, pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]
"""A URL without user, query and fragment."""


class TokenRef(SpecModel):
    """Points at a token inside a Secret of the same namespace."""

    secret_name: ObjectName = Field(
        description="secretName is the name of a Secret in the namespace of the Provider. Example: waldur.",
    )
    key: SecretKey = Field(default="token", description="key of the Secret that holds the token. Default: token.")


class TokenAccess(SpecModel):
    """What every server has that a token opens; each type of Provider describes its fields in its own words."""

    endpoint: Endpoint
    token_ref: TokenRef

    @property
    def secret_name(self) -> str:
        """The Secret that holds the credentials."""
        return self.token_ref.secret_name

    @property
    def secret_endpoint(self) -> str:
        """Where the token is sent, and what the Secrets of Migrations hold for it."""
        return self.endpoint
