"""An OpenSMTPD server of the test's own, from an unpacked package, in a root folder of its own.

It takes mail for example.net, refuses nobody@example.net, and sends nothing onwards. Its queue,
its control socket and its delivery programs have places that are built into the program: each
run gets them in a folder that it is confined to, so that no run meets another, nor the system's.
"""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.peers.mailserver import MaildirServer
from tests.peers.processes import HOST, free_port, open_folder, running
from tests.peers.programs import need, need_root, need_user, peers_dir

USERS = ("opensmtpd", "opensmtpq")  # built into the program
DELIVERY = Path("usr/libexec/opensmtpd")  # the same
FOLDERS = ("bin", "dev", "etc", "mail", "tmp", "usr/sbin", "var/run", "var/spool")
EMPTY = "var/lib/opensmtpd/empty"  # where its processes lock themselves in
SHELL = "/bin/sh"  # runs the delivery program

CONFIGURATION = """
smtp max-message-size 30M
listen on {host} port {port} hostname opensmtpd.example.net
table unknown {{ "nobody@example.net" }}
table people {{ "@example.net" = "nobody" }}
action "keep" maildir "/mail" virtual <people> user nobody
match from any for rcpt-to <unknown> reject
match from any for domain "example.net" action "keep"
"""


@contextlib.contextmanager
def run_opensmtpd() -> Iterator[MaildirServer]:
    """Run OpenSMTPD, delivering to a maildir as the user nobody."""
    program, chroot = need("smtpd"), need("chroot")
    need_root()
    for user in USERS:
        need_user(user)
    with open_folder() as folder:
        root, port = folder / "root", free_port()
        _furnish(root, program)
        (root / "etc/smtpd.conf").write_text(CONFIGURATION.format(host=HOST, port=port))
        command = [chroot, str(root), "/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf"]
        with running(command, port, folder / "output"):
            yield MaildirServer(HOST, port, root / "mail")


def _furnish(root: Path, program: str) -> None:
    for name in (*FOLDERS, EMPTY):
        (root / name).mkdir(parents=True)
    root.chmod(0o755)
    shutil.chown(root / "mail", "nobody")
    (root / "tmp").chmod(0o1777)
    (root / "dev/null").touch()
    (root / "dev/null").chmod(0o666)
    for name in ("passwd", "group"):
        shutil.copy(Path("/etc") / name, root / "etc")
    shutil.copytree(peers_dir() / DELIVERY, root / DELIVERY)
    shutil.copy(program, root / "usr/sbin")
    shutil.copy(SHELL, root / "bin")
    for library in {*_libraries(program), *_libraries(SHELL)}:
        there = root / library.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, there)


def _libraries(program: str) -> list[Path]:
    """The shared libraries that the program is started with."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", listed.stdout)]
