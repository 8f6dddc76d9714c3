"""AWS IAM: the account, its users and its roles."""
