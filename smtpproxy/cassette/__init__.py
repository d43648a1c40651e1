"""Cassettes: recorded dialogues, as files."""
