"""The adapter: requests to a hosting provider's management API, and what its answers mean."""
