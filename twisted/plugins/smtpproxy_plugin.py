"""Make smtpproxy known to twistd."""

from twisted.application.service import ServiceMaker

smtpproxy = ServiceMaker(
    "smtpproxy",
    "smtpproxy.tap",
    "A recording and replaying SMTP proxy",
    "smtpproxy",
)
