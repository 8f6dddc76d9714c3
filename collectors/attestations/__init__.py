"""Pushed evidence: statements that people sign."""
