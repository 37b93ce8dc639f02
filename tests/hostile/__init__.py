"""A cloud that does all that a stranger's server may do, and what osmig makes of it."""
