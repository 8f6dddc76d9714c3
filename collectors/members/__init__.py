"""Pushed evidence: membership manifests."""
