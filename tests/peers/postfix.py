"""A Postfix server of the test's own.

It takes mail for example.net alone, refuses nobody@example.net, and sends nothing onwards.
"""

import contextlib
import pwd
import shutil
from collections.abc import Iterator, Mapping

from tests.peers.mailserver import MaildirServer
from tests.peers.postfix_instance import add, open_postfix, started
from tests.peers.processes import HOST, await_greeting, free_port

RECIPIENTS = r"""
!/^nobody@/  inbox/
"""

MAIN_CF = """
myhostname = postfix.example.net
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
"""

TO_A_MAILDIR = """
virtual_mailbox_domains = example.net
virtual_mailbox_maps = regexp:{folder}/etc/recipients
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
"""

TO_NOWHERE = """
relay_domains = example.net
relay_recipient_maps = regexp:{folder}/etc/recipients
relay_transport = discard
"""

MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd
virtual unix - n n -   - virtual
"""


@contextlib.contextmanager
def run_postfix(
    keep_mail: bool = True,
    settings: Mapping[str, str] | None = None,
    preface: bytes = b"",
    services: str = "",
) -> Iterator[MaildirServer]:
    """Run Postfix, delivering to a maildir or (`keep_mail` false) discarding what it has taken.

    `settings` are further parameters of postconf(5), which win over those above. `preface` is what
    a client must say first under them. `services` are further lines of master(5).
    """
    with open_postfix() as folder:
        owner, port = pwd.getpwnam("nobody"), free_port()
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        (folder / "etc" / "recipients").write_text(RECIPIENTS)
        delivery = TO_A_MAILDIR if keep_mail else TO_NOWHERE
        own = "".join(f"{name} = {value}\n" for name, value in (settings or {}).items())
        add(
            folder / "etc" / "main.cf",
            MAIN_CF + delivery.format(folder=folder, uid=owner.pw_uid, gid=owner.pw_gid) + own,
        )
        add(folder / "etc" / "master.cf", MASTER_CF.format(port=port) + services)
        with started(folder):
            await_greeting(port, folder / "log" / "postfix.log", preface=preface)
            yield MaildirServer(HOST, port, folder / "mail" / "inbox")
