"""AWS Secrets Manager: the secrets of an account by their descriptions, never by their values."""
