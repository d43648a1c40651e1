"""What each session did, as it is reported, and what was expected of it."""
