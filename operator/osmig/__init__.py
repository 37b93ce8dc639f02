"""osmig: a Kubernetes operator that moves OpenStack servers, exactly once, from a Migration object."""

__version__ = "0.1.0"
