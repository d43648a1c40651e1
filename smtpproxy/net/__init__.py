"""The Twisted shell: it carries out what the core decides, and decides nothing itself."""
