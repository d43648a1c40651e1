"""A Postfix server of the test's own: its configuration, its start and its stop.

It takes mail for example.net alone, refuses nobody@example.net, and sends nothing onwards.
"""

import contextlib
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.peers.mailserver import MaildirServer
from tests.peers.processes import HOST, await_greeting, free_port, open_folder
from tests.peers.programs import need, need_root

POSTFIX_FILES = Path("/etc/postfix/postfix-files")  # `postfix start` makes its queue by this list
COMMAND_SECONDS = 60.0

RECIPIENTS = r"""
!/^nobody@/  inbox/
"""

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}/log
alternate_config_directories =
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example.net
mydestination =
mynetworks =
alias_maps =
default_transport = discard
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
in_flow_delay = 0
queue_minfree = 0
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
pickup  unix n - n 60  1 pickup
cleanup unix n - n -   0 cleanup
qmgr    unix n - n 300 1 qmgr
tlsmgr  unix - - n 1000? 1 tlsmgr
rewrite unix - - n -   - trivial-rewrite
bounce  unix - - n -   0 bounce
defer   unix - - n -   0 bounce
trace   unix - - n -   0 bounce
verify  unix - - n -   1 verify
flush   unix n - n 1000? 0 flush
proxymap unix - - n -  - proxymap
showq   unix n - n -   - showq
error   unix - - n -   - error
retry   unix - - n -   - error
discard unix - - n -   - discard
virtual unix - n n -   - virtual
anvil   unix - - n -   1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def run_postfix(
    keep_mail: bool = True, settings: Mapping[str, str] | None = None, preface: bytes = b""
) -> Iterator[MaildirServer]:
    """Run Postfix, delivering to a maildir or (`keep_mail` false) discarding what it has taken.

    `settings` are further parameters of postconf(5), which win over those above. `preface` is what
    a client must say first under them.
    """
    program = need("postfix")
    need_root()
    with open_folder() as folder:
        port = free_port()
        etc = _configure(folder, port, keep_mail, settings or {})
        _run(program, etc, "start")
        try:
            await_greeting(port, folder / "log" / "postfix.log", preface=preface)
            yield MaildirServer(HOST, port, folder / "mail" / "inbox")
        finally:
            _run(program, etc, "stop")


def _configure(folder: Path, port: int, keep_mail: bool, settings: Mapping[str, str]) -> Path:
    owner = pwd.getpwnam("nobody")
    for name in ("etc", "queue", "log", "data", "mail"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    etc = folder / "etc"
    shutil.copy(POSTFIX_FILES, etc)
    main_cf = MAIN_CF + (TO_A_MAILDIR if keep_mail else TO_NOWHERE)
    own = "".join(f"{name} = {value}\n" for name, value in settings.items())
    text = main_cf.format(folder=folder, uid=owner.pw_uid, gid=owner.pw_gid) + own
    (etc / "main.cf").write_text(text)
    (etc / "master.cf").write_text(MASTER_CF.format(port=port))
    (etc / "recipients").write_text(RECIPIENTS)
    return etc


def _run(program: str, etc: Path, command: str) -> None:
    """Let postfix(1) start or stop, its daemons holding no pipe of ours (they outlive it)."""
    with (etc.parent / "log" / f"{command}.out").open("w+") as output:
        done = subprocess.run(
            [program, "-c", str(etc), command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        output.seek(0)
        assert done.returncode == 0, f"postfix {command}: {output.read()}"
