"""A control library of a few lines, for tests that need one and judge nothing: three frameworks, three facts."""

from __future__ import annotations

from pathlib import Path

FRAMEWORK = """\
framework: {name}
title: {name}
version: "1"
source: ours
assessability: all
requirements:
  - {{id: "1", parent: null, title: All, assessable: true, nature: technical}}
"""
ENFORCEMENT = "points:\n  - {id: store.lock, component: Store, setting: Lock, what: Keeps objects}\n"
CONTROL = """\
  - id: {id}
    title: Small
    statement: It is so.
    rationale: It should be.
    owner: platform
    enforcement_points: [store.lock]
    evidence_max_age: 24h
    retention: {retention}
    mappings:
      - {{requirement: "{framework}:1", relationship: intersects-with, strength: 5, reason: In part.}}
    checks:
      - id: {check}
        title: Small
        over: {over}
        as: one
        expect: '{expect}'
        severity: low
        why_it_fails: "{{resource}} is not"
        fix: "Make {{resource}} so, setting lock."
        examples:
          pass: [{{{good}}}]
          fail: [{{{bad}}}]
          unknown: [{{{field}: {{unseen: incomplete}}}}]
"""
CONTROLS = (
    ("SMA-01", "hipaa", "kms_key", 'one.state == "Enabled"', "1y", "state: Enabled", "state: Disabled"),
    ("SMA-02", "sox", "iam_user", "one.mfa_active", "1y", "mfa_active: true", "mfa_active: false"),
    ("SMA-03", "eu-ai-act", "model_version", 'one.name != "x"', "1y", "name: y", "name: x"),
    ("SMA-04", "gdpr", "iam_role", "!one.trusts_anyone", "3y", "trusts_anyone: false", "trusts_anyone: true"),
)


def small_library(folder: Path) -> Path:
    """Write it; returns its folder, as ``MUNIMENT_CONTROLS`` names it."""
    frameworks = folder / "frameworks"
    frameworks.mkdir(parents=True)
    for _, name, *_ in CONTROLS:
        (frameworks / f"{name}.yaml").write_text(FRAMEWORK.format(name=name))
    # So long that it does not ride in its entry.
    (folder / "enforcement.yaml").write_text(ENFORCEMENT + "# nothing\n" * 500)
    controls = "".join(
        CONTROL.format(
            id=id_,
            framework=name,
            over=over,
            expect=expect,
            retention=kept,
            check=f"{id_.lower()}-check",
            good=good,
            bad=bad,
            field=good.partition(":")[0],
        )
        for id_, name, over, expect, kept, good, bad in CONTROLS
    )
    (folder / "small.yaml").write_text(f"family: small\ntitle: Small\ncontrols:\n{controls}")
    return folder
