"""Pushed evidence: data contracts."""
