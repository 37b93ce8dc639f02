"""URLs that a tenant's catalogue chose: what of them may be shown, and which endpoint a request went to."""

from __future__ import annotations

from urllib.parse import urlsplit


def remove_path(url: str, path: str) -> str:
    """Return the endpoint that a request's URL was made of."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix(path).rstrip('/')}"


def make_presentable(endpoint: object) -> str:
    """Keep what may be shown of an endpoint: no user, no query."""
    parts = urlsplit(str(endpoint or ""))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
