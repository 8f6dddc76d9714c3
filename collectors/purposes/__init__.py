"""Pushed evidence: the register of processing."""
