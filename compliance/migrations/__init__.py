"""Alembic migrations of the operational tables (tokens, sessions, runs)."""
