"""The tools of the command line, one a file. Each takes its words and returns an exit status."""
