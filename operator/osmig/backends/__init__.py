"""One package per engine (OpenStack, later Waldur and hosting) behind the port in ``ports``."""
