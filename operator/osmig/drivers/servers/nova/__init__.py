"""OpenStack Nova behind the port: Keystone login, version discovery, Compute calls, and what their answers mean."""
