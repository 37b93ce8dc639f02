"""Everything osmig says to the Kubernetes API, except the watch, which is kopf's."""
