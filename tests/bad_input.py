"""What tenants may write that cannot be used: one row per mistake, with the condition that it must become.

Capitals in a text are places: ``PORT`` is a trap's, ``CLOSED`` one where nobody listens, ``NOVA`` and ``KEYSTONE`` are
the endpoints of a good cloud, ``SCRIPT`` that of a scripted one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

CANARY: Final = "secret-canary"
"""Part of every password, token and user that the rows hold; nothing of it may ever be seen again."""

PASSWORD: Final = f"{CANARY}-password"
TOKEN: Final = f"{CANARY}-token"
REFUSED, INVALID, UNREACHABLE = "EndpointRefused", "InvalidConfiguration", "Unreachable"
UNAUTHORIZED, NO_SECRET = "Unauthorized", "SecretNotFound"
REDIRECTS = (301, 302, 303, 307, 308)


class Row(NamedTuple):
    """One mistake of a Provider's owner.

    Attributes:
        keys: of the Secret; ``None`` for no Secret at all.
        reasons: of ``Ready``; several where it depends on the system's resolver.
        words: in its message.
    """

    keys: Mapping[str, str | bytes] | None
    reasons: tuple[str, ...]
    words: str


def by_token(endpoint: str, **cloud: Any) -> str:  # noqa: ANN401 - whatever YAML can hold
    """Write a clouds.yaml with a fixed endpoint and token."""
    auth = {"endpoint": endpoint, "token": TOKEN}
    return yaml.safe_dump({"clouds": {"operator": {"auth_type": "admin_token", "auth": auth, **cloud}}})


def by_password(auth: Mapping[str, Any] | None = None, **cloud: Any) -> str:  # noqa: ANN401
    """Write a clouds.yaml with a password; ``auth`` replaces, and with ``None`` removes, members of a good login."""
    good = {
        "auth_url": "KEYSTONE",
        "username": "operator",
        "password": PASSWORD,
        "project_name": "lab",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    whole = {key: value for key, value in {**good, **(auth or {})}.items() if value is not None}
    return yaml.safe_dump({"clouds": {"operator": {"auth": whole, **cloud}}})


LOOPBACK = "it leads to a loopback address"
LINK_LOCAL = "link-local addresses are never allowed"
UNSPECIFIED = "it leads to an unspecified address"
NOT_LISTED = "only endpoints named in the operator's settings are open"
USER_IN_URL = "auth.endpoint must not hold a user name or a password"
NO_HOST = "auth.endpoint must name a host"
NO_SCHEME = "auth.endpoint must start with http:// or https://"
NO_ENDPOINT = "catalogue has no compute endpoint for the region_name and interface"
NO_NAME = "The name of the endpoint cannot be resolved"

_ENDPOINTS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    # one address, in every spelling that some resolver understands
    "plain": ("http://127.0.0.2:PORT/v2.1", (REFUSED,), LOOPBACK),
    "decimal": ("http://2130706434:PORT/v2.1", (REFUSED,), LOOPBACK),
    "octal": ("http://0177.0.0.2:PORT/v2.1", (REFUSED,), LOOPBACK),
    "octal-whole": ("http://017700000002:PORT/v2.1", (REFUSED,), LOOPBACK),
    "hexadecimal": ("http://0x7f000002:PORT/v2.1", (REFUSED,), LOOPBACK),
    "hexadecimal-parts": ("http://0x7f.0x0.0x0.0x2:PORT/v2.1", (REFUSED,), LOOPBACK),
    "two-parts": ("http://127.2:PORT/v2.1", (REFUSED,), LOOPBACK),
    "zero-padded": ("http://127.000.000.002:PORT/v2.1", (REFUSED,), LOOPBACK),
    "wide-dots": ("http://127。0。0。2:PORT/v2.1", (REFUSED, UNREACHABLE), ""),
    "circled-digits": ("http://①②⑦.0.0.2:PORT/v2.1", (REFUSED, UNREACHABLE), ""),
    "mapped": ("http://[::ffff:127.0.0.2]:PORT/v2.1", (REFUSED,), LOOPBACK),
    "mapped-hexadecimal": ("http://[::ffff:7f00:2]:PORT/v2.1", (REFUSED,), LOOPBACK),
    "compatible": ("http://[::127.0.0.2]:PORT/v2.1", (REFUSED,), LOOPBACK),
    "six-to-four": ("http://[2002:7f00:2::]:PORT/v2.1", (REFUSED,), LOOPBACK),
    "nat64": ("http://[64:ff9b::7f00:2]:PORT/v2.1", (REFUSED,), LOOPBACK),
    "loopback-of-six": ("http://[::1]:PORT/v2.1", (REFUSED,), LOOPBACK),
    "unspecified": ("http://0.0.0.0:PORT/v2.1", (REFUSED,), UNSPECIFIED),
    "unspecified-of-six": ("http://[::]:PORT/v2.1", (REFUSED,), UNSPECIFIED),
    "zero": ("http://0:PORT/v2.1", (REFUSED,), UNSPECIFIED),
    "name": ("http://localhost:PORT/v2.1", (REFUSED,), LOOPBACK),
    "name-in-upper-case": ("http://LOCALHOST:PORT/v2.1", (REFUSED,), LOOPBACK),
    "trailing-dot": ("http://localhost.:PORT/v2.1", (REFUSED, UNREACHABLE), ""),
    "address-with-trailing-dot": ("http://127.0.0.2.:PORT/v2.1", (REFUSED, UNREACHABLE), ""),
    "percent": ("http://127.0.0.%32:PORT/v2.1", (REFUSED, UNREACHABLE), ""),
    "over-tls": ("https://127.0.0.2:PORT/v2.1", (REFUSED,), LOOPBACK),
    # addresses that are nobody's cloud
    "metadata": ("http://169.254.169.254/v2.1", (REFUSED,), LINK_LOCAL),
    "metadata-decimal": ("http://2852039166/v2.1", (REFUSED,), LINK_LOCAL),
    "metadata-octal": ("http://0251.0376.0251.0376/v2.1", (REFUSED,), LINK_LOCAL),
    "metadata-mapped": ("http://[::ffff:a9fe:a9fe]/v2.1", (REFUSED,), LINK_LOCAL),
    "link-local-of-six": ("http://[fe80::1]/v2.1", (REFUSED,), LINK_LOCAL),
    "multicast": ("http://224.0.0.1/v2.1", (REFUSED,), "it leads to a multicast or reserved address"),
    "broadcast": ("http://255.255.255.255/v2.1", (REFUSED,), "it leads to a multicast or reserved address"),
    "service-of-the-cluster": ("https://10.96.0.1/v2.1", (REFUSED,), "it leads to a network of the cluster"),
    "not-listed": ("https://192.0.2.7/v2.1", (REFUSED,), NOT_LISTED),
    "listed-on-another-port": ("http://127.0.0.1:CLOSED/v2.1", (REFUSED,), LOOPBACK),
    # what is no endpoint at all
    "user": (f"http://{CANARY}@127.0.0.2:PORT/v2.1", (INVALID,), USER_IN_URL),
    "user-and-password": (f"http://{CANARY}:{PASSWORD}@127.0.0.2:PORT/v2.1", (INVALID,), USER_IN_URL),
    "empty-user": (f"http://:{PASSWORD}@127.0.0.2:PORT/v2.1", (INVALID,), USER_IN_URL),
    "backslash": ("http://192.0.2.7\\@127.0.0.2:PORT/v2.1", (INVALID,), USER_IN_URL),
    "ftp": ("ftp://127.0.0.2:PORT/v2.1", (INVALID,), NO_SCHEME),
    "file": ("file:///etc/passwd", (INVALID,), NO_SCHEME),
    "no-scheme": ("127.0.0.2:PORT/v2.1", (INVALID,), NO_SCHEME),
    "no-host": ("http:///v2.1", (INVALID,), NO_HOST),
    "newline": ("http://127.0.0.2:PORT/v2.1\r\nX-Evil: 1", (INVALID,), NO_HOST),
    "port-beyond-all": ("http://127.0.0.2:99999/v2.1", (INVALID,), "auth.endpoint is not a URL"),
    "port-is-a-word": ("http://127.0.0.2:http/v2.1", (INVALID,), "auth.endpoint is not a URL"),
    "changing-name": ("http://changing.test:SCRIPT-PORT/changing/v2.1", (REFUSED, UNREACHABLE), ""),
    "name-without-address": ("http://nova.invalid/v2.1", (UNREACHABLE,), NO_NAME),
    "name-too-long": (f"http://{'n' * 300}.example.org/v2.1", (UNREACHABLE, REFUSED), ""),
}


def _document(text: str | bytes, words: str, reason: str = INVALID) -> Row:
    return Row({"clouds.yaml": text}, (reason,), words)


_AT_CLOUD = "clouds.yaml, cloud 'operator': "

_DOCUMENTS: Mapping[str, Row] = {
    "no-secret": Row(None, (NO_SECRET,), "there is no Secret no-secret in namespace"),
    "no-key": Row({"clouds.yml": by_password()}, (INVALID,), "clouds.yaml: the Secret has no such key"),
    "no-content": _document("", "clouds.yaml: a mapping named clouds is missing"),
    "broken-yaml": _document(f"clouds: {{operator: [{PASSWORD}", "clouds.yaml: not valid YAML"),
    "tabs": _document(f"clouds:\n\toperator: {PASSWORD}", "clouds.yaml: not valid YAML"),
    "python-object": _document("clouds: !!python/object/apply:os.system [id]", "clouds.yaml: not valid YAML"),
    "deeply-nested": _document("[" * 65_000, "clouds.yaml: "),
    "aliases": _document("a: &a [1, 2]\nb: [*a, *a]\nclouds: {}", "clouds.yaml: aliases (*name) are not allowed"),
    "too-long": _document(by_password() + " " * 17_000, "clouds.yaml: longer than 16 KiB"),
    "no-text": _document(b"\xff\xfe\x00", "clouds.yaml: not UTF-8 text"),
    "a-list": _document("[operator]", "clouds.yaml: a mapping named clouds is missing"),
    "no-cloud": _document("clouds: {elsewhere: {}}", "clouds.yaml: there is no cloud 'operator'"),
    "cloud-is-text": _document(f"clouds: {{operator: {PASSWORD}}}", "clouds.yaml: there is no cloud 'operator'"),
    "no-auth": _document("clouds: {operator: {region_name: RegionOne}}", f"{_AT_CLOUD}auth is missing"),
    "auth-is-text": _document(f"clouds: {{operator: {{auth: {PASSWORD}}}}}", f"{_AT_CLOUD}auth must be a mapping"),
    "no-auth-url": _document(by_password({"auth_url": None}), f"{_AT_CLOUD}auth.auth_url is missing"),
    "no-user": _document(by_password({"username": None}), f"{_AT_CLOUD}auth.username or auth.user_id is missing"),
    "no-password": _document(by_password({"password": None}), f"{_AT_CLOUD}auth.password is missing"),
    "empty-password": _document(by_password({"password": ""}), f"{_AT_CLOUD}auth.password is missing"),
    "password-is-a-number": _document(by_password({"password": 123}), f"{_AT_CLOUD}auth.password must be a string"),
    "user-in-auth-url": _document(
        by_password({"auth_url": f"http://operator:{PASSWORD}@127.0.0.1/v3"}),
        f"{_AT_CLOUD}auth.auth_url must not hold a user name or a password",
    ),
    "passcode": _document(by_password({"passcode": PASSWORD}), f"{_AT_CLOUD}key 'auth.passcode' is not allowed"),
    "unknown-auth-type": _document(by_password(auth_type="v3kerberos"), f"{_AT_CLOUD}auth_type must be one of"),
    "auth-type-is-a-list": _document(by_password(auth_type=["password"]), f"{_AT_CLOUD}auth_type must be one of"),
    "region-is-a-list": _document(by_password(region_name=["A"]), f"{_AT_CLOUD}region_name must be a string"),
    "unknown-interface": _document(by_password(interface="outside"), f"{_AT_CLOUD}interface must be one of"),
    "old-identity-api": _document(by_password(identity_api_version=2), f"{_AT_CLOUD}identity_api_version must be 3"),
    "verification-off": _document(by_password(verify=False), f"{_AT_CLOUD}verify must stay true"),
    "regions": _document(by_password(regions=["A", "B"]), f"{_AT_CLOUD}key 'regions' is not allowed (use region_name)"),
    "vendor": _document(by_password(vendor="x"), f"{_AT_CLOUD}key 'vendor' is not allowed"),
    "insecure": _document(by_password(insecure=True), f"{_AT_CLOUD}key 'insecure' is not allowed"),
    "statsd": _document(by_password(statsd={"host": "127.0.0.2"}), f"{_AT_CLOUD}key 'statsd' is not allowed"),
    "retries": _document(
        by_password(identity_connect_retries=9), f"{_AT_CLOUD}key 'identity_connect_retries' is not allowed"
    ),
    "no-certificate": Row(
        {"clouds.yaml": by_password(), "cacert": f"{CANARY} is no certificate"},
        (INVALID,),
        "cacert holds no PEM certificate that can be read",
    ),
}

_APPLICATION = {
    "auth_url": "KEYSTONE",
    "application_credential_id": "0" * 32,
    "application_credential_secret": PASSWORD,
}


def _one_cloud(auth_type: str, auth: Mapping[str, str]) -> str:
    return yaml.safe_dump({"clouds": {"operator": {"auth_type": auth_type, "auth": dict(auth)}}})


_LOGINS: Mapping[str, Row] = {
    "wrong-password": _document(by_password(), "does not accept the credentials", UNAUTHORIZED),
    "wrong-user": _document(by_password({"username": CANARY}), "does not accept the credentials", UNAUTHORIZED),
    "wrong-project": _document(
        by_password({"project_name": "nowhere"}), "does not accept the credentials", UNAUTHORIZED
    ),
    "wrong-application-credential": _document(
        _one_cloud("v3applicationcredential", _APPLICATION), "does not accept the credentials", UNAUTHORIZED
    ),
    "wrong-token": _document(by_token("NOVA"), "does not accept the credentials", UNAUTHORIZED),
    "expired-token": _document(
        by_token("NOVA").replace(TOKEN, "EXPIRED"), "does not accept the credentials", UNAUTHORIZED
    ),
    "revoked-token": _document(
        _one_cloud(
            "v3token",
            {"auth_url": "KEYSTONE", "token": "REVOKED", "project_name": "lab", "project_domain_id": "default"},
        ),
        "does not accept the credentials",
        UNAUTHORIZED,
    ),
    "login-at-a-refused-address": _document(by_password({"auth_url": "http://2130706434:PORT/v3"}), LOOPBACK, REFUSED),
    "login-at-no-keystone": _document(by_password({"auth_url": "SCRIPT/nothing"}), "", UNREACHABLE),
    **{f"redirect-{code}": _document(by_token(f"SCRIPT/{code}/v2.1"), "", UNREACHABLE) for code in REDIRECTS},
    **{
        f"redirected-login-{code}": _document(by_password({"auth_url": f"SCRIPT/{code}/v3"}), "", UNREACHABLE)
        for code in REDIRECTS
    },
}

CATALOGUE: Mapping[str, tuple[str, str, str]] = {
    "plain": ("http://127.0.0.2:PORT/v2.1", REFUSED, LOOPBACK),
    "decimal": ("http://2130706434:PORT/v2.1", REFUSED, LOOPBACK),
    "mapped": ("http://[::ffff:127.0.0.2]:PORT/v2.1", REFUSED, LOOPBACK),
    "metadata": ("http://169.254.169.254/v2.1", REFUSED, LINK_LOCAL),
    "link-local-of-six": ("http://[fe80::1]/v2.1", REFUSED, LINK_LOCAL),
    "service-of-the-cluster": ("https://10.96.0.1/v2.1", REFUSED, "it leads to a network of the cluster"),
    "not-listed": ("https://192.0.2.7/v2.1", REFUSED, NOT_LISTED),
    "user-and-password": (f"http://{CANARY}:{PASSWORD}@127.0.0.2:PORT/v2.1", REFUSED, LOOPBACK),
    "file": ("file:///etc/passwd", INVALID, NO_ENDPOINT),
    "no-host": ("http:///v2.1", INVALID, NO_ENDPOINT),
    "redirect": ("SCRIPT/302/v2.1", UNREACHABLE, ""),
}
"""Where the catalogue of a scripted Keystone leads, by region."""

ROWS: Mapping[str, Row] = {
    **{
        f"endpoint-{name}": Row({"clouds.yaml": by_token(url)}, reasons, words)
        for name, (url, reasons, words) in _ENDPOINTS.items()
    },
    **_DOCUMENTS,
    **_LOGINS,
    **{
        f"catalogue-{name}": _document(by_password({"auth_url": "SCRIPT/v3"}, region_name=name), words, reason)
        for name, (_, reason, words) in CATALOGUE.items()
    },
    "catalogue-of-another-region": _document(
        by_password({"auth_url": "SCRIPT/v3"}, region_name="nowhere"), "region_name", INVALID
    ),
}
"""Every mistake by its name, which is also that of its Provider and its Secret."""


class Order(NamedTuple):
    """One Migration that cannot be done.

    Attributes:
        server: what it names; the values in capitals are servers of the scene.
        provider: through which Provider.
        outcome: phase and reason.
        words: in the message of ``Succeeded``.
    """

    server: Mapping[str, str]
    provider: str
    outcome: tuple[str, str]
    words: str


NOT_FOUND = ("Failed", "ServerNotFound")
NOBODY = "00000000-0000-4000-8000-000000000000"
WAITING = ("Queued", "ProviderNotReady")

ORDERS: Mapping[str, Order] = {
    "unknown-id": Order({"id": NOBODY}, "good", NOT_FOUND, "no such server"),
    "unknown-name": Order({"name": "no such server"}, "good", NOT_FOUND, "no server"),
    "name-in-another-case": Order({"name": "TWIN-IN-CAPITALS"}, "good", NOT_FOUND, "no server"),
    "name-with-a-wildcard": Order({"name": "twin.*"}, "good", NOT_FOUND, "no server"),
    "ambiguous-name": Order({"name": "TWIN"}, "good", ("Failed", "ServerNameAmbiguous"), "id"),
    "id-of-another-project": Order({"id": "FOREIGN-ID"}, "manager", NOT_FOUND, "no such server"),
    "name-of-another-project": Order({"name": "FOREIGN-NAME"}, "manager", NOT_FOUND, "no server"),
    "no-provider": Order({"id": NOBODY}, "nobody", WAITING, "Provider nobody"),
    "refused-provider": Order({"id": NOBODY}, "endpoint-decimal", WAITING, "Provider endpoint-decimal"),
    "provider-without-secret": Order({"id": NOBODY}, "no-secret", WAITING, "Provider no-secret"),
    "unauthorized-provider": Order({"id": NOBODY}, "wrong-password", WAITING, "Provider wrong-password"),
}
"""Every order that cannot be done, by the name of its Migration."""
