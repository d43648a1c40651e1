"""The verbs that SMTP and its extensions define."""

from __future__ import annotations

#: RFC 5321, RFC 821 (SEND, SOML, SAML, TURN), RFC 2033 (LHLO), RFC 3030 (BDAT), RFC 4954 (AUTH),
#: RFC 3207 (STARTTLS), RFC 1985 (ETRN), RFC 2645 (ATRN), RFC 4468 (BURL), and Postfix's own two.
KNOWN_VERBS = frozenset(
    (
        *("HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "VRFY", "EXPN", "HELP"),
        *("NOOP", "QUIT", "AUTH", "STARTTLS", "ETRN", "TURN", "ATRN", "SEND", "SOML", "SAML"),
        *("XCLIENT", "XFORWARD", "BURL"),
    )
)
