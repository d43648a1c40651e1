"""The authorities that this system trusts, as far as they can be found in a file."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from pathlib import Path

#: Where systems keep them, if Python's OpenSSL does not say.
_KNOWN = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, the BSDs
)


def system_file(but: Collection[Path] = ()) -> Path | None:
    """Return the file of authorities that SSL_CERT_FILE or the system names, but none of `but`."""
    named = ssl.get_default_verify_paths().cafile
    places = (Path(place) for place in (named, *_KNOWN) if place)
    found = (place for place in places if place.is_file() and not _is_one_of(place, but))
    return next(found, None)


def system_authorities(but: Collection[Path] = ()) -> bytes:
    """Return the system's authorities in PEM, or nothing where none can be found.

    Files of `but` are not looked at. Raises OSError.
    """
    if (file := system_file(but)) is not None:
        return file.read_bytes()
    # Windows keeps them in a store that only a context reads.
    found = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(ssl.DER_cert_to_PEM_cert(one) for one in found).encode()


def _is_one_of(place: Path, others: Collection[Path]) -> bool:
    return any(other.exists() and place.samefile(other) for other in others)
