"""AWS KMS: the keys of an account, region by region."""
