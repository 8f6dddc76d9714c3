"""Delta tables: the transaction log, and which data files are still there."""
