"""What hostile peers cost in memory: each case is tried on a proxy of its own."""
