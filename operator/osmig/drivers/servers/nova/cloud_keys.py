"""The keys of a cloud in clouds.yaml beside ``auth``: used, without a meaning here, or refused by name.

The files that people have were written for many tools, so that most of their keys are about something else.
"""

from __future__ import annotations

IGNORED_KEYS = frozenset({
    "description", "message", "status", "networks", "default_network", "external_network", "internal_network",
    "use_external_network", "use_internal_network", "nat_source", "nat_destination", "floating_ip_source",
    "requires_floating_ip", "private", "secgroup_source", "image_format", "image_api_use_tasks",
    "disable_vendor_agent", "force_ipv4", "prefer_ipv6", "app_name", "app_version", "api_timeout",
})  # fmt: skip
"""Common in clouds.yaml files, without a meaning here."""

IGNORED_SETTINGS = (
    "api_version", "default_microversion", "min_version", "max_version", "interface", "endpoint_type", "region_name",
    "service_type", "service_name", "endpoint_override", "connect_retries", "connect_retry_delay",
    "status_code_retries", "status_code_retry_delay", "retriable_status_codes",
)  # fmt: skip
"""What may stand behind a service's name, as in ``volume_api_version``; of services that are never called."""

_NEGOTIATED = frozenset({
    "compute_api_version", "compute_default_microversion", "compute_min_version", "compute_max_version",
    "identity_interface", "identity_endpoint_type", "identity_region_name", "identity_default_microversion",
})  # fmt: skip
"""Of the services that are called: what is negotiated, or does not matter to a login."""

_CALLED = frozenset({"compute", "identity"})

_TRUST = "to trust an authority of your own use the key cacert of the Secret"
_HINTS = {
    "cacert": "put the PEM certificates into the key cacert of the Secret",
    "cert": "client certificates are not supported",
    "key": "client certificates are not supported",
    "profile": "write the settings out, profiles are not read",
    "cloud": "write the settings out, profiles are not read",
    "vendor_hook": "code is never run from credentials",
    "regions": "use region_name",
    "insecure": _TRUST,
}
_MAX_NAME = 64
_ON, _OFF = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def is_empty(value: object) -> bool:
    """Whether a value says nothing, as in a template that was filled in by half."""
    return value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip())


def object_to(key: str, value: object) -> str | None:
    """Say what is wrong with a key that is not used, naming it; ``None`` when it is harmless."""
    word = str(value).strip().lower()
    if key == "verify":
        return None if word in _ON else f"verify must stay true; {_TRUST}"
    if key == "identity_api_version":
        return None if word.removeprefix("v").partition(".")[0] == "3" else "identity_api_version must be 3"
    if (key == "insecure" and word in _OFF) or _is_ignored(key):
        return None
    hint = _HINTS.get(key)
    return f"key {quote_name(key)} is not allowed" + (f" ({hint})" if hint else "")


def quote_name(key: str) -> str:
    """Quote a name the tenant wrote; cut, because it may be a value in the wrong place."""
    return repr(key if len(key) <= _MAX_NAME else f"{key[:_MAX_NAME]}…")


def _is_ignored(key: str) -> bool:
    if key in IGNORED_KEYS | _NEGOTIATED:
        return True
    services = {key.removesuffix(f"_{setting}") for setting in IGNORED_SETTINGS if key.endswith(f"_{setting}")}
    return any(service and service not in _CALLED for service in services) and not services & _CALLED
