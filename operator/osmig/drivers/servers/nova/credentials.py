"""clouds.yaml as a tenant writes it: read by an allow-list, never by the SDK's loader.

The SDK's loader reads files and the environment, and a ``profile`` makes it GET a URL before any login. Here every key
is either used, known to be harmless without being used, or refused by name. Values never get into a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from typing_extensions import override

from osmig.drivers.servers.nova.cloud_keys import is_empty, object_to, quote_name
from osmig.net.endpoints import InvalidEndpointError, check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 16 * 1024
"""Of clouds.yaml, whose reading takes time and memory by the byte; certificates have a key of their own."""

MAX_DEPTH = 32
"""Of mappings and lists in clouds.yaml: the work of a scanner in Python grows with the square of it."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C where it is there: the other takes a quarter of a second for 16 KiB."""

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

_OLD_NAMES = {"tenant_id": "project_id", "tenant_name": "project_name"}

_TELLING_KEYS = {
    "application_credential_id": "v3applicationcredential",
    "application_credential_name": "v3applicationcredential",
    "application_credential_secret": "v3applicationcredential",
    "endpoint": "admin_token",
    "token": "v3token",
}
"""Keys of ``auth`` that tell which ``auth_type`` was meant where it is missing; the first that is there counts."""

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
        region_name: whose endpoint to take from the catalogue; ``None`` takes the only one.
        interface: ``public``, ``internal`` or ``admin``.
        cacert: PEM certificates to trust, as they stand in the Secret, or ``None`` for the usual ones.
    """

    auth_type: str
    auth: Mapping[str, str]
    region_name: str | None = None
    interface: str = "public"
    cacert: bytes | None = None

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
    at = f"clouds.yaml, cloud {quote_name(cloud_name)}"
    auth_type = cloud.pop("auth_type", None)
    auth = _named(cloud.pop("auth", None), at=at)
    _check_is_meant(auth_type, auth, at=at)
    known = AUTH_TYPES.get(auth_type or "password") if isinstance(auth_type, str | None) else None
    if known is None:
        raise InvalidCredentialsError(at, f"auth_type must be one of {', '.join(AUTH_TYPES)}")
    region = _region(cloud, at=at)
    interface = _interface(cloud, at=at)
    for key, value in cloud.items():
        if (objection := object_to(key, value)) is not None:
            raise InvalidCredentialsError(at, objection)
    return Credentials(
        auth_type=str(auth_type or "password"),
        auth=_auth(auth, known, at=at),
        region_name=region,
        interface=interface,
        cacert=secret.get("cacert"),
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
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidCredentialsError(at, f"not valid YAML{_describe_place(error, text)}") from None
    if objection:
        raise InvalidCredentialsError(at, objection)
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict):
        raise InvalidCredentialsError(at, "a mapping named clouds is missing")
    cloud = clouds.get(name)
    if not isinstance(cloud, dict):
        raise InvalidCredentialsError(at, f"there is no cloud {quote_name(name)}")
    return {str(key): value for key, value in cloud.items() if not is_empty(value)}


def _describe_place(error: Exception, text: str) -> str:
    """Say where reading stopped; what the library says of it may hold a value."""
    place = getattr(error, "problem_mark", None)
    if place is not None:
        return f": line {place.line + 1}, column {place.column + 1}"
    if isinstance(error, yaml.reader.ReaderError):
        return f": line {text[: error.position].count(chr(10)) + 1} has a character that may not be there"
    return ""


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


def _named(value: object, *, at: str) -> dict[str, object]:
    """Return what ``auth`` holds, under today's names, without what says nothing."""
    if not isinstance(value, dict):
        raise InvalidCredentialsError(at, "auth must be a mapping" if value is not None else "auth is missing")
    named = {str(key): item for key, item in value.items() if not is_empty(item)}
    return {_OLD_NAMES.get(key, key) if _OLD_NAMES.get(key) not in named else key: named[key] for key in named}


def _check_is_meant(auth_type: object, auth: Mapping[str, object], *, at: str) -> None:
    """Name the ``auth_type`` that is missing, before a key of it is refused as one that a password does not need."""
    if auth_type is None and "password" not in auth:
        meant = [kind for key, kind in _TELLING_KEYS.items() if key in auth]
        if meant:
            raise InvalidCredentialsError(at, f"auth_type is missing; for what auth holds it must be {meant[0]}")


def _auth(named: Mapping[str, object], known: AuthType, *, at: str) -> dict[str, str]:
    auth: dict[str, str] = {}
    for key, item in named.items():
        if key not in known.keys:
            raise InvalidCredentialsError(at, f"key {quote_name(f'auth.{key}')} is not allowed for this auth_type")
        if not isinstance(item, str):  # YAML reads 0123 as 83
            raise InvalidCredentialsError(at, f"auth.{key} must be a string, put it in quotes")
        auth[key] = item
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


def _region(cloud: dict[str, Any], *, at: str) -> str | None:
    general = cloud.pop("region_name", None)
    region = cloud.pop("compute_region_name", general)
    if region is not None and not isinstance(region, str):
        raise InvalidCredentialsError(at, "region_name must be a string")
    return region


def _interface(cloud: dict[str, Any], *, at: str) -> str:
    names = ("compute_interface", "compute_endpoint_type", "interface", "endpoint_type")
    given = [word for name in names if (word := cloud.pop(name, None)) is not None]
    word = str(given[0] if given else "public").removesuffix("URL")
    if word not in _INTERFACES:
        raise InvalidCredentialsError(at, f"interface must be one of {', '.join(_INTERFACES)}")
    return word
