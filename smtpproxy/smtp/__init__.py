"""The protocol, without I/O: octets in, facts out. Standard library only."""
