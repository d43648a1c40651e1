"""A Dovecot of the test's own that speaks LMTP: its configuration and its run.

It also checks passwords for a Postfix, by mechanisms of which some never tell the password.
It knows bob, carol and full@example.net, and bob's password. Full's mailbox is over its quota,
which Dovecot says behind the mail data, in a reply of full's own: RFC 2033 §4.2.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.mailserver import Delivered, MailServer, read_maildir
from tests.peers.processes import HOST, free_port, open_folder, running
from tests.peers.programs import need, need_root

# In a passwd file of Dovecot's own (its wiki: AuthDatabase/PasswdFile) the last field is free.
PASSWORD = "correct horse"
USERS = f"""
bob@example.net:{{PLAIN}}{PASSWORD}::::::
carol@example.net:::::::
full@example.net:::::::userdb_quota_rule=*:bytes=1
"""

CONFIGURATION = """
protocols = lmtp
listen = {host}
hostname = dovecot.example.net
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = no
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
first_valid_gid = 1
mail_uid = nobody
mail_gid = nogroup
mail_location = maildir:{folder}/mail/%u
mail_plugins = quota
plugin {{
  quota = maildir:all
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  user = root
  unix_listener {folder}/logins {{
    mode = 0666
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {port}
  }}
}}
"""


@dataclass(frozen=True)
class Dovecot(MailServer):
    """A running Dovecot, and the folder that has a maildir for each recipient.

    `logins` is its socket for a server that asks whether somebody may log in.
    """

    mail: Path
    logins: Path

    def delivered(self) -> list[Delivered]:
        """Every message, one for each recipient, whom its maildir is named for.

        Dovecot writes `Delivered-To` only where a message has one recipient.
        """
        return [
            Delivered(mail.sender, (maildir.name,), mail.octets)
            for maildir in sorted(self.mail.iterdir())
            for mail in read_maildir(maildir)
        ]


@contextlib.contextmanager
def run_dovecot() -> Iterator[Dovecot]:
    """Run Dovecot, delivering to maildirs as the user nobody."""
    program = need("dovecot")
    need_root()
    with open_folder() as folder:
        port = free_port()
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        shutil.chown(folder / "mail", "nobody")
        (folder / "users").write_text(USERS)
        path = folder / "dovecot.conf"
        path.write_text(CONFIGURATION.format(host=HOST, port=port, folder=folder))
        with running([program, "-F", "-c", str(path)], port, folder / "output"):
            yield Dovecot(HOST, port, folder / "mail", folder / "logins")
