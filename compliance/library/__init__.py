"""The control library: read, held against its models, compiled; crosswalk, lint and coverage. Pure."""

from compliance.library.coverage import (
    FrameworkCoverage,
    coverage,
    framework_coverage,
    is_attested,
    is_automated,
    is_derived,
    percent,
)
from compliance.library.examples import EXAMPLE_NOW, ExampleResult
from compliance.library.lint import WeakSpot, lint
from compliance.library.loading import library_digest, load_library, run_examples
from compliance.library.model import (
    Answering,
    Attestation,
    Check,
    Control,
    Derivation,
    EnforcementPoint,
    Example,
    Framework,
    Judged,
    Library,
    Requirement,
)
from compliance.library.texts import filled, plain, span, value_at
from compliance.library.written import Relationship, Severity, schema_text

__all__ = [
    "EXAMPLE_NOW",
    "Answering",
    "Attestation",
    "Check",
    "Control",
    "Derivation",
    "EnforcementPoint",
    "Example",
    "ExampleResult",
    "Framework",
    "FrameworkCoverage",
    "Judged",
    "Library",
    "Relationship",
    "Requirement",
    "Severity",
    "WeakSpot",
    "coverage",
    "filled",
    "framework_coverage",
    "is_attested",
    "is_automated",
    "is_derived",
    "library_digest",
    "lint",
    "load_library",
    "percent",
    "plain",
    "run_examples",
    "schema_text",
    "span",
    "value_at",
]
