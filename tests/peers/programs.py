"""Finding the real mail programs: where they are, and what becomes of a test that lacks one.

Owns the search and the verdict (a skip for a user, a failure in CI); knows no program's options.
"""

import os
import pwd
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

DAEMON_DIRS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/postfix/sbin"


def peers_dir() -> Path:
    """The folder into which `.ci/run` unpacks servers that can't be installed beside Postfix."""
    return Path(os.environ.get("SMTPPROXY_PEERS_DIR", "/opt/smtpproxy-peers"))


def lacking(reason: str) -> NoReturn:
    """Skip the test, saying why; in CI, where nothing may be lacking, fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def find(program: str) -> str | None:
    """The path of a program, which `peers_dir()` gives before the system does."""
    unpacked = peers_dir() / "usr" / "sbin" / program
    if os.access(unpacked, os.X_OK):
        return str(unpacked)
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{DAEMON_DIRS}")


def need(program: str) -> str:
    """The path of a program that the test can't do without."""
    path = find(program)
    if path is None:
        lacking(f"{program} is not installed; `.ci/run` shows how to get it")
    return path


def need_node(package: str) -> list[str]:
    """The words that run a program of Node's which needs this package."""
    modules = peers_dir() / "node" / "node_modules"
    if not (modules / package).is_dir():
        lacking(f"Node's {package} is not installed; `.ci/run` shows how to get it")
    return ["env", f"NODE_PATH={modules}", need("node")]


def need_root() -> None:
    """End the test unless root runs it: a mail server gives up its rights, so it must have them."""
    if os.geteuid() != 0:
        lacking("this mail server starts as root only")


def need_user(name: str) -> None:
    """End the test unless this system user is there, for whom a mail server was built."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        lacking(f"there is no user {name}; `.ci/run` shows how to make one")
