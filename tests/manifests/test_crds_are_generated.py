"""What is committed is what the models say."""

from __future__ import annotations

from manifests.crd_files import CRDS, ROOT
from osmig.api.crds import render_crds
from osmig.api.reference import render_reference


def test_the_committed_crds_are_the_generated_ones() -> None:
    committed = {path.name: path.read_text() for path in CRDS.iterdir()}

    assert committed == render_crds(), "run: osmig crds --output-dir crds"


def test_the_committed_api_reference_is_the_generated_one() -> None:
    committed = (ROOT / "docs/reference/api.md").read_text()

    assert committed == render_reference(), "run: python -m osmig.api.reference > docs/reference/api.md"
