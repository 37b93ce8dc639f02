"""The replication of a tenant: its course from the first check to the last poll."""
