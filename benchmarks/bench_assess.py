"""Judging: checks on facts a second, and loading the library, beside plain Python doing the least of it.

Run from the checkout: ``.venv/bin/python benchmarks/bench_assess.py [--resources N]``. The organisation is one
in which every shipped control is effective, with N more keys, N users and N roles. One check is judged beside
the same condition written as a Python function (which knows nothing of what was not seen); loading, which
compiles every predicate and judges every example, beside only parsing the same YAML.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping

import yaml
from _measuring import rate, spread, timed

from compliance.assessment import Assessment, assess
from compliance.canonical import Json
from compliance.derived import DERIVATIONS
from compliance.facts import Fact
from compliance.library import Check, Library, load_library
from tests.fact_base import AT, MemoryFacts, seen
from tests.shipped import ACCOUNT, CONTROLS, RESOURCES, schemas, sound

ROUNDS = 3
MANY = {"kms_key": "key", "iam_user": "user", "iam_role": "role"}


def files() -> dict[str, str]:
    """The shipped library's files."""
    return {
        path.relative_to(CONTROLS).as_posix(): path.read_text() for path in sorted(CONTROLS.rglob("*.yaml"))
    }


def organisation(resources: int) -> MemoryFacts:
    """The sound organisation with so many more resources of each kind, all in order."""
    base = sound().base()
    like = {type_: value for (type_, _), value in RESOURCES.items()}
    more = [
        seen(type_, f"arn:aws:x::{ACCOUNT}:{name}/{number}", dict(like[type_]))
        for type_, name in MANY.items()
        for number in range(resources)
    ]
    users = len([fact for fact in more if fact.type == "iam_user"]) + 1
    given: list[Fact] = [
        seen(fact.type, fact.resource, {**fact.value, "users": users}) if fact.type == "iam_account" else fact
        for fact in base.given
    ]
    base.given = [*given, *more]
    return base


def rotates(key: Mapping[str, Json]) -> bool:
    """The check of rotation as a Python function: right only where everything was seen."""
    if not (key["manager"] == "CUSTOMER" and key["rotation_supported"]):
        return True
    return bool(key["rotation_enabled"])


def judged(result: Assessment) -> int:
    """How often a check was put to a resource."""
    return sum(
        check.population + check.not_applicable for one in result.controls.values() for check in one.checks
    )


def one_check(check: Check, facts: list[Fact]) -> None:
    """Print one check beside its Python function."""
    by_check, verdicts = timed(lambda: [check.judge(fact.value, fact.unseen, AT) for fact in facts])
    by_hand, plain = timed(lambda: [rotates(fact.value) for fact in facts])
    assert set(verdicts) == {"pass"}
    assert all(plain)
    print(rate(f"check {check.id}", len(facts), by_check, "facts", len(facts) / by_hand))
    print(rate("the same as a Python function", len(facts), by_hand, "facts"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=5000)
    options = parser.parse_args()
    texts, fields = files(), schemas()
    parsed = [
        timed(lambda: [yaml.load(text, yaml.CSafeLoader) for text in texts.values()])[0]
        for _ in range(ROUNDS)
    ]
    loaded = [timed(lambda: load_library(texts, fields)) for _ in range(ROUNDS)]
    library: Library = loaded[-1][1]
    print(f"{len(texts)} files, {len(library.controls)} controls, {len(library.checks)} checks")
    print(spread("loading the library", [took for took, _ in loaded], parsed))
    print(spread("parsing its YAML alone (libyaml)", parsed))
    base = organisation(options.resources)
    one_check(library.checks["kms-rotation-on"], [fact for fact in base.given if fact.type == "kms_key"])
    rounds = [timed(lambda: assess(library, base, DERIVATIONS)) for _ in range(ROUNDS)]
    result, seconds = rounds[-1][1], statistics.median(took for took, _ in rounds)
    print(
        f"whole assessment of {len(base.given)} facts: {seconds:.2f} s, {judged(result)} times a check was put to a resource"
    )
    print(rate("whole assessment", judged(result), seconds, "judgements"))


if __name__ == "__main__":
    main()
