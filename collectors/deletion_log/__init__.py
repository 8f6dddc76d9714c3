"""A deletion log kept elsewhere: files of JSON lines, each an erasure that was carried out."""
