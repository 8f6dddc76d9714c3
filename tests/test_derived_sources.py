"""How well the evidence itself is known."""

from __future__ import annotations

from dataclasses import replace

from compliance.facts import ScopeState, SourceState
from tests.derived_parts import derive
from tests.fact_base import AT, memory_facts, whole


def source(name: str = "aws", **changes: object) -> SourceState:
    """A source that reported just now."""
    return replace(SourceState(name, "aws-iam", AT, None, "", evidence=("3",)), **changes)  # type: ignore[arg-type]  # test values


def test_a_source_in_time_and_a_failing_one() -> None:
    """A cause of any kind means that the source is not in time, and its detail is told."""
    late = source("late", cause="stale", detail="silent for 9 days")
    facts = derive(memory_facts(sources=[source(), late]), "evidence_source")
    assert facts["aws"].value["in_time"] is True
    assert facts["late"].value["in_time"] is False
    assert facts["late"].value["detail"] == "silent for 9 days"
    assert facts["aws"].evidence == ("3",)


def test_silence_that_cannot_be_told_is_unseen() -> None:
    """A source without an expected interval is neither in time nor late."""
    quiet = source("quiet", detail="its silence cannot be told: no expect_every is configured")
    never = source("never", last_seen=None)
    facts = derive(memory_facts(sources=[quiet, never]), "evidence_source")
    assert facts["quiet"].unseen["in_time"].cause == "missing"
    assert facts["never"].unseen["in_time"].cause == "missing"


def test_a_scope_is_complete_only_if_its_last_run_saw_it_whole() -> None:
    """A denied or cut listing, and one that never was, are not complete."""
    denied = replace(whole("kms_key"), cause="incomplete", detail="kms:ListKeys denied")
    never = ScopeState("iam_user", "aws", "aws", None, "missing", "it was never collected", ())
    facts = derive(memory_facts(scopes=[denied, never, whole("iam_role")]), "evidence_scope")
    assert facts["aws/123456789012/kms_key"].value["complete"] is False
    assert facts["aws/123456789012/kms_key"].value["detail"] == "kms:ListKeys denied"
    assert facts["aws/aws/iam_user"].value["complete"] is False
    assert facts["aws/123456789012/iam_role"].value["complete"] is True
