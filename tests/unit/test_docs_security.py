"""Each paragraph of the security page that promises something names what holds it, and what it says of references."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ADVICE = (
    "* So give each tenant a namespace",
    "* Of Waldur, a personal access token",
    "What is still shared: the processor.",
    "Report a weakness to the maintainers",
    "Tenants share one process.",
    "A `MailboxMigration` names a Secret",
)
"""What promises nothing: what to do, and what leads to a list."""


def paragraphs() -> Iterator[str]:
    """Return each paragraph and each point of a list; a table belongs to what stands before it."""
    for block in re.split(r"\n\n", PAGE):
        if not block.startswith(("#", "|", "```")):
            yield from re.split(r"\n(?=\* )", block)


@pytest.mark.parametrize("text", tuple(paragraphs()), ids=lambda text: text[:40])
def test_what_is_promised_names_its_test(text: str) -> None:
    is_lead = text.rstrip().endswith(":") or text.startswith(ADVICE)
    assert is_lead or "tests/" in text, text


def find_properties(schema: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a schema
    """Return the path of every property, however deep."""
    for name, inner in (schema.get("properties") or {}).items():
        yield f"{path}.{name}"
        yield from find_properties(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from find_properties(schema[key], f"{path}[]")


@pytest.mark.parametrize("file", sorted((ROOT / "crds").glob("*.yaml")), ids=lambda file: file.stem)
def test_no_field_of_a_spec_names_another_namespace(file: Path) -> None:
    for version in yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        found = list(find_properties(spec, "spec"))
        assert found
        assert [path for path in found if "namespace" in path.lower()] == []
