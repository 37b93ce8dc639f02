"""What is decided about the replication of a tenant. Pure."""
