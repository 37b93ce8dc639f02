"""Waldur: tenants are replicated by its marketplace; nothing of its words leaves this package."""
