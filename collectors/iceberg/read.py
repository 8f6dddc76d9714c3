"""Reads entries of Iceberg collections. Pure."""

from collectors.lake.reading import LakeReader

READER = LakeReader(kinds=("iceberg/1",))
