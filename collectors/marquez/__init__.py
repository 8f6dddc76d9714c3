"""Marquez: OpenLineage events that were sent to it."""
