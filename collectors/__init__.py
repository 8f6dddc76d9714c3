"""Sources of evidence: one folder each. They fetch, yield and read; they never judge."""
