"""The audit report: what it says of an assessment, reviewed as a diff of golden HTML, and its PDF."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from compliance.assessment import assess, timelines
from compliance.errors import NotFound
from compliance.facts import Fact, SourceState
from reports.audit import AuditReport, Provenance, build_audit_report
from reports.render import html, pdf
from tests.fact_base import AT, MemoryFacts, memory_facts, seen, whole
from tests.test_assessment import BAD, GOOD, LOCKED, OWNED, SIGNED, control, library

GOLDEN = Path(__file__).parent / "golden" / "audit.html"
LIBRARY = library(
    control("LOC-01", LOCKED), control("OWN-01", OWNED, "rules:1.2", "intersects-with"),
    control("SIG-01", SIGNED, "rules:1.3"),
)  # fmt: skip
PERIOD = (datetime(2026, 11, 1, tzinfo=UTC), AT)


def provenance(*, sample: bool = False) -> Provenance:
    """Where the answers of these tests come from."""
    return Provenance(
        as_of=AT, log_size=7, library="ab" * 32, program="muniment/test", origin="bank.example/log", root="cd" * 32,
        checkpoint="bank.example/log\n7\nzc3N\n\n— bank.example/log sig\n", vouched_by="vouched for by this machine's key only",
        sample=sample,
    )  # fmt: skip


def view_of(facts: list[Fact], *, sample: bool = False, framework: str = "rules") -> AuditReport:
    """The report over a small library and these facts."""

    def base(at: datetime) -> MemoryFacts:
        return memory_facts(
            at, facts=[fact for fact in facts if fact.observed_at <= at], scopes=[whole("bucket", at=at)]
        )

    source = SourceState("kms", "aws-kms", AT - timedelta(hours=1), None, "", evidence=("3",))
    silent = SourceState(
        "events", "push", AT - timedelta(days=3), "stale", "silent for 72 hours; at most 24 hours is expected"
    )
    return build_audit_report(
        LIBRARY, assess(LIBRARY, base(AT), {}), framework=framework, period=PERIOD,
        timelines=timelines(LIBRARY, base, {}, [one.id for one in LIBRARY.controls], AT),
        sources=[source, silent], provenance=provenance(sample=sample),
    )  # fmt: skip


FACTS = [seen("bucket", "one", GOOD), seen("bucket", "two <b>", BAD)]


def test_the_report_is_the_golden_one() -> None:
    """The document of a fixed assessment is the one that was reviewed; MUNIMENT_GOLDEN=1 writes it anew."""
    document = html("audit.html", view_of(FACTS))
    if os.environ.get("MUNIMENT_GOLDEN"):
        GOLDEN.write_text(document, encoding="utf-8")
    assert document == GOLDEN.read_text(encoding="utf-8")


def test_a_report_says_how_much_is_tested_beside_how_much_of_it_is_effective() -> None:
    """The headline names assessable and automated requirements, and that nothing answers some of them."""
    headline = view_of(FACTS).headline
    assert headline.startswith(
        "Of 4 assessable requirements of rules in scope, 2 have an automated check: 1 of those"
    )
    assert "because no control of this library answers them" in headline


def test_time_without_evidence_is_unknown() -> None:
    """The days of the period before the first evidence count as unknown, never as effective."""
    sections = {section.control.id: section for section in view_of([seen("bucket", "one", GOOD)]).controls}
    shares = {one.status: one.share for one in sections["LOC-01"].standing}
    assert shares["unknown"] > 0.9
    assert shares.get("effective", 0) < 0.1


def test_what_was_found_is_escaped_and_stays_text() -> None:
    """A resource name that looks like markup is shown as text."""
    document = html("audit.html", view_of(FACTS))
    assert "two &lt;b&gt;" in document
    assert "two <b>" not in document


def test_sample_data_is_said_on_the_cover_and_every_page() -> None:
    """A report over sample data says so; one over real data does not."""
    pages = PdfReader(io.BytesIO(pdf(html("audit.html", view_of(FACTS, sample=True))))).pages
    assert "Sample data" in pages[0].extract_text()
    assert all("SAMPLE DATA" in page.extract_text() for page in pages)
    assert "ample data" not in html("audit.html", view_of(FACTS))


def test_the_pdf_is_the_same_bytes_each_time() -> None:
    """Equal views give equal bytes, with an outline, a language and a title."""
    document = html("audit.html", view_of(FACTS))
    made = pdf(document)
    assert made == pdf(document)
    read = PdfReader(io.BytesIO(made))
    assert read.metadata is not None
    assert "audit report" in str(read.metadata.title)
    assert read.outline
    assert str(read.trailer["/Root"]["/Lang"]) == "en"  # type: ignore[index]  # a dictionary of the file


def test_an_unknown_framework_is_refused_with_those_there_are() -> None:
    """Asking for a framework that the library lacks names those it has."""
    with pytest.raises(NotFound, match="rules"):
        view_of(FACTS, framework="gpdr")
