"""Exim's smtp transport as one of the `send_` functions: no daemon, a run for each message.

The one real client here that sends mail data by BDAT, where a server offers CHUNKING.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.peers.clients import CLIENT_NAME, SECONDS, Outcome, run_client
from tests.peers.exim import USER
from tests.peers.processes import open_folder
from tests.peers.programs import need, need_root, need_user

# What is in capitals is a macro, which an option on the command line may define before.
CONFIGURATION = """
PROTOCOL = smtp
AVOID_TLS = *
REQUIRE_TLS =
VERIFY_TLS =
AUTHORITY = system
exim_path = {program}
exim_user = {user}
exim_group = {user}
deliver_drop_privilege
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
primary_hostname = {name}
host_lookup =
keep_environment =

begin routers
test:
  driver = manualroute
  domains = example.net
  route_list = * {host} byname
  self = send
  transport = out
bounces:
  driver = redirect
  data = :blackhole:

begin transports
out:
  driver = smtp
  protocol = PROTOCOL
  port = {port}
  hosts_try_chunking = *
  hosts_avoid_tls = AVOID_TLS
  hosts_require_tls = REQUIRE_TLS
  tls_verify_hosts = VERIFY_TLS
  tls_verify_certificates = AUTHORITY
"""


def send_exim(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by Exim, with options such as `-DPROTOCOL=lmtp`; return once it has delivered."""
    program = need("exim4")
    need_root()
    need_user(USER)
    with open_folder() as folder:
        configuration = _configure(folder, program, host, port)
        command = [program, "-C", str(configuration), *options, "-odf", "-oi", "-f", sender]
        text = message.replace(b"\r\n", b"\n")
        ended = run_client([*command, "--", *recipients], text, seconds)
        log = folder / "log" / "mainlog"
        said = log.read_text(errors="replace") if log.exists() else ""
    failed = " ** " in said or " == " in said or " Completed" not in said
    return Outcome(ended.ok and not failed, f"{ended.output}\n{said}")


def _configure(folder: Path, program: str, host: str, port: int) -> Path:
    for name in ("spool", "log"):
        (folder / name).mkdir()
        shutil.chown(folder / name, USER, USER)
    path = folder / "exim.conf"
    place = {"folder": folder, "host": host, "port": port}
    path.write_text(CONFIGURATION.format(program=program, user=USER, name=CLIENT_NAME, **place))
    return path
