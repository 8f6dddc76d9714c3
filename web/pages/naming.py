"""How frameworks, requirements, counts and statuses read on a page. Pure."""

from __future__ import annotations

import re

from compliance.assessment import Status
from compliance.library import Library
from reports.audit import TITLES

SMALL = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
STATUSES: tuple[Status, ...] = ("deficient", "unknown", "excepted", "effective")
"""The gravest first, as everywhere."""
STATUS_OF_OUTCOME = {"fail": "deficient", "unknown": "unknown", "excepted": "excepted", "pass": "effective"}
CAUSES = {
    "missing": "never collected", "stale": "too old", "incomplete": "not seen whole", "unreadable": "not readable",
}  # fmt: skip
ACRONYMS = {"ml": "ML", "ai": "AI", "dpo": "DPO", "ciso": "CISO"}
RELATIONSHIPS = {
    "equal": "does just what is asked", "superset-of": "does all that is asked, and more",
    "subset-of": "does part of what is asked", "intersects-with": "overlaps with what is asked",
}  # fmt: skip


def framework_name(framework: str) -> str:
    """The short name that people know a framework by."""
    return TITLES.get(framework, framework)


def shortest_name(framework: str) -> str:
    """The name without a version."""
    return framework_name(framework).removesuffix(" 4.0.1")


def citation(text: str) -> str:
    """A citation as it is written: ``Art. 32(1)(a)``."""
    return text.replace("Art.", "Art. ")


def requirement_name(requirement: str) -> str:
    """``PCI DSS 3.7.4`` for ``pci-dss-4.0.1:3.7.4``."""
    framework, _, cited = requirement.partition(":")
    return f"{shortest_name(framework)} {citation(cited)}"


def in_words(count: int) -> str:
    """Small numbers in words."""
    return SMALL[count] if count < len(SMALL) else f"{count:,}"


def sentence(text: str) -> str:
    """A text with a capital first letter and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def family_title(library: Library, family: str) -> str:
    """The title of a family of controls."""
    return library.families.get(family, family)


def owner_name(owner: str) -> str:
    """``Platform security`` for ``platform-security``."""
    words = [ACRONYMS.get(word, word) for word in owner.split("-")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def natural(text: str) -> list[tuple[bool, int, str]]:
    """What sorts ``Art. 9`` before ``Art. 10``."""
    parts = re.findall(r"\d+|\D+", text)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
