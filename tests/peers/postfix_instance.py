"""A Postfix of the test's own: a configuration common to server and client, start and stop.

Sends no mail anywhere by itself: what has no transport of the test's is discarded.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.peers.processes import open_folder
from tests.peers.programs import need, need_root

POSTFIX_FILES = Path("/etc/postfix/postfix-files")  # `postfix start` makes its queue by this list
COMMAND_SECONDS = 60.0

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
mydestination =
mynetworks =
alias_maps =
default_transport = discard
in_flow_delay = 0
queue_minfree = 0
"""

MASTER_CF = """
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
anvil   unix - - n -   1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def open_postfix() -> Iterator[Path]:
    """A folder with what every Postfix has; `etc/main.cf` and `etc/master.cf` may be added to."""
    need("postfix")
    need_root()
    with open_folder() as folder:
        for name in ("etc", "queue", "log", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        shutil.copy(POSTFIX_FILES, folder / "etc")
        (folder / "etc" / "main.cf").write_text(MAIN_CF.format(folder=folder))
        (folder / "etc" / "master.cf").write_text(MASTER_CF)
        yield folder


def add(path: Path, text: str) -> None:
    """Put lines behind those of a configuration; of two for one parameter, the last counts."""
    with path.open("a") as file:
        file.write(text)


@contextlib.contextmanager
def started(folder: Path) -> Iterator[None]:
    """Have the Postfix of this folder run until the block ends."""
    _run(folder, "start")
    try:
        yield
    finally:
        _run(folder, "stop")


def sendmail(folder: Path) -> list[str]:
    """The words that give mail to this Postfix: other mail servers have a sendmail, too."""
    etc = str(folder / "etc")
    asked = [need("postconf"), "-c", etc, "-h", "sendmail_path"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    return [told.stdout.strip(), "-C", etc]


def _run(folder: Path, command: str) -> None:
    """Let postfix(1) start or stop, its daemons holding no pipe of ours (they outlive it)."""
    with (folder / "log" / f"{command}.out").open("w+") as output:
        done = subprocess.run(
            [need("postfix"), "-c", str(folder / "etc"), command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        output.seek(0)
        assert done.returncode == 0, f"postfix {command}: {output.read()}"
