"""What collection runs say of themselves: which scopes they saw, and how completely."""
