"""The local authority and others in one file, and a command's environment that names it."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from smtpproxy.net.authority import Authority
from smtpproxy.net.newfile import write_whole
from smtpproxy.net.systemtrust import system_authorities

#: Beside the authority's own certificate.
BUNDLE = "bundle.pem"
#: OpenSSL takes a file instead of the system's authorities, Node.js beside its own.
INSTEAD, BESIDE = "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"


def write_bundle(authority: Authority, file: Path) -> str:
    """Write the system's authorities and ours into one file; return what is wrong, or ""."""
    try:
        others = system_authorities(but=(file, authority.path))
        if not others.strip():
            return f"the system's authorities were not found; name their file by {INSTEAD}"
        _write(file, _with_ours(others, authority))
    except OSError as error:
        return f"{error.filename or file}: {error.strerror}"
    return ""


def trusting(
    authority: Authority, environment: Mapping[str, str], chosen: Collection[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """Return what an environment lacks for a command that is to trust us, and what is in the way.

    What the environment names is trusted beside us; `chosen` are variables that stay as they are.
    """
    lacking: dict[str, str] = {}
    problems: list[str] = []
    for name in (INSTEAD, BESIDE):
        try:
            lacking |= _lacking(name, authority, environment.get(name, ""), name in chosen)
        except OSError as error:
            problem = f"{error.filename or name}: {error.strerror or error}"
            problems.append(f"{name} is not set for the command: {problem}")
        except _NotTrusted as error:
            problems.append(str(error))
    return lacking, problems


class _NotTrusted(Exception):
    """A variable stays as it is, and does not make a command trust us."""


def _lacking(name: str, authority: Authority, named: str, chosen: bool) -> dict[str, str]:
    """Return the variable, as it is to be set, or nothing where it is good. Raises OSError."""
    if (named and _has(Path(named), authority)) or (chosen and not named):
        return {}
    if chosen:
        raise _NotTrusted(
            f"{name} is set to a file without our authority ({authority.path}): "
            "the command will not trust the proxy's certificates by it"
        )
    if not named and name == BESIDE:
        return {name: str(authority.path)}
    others = Path(named).read_bytes() if named else _system(authority)
    mark = f"-{hashlib.sha256(named.encode()).hexdigest()[:8]}" if named else ""
    file = authority.path.with_name(f"{Path(BUNDLE).stem}{mark}.pem")
    return {name: str(_written(file, _with_ours(others, authority)))}


def _system(authority: Authority) -> bytes:
    others = system_authorities(but=(authority.path.with_name(BUNDLE), authority.path))
    if not others.strip():
        raise OSError(f"the system's authorities were not found; name their file by {INSTEAD}")
    return others


def _with_ours(others: bytes, authority: Authority) -> bytes:
    # Ours is among them where the whole system trusts it already.
    ours = authority.pem
    return others.replace(ours.strip(), b"").rstrip() + b"\n" + ours


def _write(file: Path, octets: bytes) -> None:
    if not file.is_file() or file.read_bytes() != octets:
        write_whole(file, octets)


def _written(file: Path, octets: bytes) -> Path:
    """Write a file, elsewhere for this run where its folder is read-only. Raises OSError."""
    try:
        _write(file, octets)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="smtpproxy-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        file = folder / file.name
        write_whole(file, octets)
    return file


def _has(file: Path, authority: Authority) -> bool:
    try:
        return authority.pem.strip() in file.read_bytes()
    except OSError:
        return False
