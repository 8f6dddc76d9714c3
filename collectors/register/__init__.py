"""Registers that people keep: files of YAML, JSON or CSV in a folder."""
