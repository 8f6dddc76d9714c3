"""Pushed evidence: approved exceptions from a control."""
