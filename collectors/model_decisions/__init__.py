"""Pushed evidence: what was decided about models that hold an erased record."""
