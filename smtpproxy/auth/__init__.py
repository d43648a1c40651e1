"""Authentication: how the proxy logs in, and what keeps credentials out of all that is kept."""
