"""Rules: what to do to which dialogue."""
