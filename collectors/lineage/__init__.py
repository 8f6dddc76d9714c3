"""Pushed evidence: OpenLineage events."""
