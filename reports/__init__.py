"""Reports: frozen views and pure builders. They render values and never read the store."""
