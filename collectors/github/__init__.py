"""GitHub: repositories, branch protection, pull requests with their reviews and checks."""
