"""Kubeconfig files and the few other files that a bare API server wants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*", "/openapi*"]},
        {"level": "Request", "resources": [{"group": "osmig.dev"}]},
        {"level": "Metadata"},
    ],
}
"""Bodies only of what is ours: enough to count and read every status write."""


def write_kubeconfig(path: Path, *, url: str, authority: Path, token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig with one context and a bearer token, readable by the owner alone."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": url, "certificate-authority": str(authority)}}],
        "users": [{"name": "lab", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": namespace}}],
        "current-context": "lab",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")  # JSON is YAML
    return path


def write_signing_key(path: Path) -> Path:
    """Write a fresh RSA key, with which the API server signs service-account tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(pem)
    return path


def write_tokens(path: Path, tokens: Mapping[str, str], groups: Mapping[str, Sequence[str]]) -> Path:
    """Write the API server's table of static tokens: user name to token, user name to groups."""
    rows = [f'{token},{user},{user},"{",".join(groups.get(user, ()))}"\n' for user, token in tokens.items()]
    path.touch(mode=0o600)
    path.write_text("".join(rows), encoding="utf-8")
    return path


def write_audit_policy(path: Path) -> Path:
    """Write ``AUDIT_POLICY``."""
    path.write_text(json.dumps(AUDIT_POLICY), encoding="utf-8")
    return path
