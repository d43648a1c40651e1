"""`python -m smtpproxy` is `smtpproxy`."""

from smtpproxy.cli import main

main()
