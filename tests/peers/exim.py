"""An Exim server of the test's own, from an unpacked package: its configuration and its run.

It takes mail for every domain, refuses the local part `nobody`, and sends nothing onwards. From a
client that speaks PRDR it takes a message without its recipient `full`.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.peers.mailserver import MaildirServer
from tests.peers.processes import HOST, free_port, open_folder, running
from tests.peers.programs import need, need_root, need_user

USER = "Debian-exim"  # built into the program: it doesn't start where this user is not known

# Whoever runs as root may name a configuration; Exim then gives up its rights for good, and
# everything, deliveries too, is done by one unprivileged user.
CONFIGURATION = """
exim_path = {program}
exim_user = {user}
exim_group = {user}
deliver_drop_privilege
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
primary_hostname = exim.example.net
{settings}
chunking_advertise_hosts = *
host_lookup =
rfc1413_hosts =
keep_environment =
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = known
prdr_enable
acl_smtp_data_prdr = roomy

begin acl
known:
  require verify = recipient
  accept
roomy:
  deny local_parts = full
  accept

begin routers
all:
  driver = accept
  local_parts = ! nobody
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  user = {user}
  batch_max = 100
  return_path_add
  envelope_to_add
"""


WITHOUT_TLS = "tls_advertise_hosts ="


@contextlib.contextmanager
def run_exim(
    settings: str = "", tls: str = WITHOUT_TLS, more_ports: Sequence[int] = ()
) -> Iterator[MaildirServer]:
    """Run Exim with further lines for the main section of its configuration, some about TLS."""
    program = need("exim4")
    need_root()
    need_user(USER)
    with open_folder() as folder:
        port = free_port()
        configuration = _configure(folder, program, f"{settings}\n{tls}")
        places = " : ".join(f"{HOST}.{one}" for one in (port, *more_ports))
        listen = ["-bdf", "-oX", places, "-oP", str(folder / "spool" / "exim.pid")]
        with running([program, "-C", str(configuration), *listen], port, folder / "output"):
            yield MaildirServer(HOST, port, folder / "mail")


def _configure(folder: Path, program: str, settings: str) -> Path:
    for name in ("spool", "log", "mail"):
        (folder / name).mkdir()
        shutil.chown(folder / name, USER, USER)
    path = folder / "exim.conf"
    text = CONFIGURATION.format(program=program, user=USER, folder=folder, settings=settings)
    path.write_text(text)
    return path
