"""The generated client: it knows methods, paths, parameters and bodies; what is sent and read is ours.

Importing this module takes seconds and much memory, because any part of the client brings all of Waldur's models: see
``opening.py``. Its typed calls are not used: the create raises ``KeyError`` after it has succeeded, one row without
mappings breaks a whole list, and nothing is bounded in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.marketplace_orders.marketplace_orders_retrieve import _get_kwargs as _retrieve_order
from waldur_api_client.api.marketplace_public_offerings.marketplace_public_offerings_plans_list import (
    _get_kwargs as _list_plans,
)
from waldur_api_client.api.marketplace_public_offerings.marketplace_public_offerings_retrieve import (
    _get_kwargs as _retrieve_offering,
)
from waldur_api_client.api.marketplace_resources.marketplace_resources_retrieve import (
    _get_kwargs as _retrieve_resource,
)
from waldur_api_client.api.marketplace_resources.marketplace_resources_terminate import (
    _get_kwargs as _terminate_resource,
)
from waldur_api_client.api.openstack_migrations.openstack_migrations_create import _get_kwargs as _create_migration
from waldur_api_client.api.openstack_migrations.openstack_migrations_list import _get_kwargs as _list_migrations
from waldur_api_client.api.openstack_migrations.openstack_migrations_retrieve import (
    _get_kwargs as _retrieve_migration,
)
from waldur_api_client.api.openstack_networks.openstack_networks_list import _get_kwargs as _list_networks
from waldur_api_client.api.openstack_subnets.openstack_subnets_list import _get_kwargs as _list_subnets
from waldur_api_client.api.openstack_tenants.openstack_tenants_retrieve import _get_kwargs as _retrieve_tenant
from waldur_api_client.api.openstack_volume_types.openstack_volume_types_list import _get_kwargs as _list_volume_types
from waldur_api_client.api.personal_access_tokens.personal_access_tokens_list import _get_kwargs as _list_tokens
from waldur_api_client.api.users.users_me_retrieve import _get_kwargs as _retrieve_me
from waldur_api_client.api.version.version_retrieve import _get_kwargs as _retrieve_version
from waldur_api_client.models.mapping_request import MappingRequest
from waldur_api_client.models.migration_create_request import MigrationCreateRequest
from waldur_api_client.models.open_stack_network_field_enum import OpenStackNetworkFieldEnum as NetworkField
from waldur_api_client.models.open_stack_sub_net_field_enum import OpenStackSubNetFieldEnum as SubnetField
from waldur_api_client.models.open_stack_tenant_field_enum import OpenStackTenantFieldEnum as TenantField
from waldur_api_client.models.order_details_field_enum import OrderDetailsFieldEnum as OrderField
from waldur_api_client.models.public_offering_details_field_enum import PublicOfferingDetailsFieldEnum as OfferingField
from waldur_api_client.models.resource_field_enum import ResourceFieldEnum as ResourceField
from waldur_api_client.models.resource_terminate_request import ResourceTerminateRequest
from waldur_api_client.models.sub_net_mapping_request import SubNetMappingRequest
from waldur_api_client.models.user_me_field_enum import UserMeFieldEnum as UserField
from waldur_api_client.models.volume_type_mapping_request import VolumeTypeMappingRequest
from waldur_api_client.types import UNSET

from osmig.backends.waldur.answers import Answer, Call, UnusableEndpointError
from osmig.backends.waldur.transport import CALL

if TYPE_CHECKING:
    from osmig.api.mappings import Mappings
    from osmig.domain.replicas import ReplicaJob

Request = dict[str, Any]
"""What the generated client would hand to httpx: method, URL, parameters, body."""

PAGE_ROWS = 100
"""As many rows a page as every server grants."""

_RESOURCE_FIELDS = [
    ResourceField.UUID,
    ResourceField.NAME,
    ResourceField.STATE,
    ResourceField.SCOPE,
    ResourceField.RESOURCE_UUID,
    ResourceField.RESOURCE_TYPE,
    ResourceField.OFFERING_TYPE,
    ResourceField.LIMITS,
]

_NETWORK_FIELDS = [
    NetworkField.UUID,
    NetworkField.NAME,
    NetworkField.STATE,
    NetworkField.TENANT_UUID,
    NetworkField.SUBNETS,
]


class WaldurClient:
    """Requests in Waldur's words, and the way out."""

    def __init__(self, endpoint: str, token: str, transport: httpx.AsyncBaseTransport) -> None:
        """Open nothing yet.

        Raises:
            UnusableEndpointError: httpx makes nothing of the URL.
        """
        try:
            self._http = AuthenticatedClient(
                endpoint,
                token=token,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "osmig"},
                httpx_args={"transport": transport, "trust_env": False},
            ).get_async_httpx_client()
        except httpx.InvalidURL as error:
            message = "spec.waldur.endpoint is not a URL that can be used"
            raise UnusableEndpointError(message) from error

    async def send(self, request: Request, call: Call, *, page: int | None = None) -> Answer:
        """Send one request and return its answer, whatever it says.

        Args:
            request: one of those made here.
            call: says what it is, and may bring the right to change something.
            page: of a list, from 1.

        Raises:
            NoAnswerError, EndpointRefusedError, PermitExpiredError, UnpermittedRequestError: as the transport does.
        """
        if page is not None:
            request = {**request, "params": {"page": page, "page_size": PAGE_ROWS, **request.get("params", {})}}
        response = await self._http.request(**request, extensions={CALL: call})
        return Answer(response.status_code, response.content, dict(response.headers))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def create_run(self, job: ReplicaJob) -> Request:
        """Order a replication; without a description, which every server answers with 500."""
        body = MigrationCreateRequest(
            src_resource=UUID(job.source_resource),
            dst_offering=UUID(job.destination_offering),
            dst_plan=UUID(job.destination_plan),
            name=job.name,
            mappings=_to_mappings(job.mappings),
        )
        return _create_migration(body=body)

    def retrieve_run(self, run_id: str) -> Request:
        """Read one replication."""
        return _retrieve_migration(UUID(run_id))

    def list_runs(self, source_id: str | None) -> Request:
        """List replications, of one source; of ``None`` all, and of those no more than one a page."""
        if source_id is None:
            return _list_migrations(page_size=1)
        return _list_migrations(src_resource_uuid=UUID(source_id))

    def retrieve_resource(self, resource_id: str) -> Request:
        """Read a resource of the marketplace."""
        return _retrieve_resource(UUID(resource_id), field=_RESOURCE_FIELDS)

    def terminate_resource(self, resource_id: str) -> Request:
        """Order the end of a resource."""
        return _terminate_resource(UUID(resource_id), body=ResourceTerminateRequest())

    def retrieve_order(self, order_id: str) -> Request:
        """Read an order."""
        return _retrieve_order(UUID(order_id), field=[OrderField.STATE, OrderField.ERROR_MESSAGE])

    def retrieve_tenant(self, tenant_id: str) -> Request:
        """Read a tenant's own state."""
        return _retrieve_tenant(UUID(tenant_id), field=[TenantField.STATE, TenantField.ERROR_MESSAGE])

    def list_networks(self, tenant_id: str) -> Request:
        """List a tenant's networks with their subnets."""
        return _list_networks(tenant_uuid=UUID(tenant_id), field=_NETWORK_FIELDS)

    def list_subnets(self, tenant_id: str) -> Request:
        """List a tenant's subnets."""
        return _list_subnets(tenant_uuid=UUID(tenant_id), field=[SubnetField.UUID, SubnetField.STATE])

    def list_tenant_volume_types(self, tenant_id: str) -> Request:
        """List the volume types that a tenant may use."""
        return _list_volume_types(tenant_uuid=UUID(tenant_id))

    def list_offering_volume_types(self, offering_id: str) -> Request:
        """List the volume types behind an offering."""
        return _list_volume_types(offering_uuid=UUID(offering_id))

    def retrieve_offering(self, offering_id: str) -> Request:
        """Read what can be ordered."""
        fields = [OfferingField.NAME, OfferingField.STATE, OfferingField.TYPE]
        return _retrieve_offering(UUID(offering_id), field=fields)

    def list_plans(self, offering_id: str) -> Request:
        """List the plans of an offering."""
        return _list_plans(UUID(offering_id))

    def retrieve_user(self) -> Request:
        """Read whose token it is."""
        return _retrieve_me(field=[UserField.UUID, UserField.IS_STAFF, UserField.IS_SUPPORT])

    def list_tokens(self) -> Request:
        """List the user's own personal access tokens: documented, never recorded."""
        return _list_tokens()

    def retrieve_version(self) -> Request:
        """Read the server's version."""
        return _retrieve_version()


def _to_mappings(mappings: Mappings) -> MappingRequest:
    """Write down only what is mapped: an empty list of networks would mean all of them, too."""
    return MappingRequest(
        volume_types=[
            VolumeTypeMappingRequest(src_type_uuid=UUID(pair.source_type), dst_type_uuid=UUID(pair.destination_type))
            for pair in mappings.volume_types
        ]
        or UNSET,
        subnets=[
            SubNetMappingRequest(src_cidr=pair.source_cidr, dst_cidr=pair.destination_cidr) for pair in mappings.subnets
        ]
        or UNSET,
        networks=[UUID(network) for network in mappings.networks] or UNSET,
        skip_connection_extnet=mappings.skip_connection_extnet,
        sync_instance_ports=mappings.sync_instance_ports,
    )
