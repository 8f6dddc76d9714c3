"""Secrets that a source lets slip into its answers, taken out before anything is kept. Pure.

A settings page that shows a runner's token, a tag that holds a password, a finding that quotes the key it found:
what looks like a credential is replaced by a word that is one of the same JSON or XML text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

REDACTED = b"[redacted]"
Redact: TypeAlias = Callable[[bytes], tuple[bytes, tuple[str, ...]]]
"""The bytes without secrets, and what was taken out, in words that do not tell it."""

SHAPES: Mapping[str, re.Pattern[bytes]] = {
    "a private key": re.compile(
        rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^\"<]{1,20000}?-----END [A-Z ]{0,40}PRIVATE KEY-----"
    ),
    "an AWS access key": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b"),
    "a GitLab token": re.compile(rb"\bgl(?:pat|rt|dt|ptt|ft)-[A-Za-z0-9_-]{20,255}"),
    "a Slack token": re.compile(rb"\bxox[abeoprs]-[A-Za-z0-9-]{10,255}"),
    "a JSON web token": re.compile(
        rb"\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,4000}"
    ),
    "a password in a URL": re.compile(rb"(?<=://)[A-Za-z0-9._%+-]{1,100}:[^@/\s\"<>]{1,200}(?=@)"),
}
"""What credentials look like, wherever they stand."""
NAMED = re.compile(
    rb'("(?!next|continuation|page)[A-Za-z0-9_.-]{0,60}'
    rb'(?:password|passwd|secret_?key|client_?secret|private_?key|api_?key|(?:runners|access|auth|refresh|bearer|deploy)_?token)")'
    rb'(\s{0,20}:\s{0,20})"(?!\[redacted\])(?:[^"\\]|\\.){1,20000}"',
    re.IGNORECASE,
)
"""Members of JSON objects whose name says that their text is a secret."""


def without_secrets(body: bytes, own: Iterable[re.Pattern[bytes]] = ()) -> tuple[bytes, tuple[str, ...]]:
    """The bytes without what looks like a secret. ``own`` are further patterns, of the configuration."""
    told: list[str] = []
    for what, shape in SHAPES.items():
        body, times = shape.subn(REDACTED, body)
        if times:
            told.append(f"{what}, {times} times" if times > 1 else what)
    body, times = NAMED.subn(rb'\1\2"' + REDACTED + b'"', body)
    if times:
        told.append(f"{times} members whose name says that they are secret")
    for pattern in own:
        body, times = pattern.subn(REDACTED, body)
        if times:
            told.append(f"{times} matches of a configured pattern")
    return body, tuple(told)
