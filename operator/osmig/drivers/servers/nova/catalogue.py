"""What a login leads to: whether it has a catalogue at all, and which region of it is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osmig.net.cleaning import clean_text

if TYPE_CHECKING:
    from keystoneauth1.access.access import AccessInfo

    from osmig.drivers.servers.nova.credentials import Credentials

_SHOWN = 5
_MAX_NAME = 64


class NoComputeError(Exception):
    """The credentials do not say which Compute service is meant; the text is a sentence, safe to show."""


def check_catalogue(access: AccessInfo, credentials: Credentials) -> None:
    """See that there is one endpoint to take, before the SDK takes any or says that there is none.

    Raises:
        NoComputeError: with what is to be added to clouds.yaml.
    """
    if not access.has_service_catalog():
        message = (
            "The login has no project, so the identity service gives no catalogue: set auth.project_name with "
            "auth.project_domain_name, or auth.project_id"
        )
        raise NoComputeError(message)
    found = access.service_catalog.get_endpoints_data(service_type="compute", interface=credentials.interface)
    regions = {str(endpoint.region_name or "") for endpoints in found.values() for endpoint in endpoints}
    wanted = credentials.region_name
    if not regions or wanted in regions:
        return
    if wanted is not None:
        message = f"The catalogue has no compute endpoint in the region_name of clouds.yaml; it has {_list(regions)}"
        raise NoComputeError(message)
    if len(regions) > 1:
        count = len(regions)
        message = f"The catalogue has compute endpoints in {count} regions: set region_name to one of {_list(regions)}"
        raise NoComputeError(message)


def _list(regions: set[str]) -> str:
    """List names that a stranger chose."""
    names = [clean_text(name)[:_MAX_NAME] or "(none)" for name in sorted(regions)[:_SHOWN]]
    return ", ".join(names) + (", …" if len(regions) > _SHOWN else "")
