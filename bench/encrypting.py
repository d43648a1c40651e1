"""TLS around a subject, since smtp-source and smtp-sink speak none: HAProxy before and behind it.

Every subject gets the same two, and every connection a handshake of its own: none is resumed.
"""

from contextlib import ExitStack
from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import commands
from bench.commands import Place
from bench.processes import Trouble, found, free_port, running
from smtpproxy.net.authority import Authority


def behind(stack: ExitStack, place: Place) -> Place:
    """Start what decrypts for the sink; return the place with that as its upstream.

    Raises Trouble, also where there is no HAProxy.
    """
    if not found("haproxy"):
        raise Trouble("haproxy not found (Debian and Ubuntu: apt install haproxy)")
    certify(place)
    own = replace(place, listen=free_port())
    command = commands.decrypting(own)
    process = running("decrypting", command, place.folder / "decrypting.txt")
    stack.enter_context(process).listening(own.listen)
    return replace(place, sink=own.listen)


def before(stack: ExitStack, place: Place, port: int) -> int:
    """Start what encrypts for a subject at a port; return the port that the load goes to.

    Raises Trouble.
    """
    own = replace(place, listen=free_port(), sink=port)
    command = commands.encrypting(own)
    process = running("encrypting", command, place.folder / "encrypting.txt")
    stack.enter_context(process).listening(own.listen)
    return own.listen


def certify(place: Place) -> None:
    """Make an authority of this trial's own, and a certificate with its key in one file."""
    certificate, key = Authority.open(place.authority.parent).issue()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.identity.touch(mode=0o600)
    place.identity.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
