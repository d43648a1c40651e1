"""Words that many rows share: recipients, what the queue says, how mail is sent."""

from __future__ import annotations

BOB, CAROL = "bob@example.net", "carol@example.net"
MANY = [f"user{number:02}@example.net" for number in range(22)]
# Transports at a level of smtp_tls_security_level, and options of the proxy.
MAY, ENCRYPT, VERIFY = "may", "encrypt", "verify"
TERMINATE, LMTP = ("--tls", "terminate"), ("--protocol", "lmtp")

AT_RCPT, AT_MAIL = "(in reply to RCPT TO command)", "(in reply to MAIL FROM command)"
AT_DATA, AT_END = "(in reply to DATA command)", "(in reply to end of DATA command)"
PROTOCOL_ERROR = "5.5.0"  # where a reply makes no sense at its stage
NO_HANDSHAKE = "Cannot start TLS: handshake failure"
NOT_VERIFIED = "Server certificate not verified"
TWICE = "message may be sent more than once"
