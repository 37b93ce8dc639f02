"""A Provider of type Hosting: how to reach it, and how much it allows a customer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.names import ProviderType
from osmig.api.token_access import Endpoint, TokenAccess, TokenRef
from osmig.api.union import Member

CustomerCode = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[-._A-Za-z0-9]+$")]
"""Of whom an administrator's token acts for."""


class HostingSpec(TokenAccess):
    """How to reach a hosting provider's management API."""

    endpoint: Endpoint = Field(
        description="endpoint is the URL of the management API, before /api/migrations. Example: https://api.example.org.",
    )
    token_ref: TokenRef = Field(
        description=(
            "tokenRef says where the API token is. The key endpoint of the same Secret must hold the URL above, as the "
            "token is sent nowhere else; its optional key cacert holds the PEM certificates to trust. The Secret is "
            "read again every 60 seconds and after a refused token."
        ),
    )
    customer_code: CustomerCode | None = Field(
        default=None,
        description="customerCode of whom an administrator's token acts for. Default: the token's own customer.",
    )
    requests_per_second: int = Field(
        default=1,
        ge=1,
        le=10,
        description=(
            "requestsPerSecond at most; it counts in place of limits.requestsPerSecond, as the service tells no rate. "
            "Default: 1."
        ),
    )
    max_jobs: int = Field(
        default=5,
        ge=1,
        le=100,
        description=(
            "maxJobs that the service allows a customer at once, those included that others ordered. Default: 5."
        ),
    )


MEMBERS = (Member("hosting", types=(ProviderType.HOSTING,), required=True),)
"""What a hosting provider adds to a Provider's spec."""
