"""The local authority and the system's in one file, and a command's environment that names it."""

from __future__ import annotations

from collections.abc import Mapping
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
    ours = authority.pem
    try:
        others = system_authorities(but=(file, authority.path))
        # Ours is among them where the whole system trusts it already.
        others = others.replace(ours.strip(), b"").rstrip()
        if not others:
            return f"the system's authorities were not found; name their file by {INSTEAD}"
        octets = others + b"\n" + ours
        if not file.is_file() or file.read_bytes() != octets:
            write_whole(file, octets)
    except OSError as error:
        return f"{error.filename or file}: {error.strerror}"
    return ""


def trusting(
    authority: Authority, environment: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return what an environment lacks for a command that is to trust us, and what is in the way.

    What the environment says already is left alone: whoever set it may have had a reason.
    """
    lacking, problems = {}, []
    if INSTEAD not in environment:
        bundle = authority.path.with_name(BUNDLE)
        if problem := write_bundle(authority, bundle):
            problems.append(f"{INSTEAD} is not set for the command: {problem}")
        else:
            lacking[INSTEAD] = str(bundle)
    if BESIDE not in environment:
        lacking[BESIDE] = str(authority.path)
    for name in (INSTEAD, BESIDE):
        if environment.get(name) and not _has(Path(environment[name]), authority):
            problems.append(
                f"{name} is set already, to a file without our authority ({authority.path}): "
                "the command will not trust the proxy's certificates by it"
            )
    return lacking, problems


def _has(file: Path, authority: Authority) -> bool:
    try:
        return authority.pem.strip() in file.read_bytes()
    except OSError:
        return False
