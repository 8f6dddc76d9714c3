"""Pushed evidence: consents given and withdrawn."""
