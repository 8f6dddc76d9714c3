"""Fides: exports of privacy preferences, as consent events."""
