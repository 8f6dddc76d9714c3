"""AWS CloudTrail: the trails of an account, and what they record."""
