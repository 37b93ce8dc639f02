"""A Provider of type OpenStack: how to reach the cloud."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from osmig.api.meta import ObjectName, SpecModel
from osmig.api.names import ProviderType
from osmig.api.union import Member


class CloudCredentialsRef(SpecModel):
    """Points at one cloud in a clouds.yaml inside a Secret of the same namespace."""

    secret_name: ObjectName = Field(
        description=(
            "secretName is the name of a Secret in the namespace of the Provider. Its key clouds.yaml holds the "
            "credentials, its optional key cacert the PEM certificates to trust. Example: clouds."
        ),
    )
    cloud_name: str = Field(
        min_length=1,
        max_length=253,
        description="cloudName is the entry under clouds in clouds.yaml to use. Example: region-one.",
    )


class OpenStackSpec(SpecModel):
    """How to reach an OpenStack cloud."""

    cloud_credentials_ref: CloudCredentialsRef = Field(
        description=(
            "cloudCredentialsRef says where the credentials are. The Secret is read again every 60 seconds and after "
            "a refused login, so that rotating it needs no restart."
        ),
    )
    auto_confirm_seconds: Annotated[int, Field(ge=60, le=31_536_000)] | None = Field(
        default=None,
        description=(
            "autoConfirmSeconds after which the cloud itself confirms a cold move, where it does (Nova's "
            "resize_confirm_window; often 86400 on hosted clouds). osmig's own confirm keeps 10 minutes away from that "
            "moment. Default: never."
        ),
    )

    @property
    def secret_name(self) -> str:
        """The Secret that holds the credentials."""
        return self.cloud_credentials_ref.secret_name

    @property
    def secret_endpoint(self) -> None:
        """Nothing: clouds.yaml in the Secret names its own ``auth_url``."""


MEMBERS = (Member("openstack", types=(ProviderType.OPENSTACK,), required=True),)
"""What OpenStack adds to a Provider's spec."""
