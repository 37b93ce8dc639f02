"""What drives the domain: inbox, scheduler, steps, the write-ahead protocol, sweeps."""
