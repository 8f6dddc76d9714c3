"""GitLab: projects, protected branches, merge requests with their approvals and pipelines."""
