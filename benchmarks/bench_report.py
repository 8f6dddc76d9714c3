"""PDF documents: an audit report and a statement of fifty uses; seconds, pages and megabytes.

Run from the checkout: ``.venv/bin/python benchmarks/bench_report.py [--framework F]``. The report is of the shipped
library over an organisation in which a few hundred resources fail. Each document is rendered as the product
does it, in a process of its own with limits, beside WeasyPrint called in this process on the same HTML.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from datetime import timedelta

from _measuring import timed
from pypdf import PdfReader
from weasyprint import HTML

from compliance.assessment import assess, timelines
from compliance.canonical import Json, format_time
from compliance.derived import DERIVATIONS
from reports.audit import Provenance, build_audit_report
from reports.render import html, pdf
from reports.usage import build_usage_statement
from tests.fact_base import AT, MemoryFacts, seen
from tests.shipped import ACCOUNT, RESOURCES, shipped, sound

FAILING, USES, MIB = 300, 50, 1024 * 1024
PERIOD = timedelta(days=90)
PROVENANCE = Provenance(
    as_of=AT, log_size=48213, library="ab" * 32, program="benchmark", origin="benchmark.example/log", root="cd" * 32,
    checkpoint="benchmark.example/log\n48213\nzc3N\n\n— benchmark.example/log sig\n", vouched_by="nobody", sample=False,
)  # fmt: skip


def organisation() -> MemoryFacts:
    """The sound organisation with many keys that do not rotate, and users without a second factor."""
    base = sound().base()
    like = {type_: value for (type_, _), value in RESOURCES.items()}
    faults = {"kms_key": {"rotation_enabled": False}, "iam_user": {"mfa_active": False}}
    more = [
        seen(type_, f"arn:aws:x::{ACCOUNT}:{type_}/{number}", {**like[type_], **fault})
        for type_, fault in faults.items()
        for number in range(FAILING)
    ]
    base.given = [*base.given, *more]
    return base


def report(framework: str) -> str:
    """The audit report of ninety days as HTML; how the controls stood before is that of the sound organisation."""
    base, before, library = organisation(), sound().base(), shipped()
    spans = timelines(
        library, lambda at: replace(before, at=at), DERIVATIONS, [control.id for control in library.controls], AT,
        start=AT - PERIOD,
    )  # fmt: skip
    view = build_audit_report(
        library, assess(library, base, DERIVATIONS), framework=framework, period=(AT - PERIOD, AT),
        timelines=spans, sources=base.sources(), provenance=PROVENANCE,
    )  # fmt: skip
    return html("audit.html", view)


def use(number: int) -> dict[str, Json]:
    """One use; every eighth breaks a rule."""
    began = AT - timedelta(days=USES - number)
    because = "the contract of lake/features in force does not permit marketing"
    wrong = [{"code": "purpose-not-permitted", "because": because, "evidence": ["7/0", "9/1"]}]
    return {
        "run_id": f"0191c2d4-0000-7000-8000-{number:012}", "job": {"namespace": "spark", "name": "train"},
        "consumers": [{"kind": "model", "name": "churn", "version": str(number)}], "started_at": format_time(began),
        "ended_at": format_time(began + timedelta(hours=1)), "purpose": ("service", "marketing", "fraud")[number % 3],
        "lawful_basis": "contract", "certainty": "confirmed", "influence": "direct",
        "path": [f"lake/raw@{number}", f"run:clean-{number}", f"lake/features@{number}", f"run:train-{number}"],
        "violations": wrong if number % 8 == 0 else [], "evidence": [f"{number}/0", f"{number}/1"],
    }  # fmt: skip


def statement() -> str:
    """The statement of fifty uses as HTML."""
    held = [
        {"namespace": "lake", "name": name, "version": str(number), "certainty": "confirmed", "influence": "direct",
         "columns": ["city", "email"], "masked_columns": [], "written_at": format_time(AT), "violations": []}
        for name in ("features", "raw") for number in range(USES)
    ]  # fmt: skip
    answer = {
        "key_space": "customer", "pseudonym": "7c1f" * 8, "as_of": format_time(AT), "uses": [use(n) for n in range(USES)],
        "datasets": held, "complete": True, "undescribed": 0, "gaps": [], "relied_on": [], "library": "ab" * 32,
        "log_size": 48213, "program": "benchmark", "checkpoint": PROVENANCE.checkpoint,
    }  # fmt: skip
    return html("usage.html", build_usage_statement(answer, PROVENANCE))


def told(name: str, seconds: float, document: str, content: bytes, beside: float) -> str:
    """One row."""
    pages = len(PdfReader(io.BytesIO(content)).pages)
    html_took = f"HTML {len(document) / MIB:.2f} MB"
    return (
        f"{name:<28}{seconds:6.2f} s   {pages:4} pages   {len(content) / MIB:5.2f} MB   {html_took}"
        f"   in this process {beside:6.2f} s   x {seconds / beside:4.2f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", default="gdpr")
    options = parser.parse_args()
    built, audit = timed(lambda: report(options.framework))
    print(f"judging, ninety days of timelines and HTML of the audit report: {built:.2f} s")
    for name, document in (
        (f"audit report, {options.framework}", audit),
        (f"statement of {USES} uses", statement()),
    ):
        seconds, content = timed(lambda document=document: pdf(document))  # type: ignore[misc]
        beside, _ = timed(lambda document=document: HTML(string=document).write_pdf(pdf_tags=True))  # type: ignore[misc]
        print(told(name, seconds, document, content, beside))


if __name__ == "__main__":
    main()
