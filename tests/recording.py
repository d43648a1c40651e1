"""A small cassette, the dialogue that it replays, and one that it does not have."""

CASSETTE = """\
smtpproxy-cassette: 1
upstream: tcp:mail.example.org:25
recorded: 2026-11-23T12:00:00Z
---
session: 1
dialogue:
- S: "220 mail.example.org ESMTP"
- C: "HELO app.example.org"
  S: "250 mail.example.org"
- C: "MAIL FROM:<a@example.org>"
  S: "250 2.1.0 Ok"
- C: "RCPT TO:<b@example.net>"
  S: "550 5.1.1 No such user"
- C: "RSET"
  S: "250 2.0.0 Ok"
- C: "QUIT"
  S: "221 2.0.0 Bye"
ended: quit
"""

RECORDED = """
S: 220 mail.example.org ESMTP
C: HELO app.example.org
S: 250 mail.example.org
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
S: 550 5.1.1 No such user
C: RSET
S: 250 2.0.0 Ok
C: QUIT
S: 221 2.0.0 Bye
"""

MISSED = """
S: 220 mail.example.org ESMTP
C: HELO app.example.org
S: 250 mail.example.org
C: MAIL FROM:<stranger@example.com>
S: 554 5.3.0 smtpproxy: replay miss 1 ...
C: QUIT
S: 221 2.0.0 Bye
"""

# To the sink, whose texts are its own affair.
DELIVERY = """
S: 220 ...
C: HELO app.example.org
S: 250 ...
C: MAIL FROM:<a@example.org>
S: 250 ...
C: RCPT TO:<b@example.net>
S: 250 ...
C: DATA
S: 354 ...
C: Subject: hello
C:
C: Hi.
C: .
S: 250 ...
C: QUIT
S: 221 ...
"""
