"""The `send_` functions by the names that the matrix has for the clients.

Postfix's is not among them: it is a method of an instance that runs.
"""

from tests.peers.aiosmtplib_client import send_aiosmtplib
from tests.peers.clients import (
    SendMessage,
    send_curl,
    send_msmtp,
    send_smtplib,
    send_smtplib_lmtp,
    send_swaks,
)
from tests.peers.exim_client import send_exim
from tests.peers.node_client import send_nodemailer
from tests.peers.twisted_client import send_twisted

SENDERS: dict[str, SendMessage] = {
    "smtplib": send_smtplib,
    "smtplib.LMTP": send_smtplib_lmtp,
    "aiosmtplib": send_aiosmtplib,
    "Twisted": send_twisted,
    "swaks": send_swaks,
    "msmtp": send_msmtp,
    "curl": send_curl,
    "nodemailer": send_nodemailer,
    "Exim": send_exim,
}
