"""What osmig knows and how it decides: data and pure functions, no clock and no I/O."""
