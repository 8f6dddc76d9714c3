"""AWS S3: the buckets of an account, what guards them and who may read them."""
