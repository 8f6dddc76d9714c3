"""Iceberg tables: snapshots of the metadata, and which data files are still there."""
