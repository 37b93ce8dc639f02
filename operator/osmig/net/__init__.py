"""What every connection to a stranger's server needs: guard, limiter, bounds, clean texts."""
