"""Waldur: tenants are replicated by its marketplace; nothing of its client's types leaves this package."""
