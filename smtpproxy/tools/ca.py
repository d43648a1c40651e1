"""`smtpproxy ca`: the authority that signs certificates for clients, and how to trust it."""

from __future__ import annotations

import shlex
from pathlib import Path

from smtpproxy.console import GOOD, UNABLE, say
from smtpproxy.net.authority import KEY, Authority, AuthorityError, default_folder
from smtpproxy.net.bundle import write_bundle
from smtpproxy.options import OneLineOptions


class CaOptions(OneLineOptions):
    """Which authority, and what of it."""

    synopsis = "Usage: smtpproxy ca [options]"
    examples = (
        "  smtpproxy ca\n"
        "  smtpproxy ca --print > ca.pem\n"
        "  smtpproxy ca --bundle all.pem && SSL_CERT_FILE=all.pem ./send-mail\n"
    )
    longdesc = (
        "It is made where there is none: in SMTPPROXY_CA_FOLDER, else in smtpproxy of "
        "XDG_DATA_HOME, else in ~/.local/share/smtpproxy."
    )
    optParameters = (
        ("folder", "f", None, "the folder of its certificate and key"),
        ("bundle", "b", None, "write the system's authorities and this one into a file"),
    )
    optFlags = (("print", "p", "print the certificate alone, in PEM"),)

    def parseArgs(self) -> None:
        """Take nothing."""


def ca(words: list[str]) -> int:
    """Make the authority if need be, and tell about it."""
    options = CaOptions()
    options.parseOptions(words)
    try:
        folder = Path(options["folder"]) if options["folder"] else default_folder()
        authority = Authority.open(folder.absolute())
    except AuthorityError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    if options["bundle"] and (problem := write_bundle(authority, Path(options["bundle"]))):
        say(f"smtpproxy: --bundle: {problem}")
        return UNABLE
    if options["print"]:
        print(authority.pem.decode(), end="")
    elif not options["bundle"]:
        print(_told(authority))
    return GOOD


def _told(authority: Authority) -> str:
    """Return where it is, which it is, how long it is valid, and how to trust it."""
    file = shlex.quote(str(authority.path))
    pairs = authority.fingerprint.upper()
    fingerprint = ":".join(pairs[at : at + 2] for at in range(0, len(pairs), 2))
    return f"""\
certificate  {authority.path}
SHA-256      {fingerprint}
valid until  {authority.certificate.not_valid_after_utc:%Y-%m-%d}

To trust it, in the environment of the client:
  SSL_CERT_FILE={file}
      OpenSSL, and with it Python, Ruby, PHP; Go. It stands instead of the system's
      authorities: `smtpproxy ca --bundle FILE` makes a file of all of them.
  NODE_EXTRA_CA_CERTS={file}
      Node.js, beside its own authorities.
on its command line:
  curl --ssl-reqd --cacert {file}
  swaks --tls --tls-verify --tls-ca-path {file}
or on the whole system (Debian):
  sudo cp {file} /usr/local/share/ca-certificates/smtpproxy.crt
  sudo update-ca-certificates

Whoever has {KEY}, beside it, can pose as any server to those who trust it."""
