"""clouds.yaml as a tenant writes it: read by an allow-list, never by the SDK's loader.

The SDK's loader reads files and the environment, and a ``profile`` makes it GET a URL before any login. Here every key
is either used, known to be harmless without being used, or refused by name. Values never get into a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from typing_extensions import override

from osmig.net.endpoints import InvalidEndpointError, check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 * 1024
"""Of clouds.yaml and of cacert; a Secret may hold 1 MiB."""

MAX_DEPTH = 32
"""Of mappings and lists in clouds.yaml: the work of a scanner in Python grows with the square of it."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C where it is there: 64 KiB hold the event loop for a second otherwise."""

_OPENING = (
    yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken,
)  # fmt: skip
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)

_SCOPE = (
    "project_id", "project_name", "project_domain_id", "project_domain_name",
    "domain_id", "domain_name", "system_scope", "trust_id",
)  # fmt: skip
_USER = ("user_id", "username", "user_domain_id", "user_domain_name")


@dataclass(frozen=True, slots=True)
class AuthType:
    """What one way to log in needs.

    Attributes:
        plugin: the plugin of keystoneauth that does it.
        keys: what ``auth`` may hold, of the plugin's options.
        required: groups of alternatives; of each group at least one key must be there.
    """

    plugin: str
    keys: frozenset[str]
    required: tuple[tuple[str, ...], ...]


_PASSWORD = AuthType(
    "v3password",
    frozenset({"auth_url", "password", "default_domain_id", "default_domain_name", *_USER, *_SCOPE}),
    (("auth_url",), ("username", "user_id"), ("password",)),
)
_APPLICATION_CREDENTIAL = AuthType(
    "v3applicationcredential",
    frozenset({
        "auth_url", "application_credential_id", "application_credential_name", "application_credential_secret", *_USER,
    }),
    (
        ("auth_url",),
        ("application_credential_id", "application_credential_name"),
        ("application_credential_secret",),
    ),
)  # fmt: skip

AUTH_TYPES: dict[str, AuthType] = {
    "password": _PASSWORD,
    "v3password": _PASSWORD,
    "v3token": AuthType("v3token", frozenset({"auth_url", "token", *_SCOPE}), (("auth_url",), ("token",))),
    "v3applicationcredential": _APPLICATION_CREDENTIAL,
    "admin_token": AuthType("admin_token", frozenset({"endpoint", "token"}), (("endpoint",), ("token",))),
}
"""Ways to log in; ``password`` is ``v3password``, and is meant when ``auth_type`` is missing."""

IGNORED_KEYS = frozenset({
    "compute_api_version", "volume_api_version", "image_api_version", "network_api_version",
    "object_store_api_version", "block_storage_api_version", "dns_api_version", "description",
})  # fmt: skip
"""Common in clouds.yaml files, without a meaning here: versions are negotiated and other services never called."""

_HINTS = {
    "cacert": "put the PEM certificates into the key cacert of the Secret",
    "cert": "client certificates are not supported",
    "key": "client certificates are not supported",
    "profile": "write the settings out, profiles are not read",
    "cloud": "write the settings out, profiles are not read",
    "vendor_hook": "code is never run from credentials",
    "regions": "use region_name",
}
_MAX_NAME = 64
_INTERFACES = ("public", "internal", "admin")


class InvalidCredentialsError(ValueError):
    """The Secret cannot be used; the text names the field at fault and holds no value."""

    def __init__(self, at: str, problem: str) -> None:
        super().__init__(f"{at}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One cloud's credentials, checked.

    Attributes:
        auth_type: a key of ``AUTH_TYPES``.
        auth: what the login needs, by the names of clouds.yaml; holds secrets and is kept out of ``repr``.
        region_name: whose endpoint to take from the catalogue; ``None`` takes the first.
        interface: ``public``, ``internal`` or ``admin``.
        cacert: PEM certificates to trust, or ``None`` for the usual ones.
    """

    auth_type: str
    auth: Mapping[str, str]
    region_name: str | None = None
    interface: str = "public"
    cacert: str | None = None

    @override
    def __repr__(self) -> str:
        """Show no secret, wherever an instance is printed."""
        return f"Credentials(auth_type={self.auth_type!r}, region_name={self.region_name!r})"


def read_credentials(secret: Mapping[str, bytes], cloud_name: str) -> Credentials:
    """Take one cloud out of a Secret with the keys ``clouds.yaml`` and, if wanted, ``cacert``.

    Raises:
        InvalidCredentialsError: something is missing, malformed or not allowed.
    """
    cloud = _cloud(_text(secret, "clouds.yaml"), cloud_name)
    at = f"clouds.yaml, cloud {_name(cloud_name)}"
    auth_type = cloud.pop("auth_type", "password")
    known = AUTH_TYPES.get(auth_type) if isinstance(auth_type, str) else None
    if known is None:
        raise InvalidCredentialsError(at, f"auth_type must be one of {', '.join(AUTH_TYPES)}")
    auth = _auth(cloud.pop("auth", None), known, at=at)
    region = cloud.pop("region_name", None)
    if region is not None and not isinstance(region, str):
        raise InvalidCredentialsError(at, "region_name must be a string")
    interface = _interface(cloud, at=at)
    for key, value in cloud.items():
        _check_unused(key, value, at=at)
    return Credentials(
        auth_type=str(auth_type),
        auth=auth,
        region_name=region or None,
        interface=interface,
        cacert=_text(secret, "cacert") if secret.get("cacert") else None,
    )


def _text(secret: Mapping[str, bytes], key: str) -> str:
    value = secret.get(key)
    if value is None:
        raise InvalidCredentialsError(key, "the Secret has no such key")
    if len(value) > MAX_BYTES:
        raise InvalidCredentialsError(key, f"longer than {MAX_BYTES // 1024} KiB")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidCredentialsError(key, "not UTF-8 text") from None


def _cloud(text: str, name: str) -> dict[str, Any]:
    at = "clouds.yaml"
    try:
        objection = _object_to(text)
        document = None if objection else yaml.load(text, _LOADER)  # noqa: S506 - a safe one, both of them
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InvalidCredentialsError(at, "not valid YAML") from None
    if objection:
        raise InvalidCredentialsError(at, objection)
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict):
        raise InvalidCredentialsError(at, "a mapping named clouds is missing")
    cloud = clouds.get(name)
    if not isinstance(cloud, dict):
        raise InvalidCredentialsError(at, f"there is no cloud {_name(name)}")
    return {str(key): value for key, value in cloud.items()}


def _object_to(text: str) -> str | None:
    """Look at the tokens before anything is built of them; the first objection ends the work."""
    depth = 0
    for token in yaml.scan(text, _LOADER):
        if isinstance(token, yaml.AliasToken):
            return "aliases (*name) are not allowed, write the settings out"
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > MAX_DEPTH:
            return f"nested more than {MAX_DEPTH} levels deep"
    return None


def _auth(value: object, known: AuthType, *, at: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidCredentialsError(at, "auth must be a mapping")
    auth: dict[str, str] = {}
    for key, item in value.items():
        if key not in known.keys:
            raise InvalidCredentialsError(at, f"key {_name(f'auth.{key}')} is not allowed for this auth_type")
        if isinstance(item, str):
            auth[str(key)] = item
        elif item is not None:  # YAML reads 0123 as 83
            raise InvalidCredentialsError(at, f"auth.{key} must be a string, put it in quotes")
    for group in known.required:
        if not any(auth.get(key) for key in group):
            raise InvalidCredentialsError(at, f"auth.{' or auth.'.join(group)} is missing")
    _check_urls(auth, at=at)
    return auth


def _check_urls(auth: Mapping[str, str], *, at: str) -> None:
    for key in ("auth_url", "endpoint"):
        try:
            if key in auth:
                check_url(auth[key])
        except InvalidEndpointError as error:
            raise InvalidCredentialsError(at, f"auth.{key} {error}") from None


def _interface(cloud: dict[str, Any], *, at: str) -> str:
    old_name = cloud.pop("endpoint_type", None)
    word = str(cloud.pop("interface", None) or old_name or "public").removesuffix("URL")
    if word not in _INTERFACES:
        raise InvalidCredentialsError(at, f"interface must be one of {', '.join(_INTERFACES)}")
    return word


def _check_unused(key: str, value: object, *, at: str) -> None:
    if key == "verify":
        if value is not True:
            text = "verify must stay true; to trust an authority of your own use the key cacert of the Secret"
            raise InvalidCredentialsError(at, text)
    elif key == "identity_api_version":
        if str(value).removeprefix("v").partition(".")[0] != "3":
            raise InvalidCredentialsError(at, "identity_api_version must be 3")
    elif key not in IGNORED_KEYS:
        hint = _HINTS.get(key)
        raise InvalidCredentialsError(at, f"key {_name(key)} is not allowed" + (f" ({hint})" if hint else ""))


def _name(key: str) -> str:
    """Quote a name the tenant wrote; cut, because it may be a value in the wrong place."""
    return repr(key if len(key) <= _MAX_NAME else f"{key[:_MAX_NAME]}…")
