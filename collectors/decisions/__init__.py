"""Pushed evidence: decision-log entries of Open Policy Agent."""
