"""The page of hosted mailboxes tells what there is: checks, verbs, and that the real service was never asked."""

from __future__ import annotations

from doc_pages import ROOT, list_mailbox_checks, rows_of
from doc_tables import DOCS
from osmig.api.names import Verb

PAGE = DOCS / "hosting.md"


def test_every_check_before_a_job_is_told_in_its_order() -> None:
    told = [row[0] for row in rows_of(PAGE, "## Before the order: preflight")[1:]]

    assert told == [f"`{name}`" for name in list_mailbox_checks()]


def test_every_verb_is_told_of_for_jobs_too() -> None:
    told = " ".join(row[0] for row in rows_of(PAGE, "## Orders")[1:])

    assert [verb for verb in Verb if f"`{verb}`" not in told] == []


def test_nobody_can_overlook_that_the_real_service_was_never_asked() -> None:
    for page in (PAGE, ROOT / "README.md", ROOT / "CHANGELOG.md"):
        assert "never tried on the real service" in " ".join(page.read_text(encoding="utf-8").lower().split())
