"""Fuzz target: the argument of MAIL and RCPT."""

from __future__ import annotations

from smtpproxy.smtp.path import parse_path
from tests.smtp.reference_paths import path_in


def check(octets: bytes) -> None:
    """The path is the reference's, or there is none."""
    for argument in (octets, b"FROM:" + octets, b"TO:<" + octets):
        assert parse_path(argument) == path_in(argument), argument
