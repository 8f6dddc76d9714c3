"""Pushed evidence: deletion-log entries."""
