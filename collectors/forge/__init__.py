"""What GitHub and GitLab share: repositories with their protection, and merged changes with their reviews."""
