"""Reads entries of Delta collections. Pure."""

from collectors.lake.reading import LakeReader

READER = LakeReader(kinds=("delta/1",))
