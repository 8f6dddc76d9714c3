"""SCIM 2.0: the users and groups of an identity provider (RFC 7643, RFC 7644)."""
