"""How much of anything a peer may send, and how long it may take.

Owns the defaults. Each field is also an option of the same name.
"""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Sizes in octets, line endings included; times in seconds.

    RFC 5321 §4.5.3.1 gives the sizes that everyone must take, and §4.5.3.2 the times that everyone
    should wait; those of upstream are its clients' times.
    """

    max_command_line: int = 2048  # §4.5.3.1.4 asks for 512, and more where extensions add to it
    max_auth_line: int = 12288  # RFC 4954 §4
    max_reply_line: int = 4096
    max_reply_lines: int = 128
    max_in_flight: int = 1000  # commands that wait for their replies; then the client is not read
    max_held: int = 256 * 1024  # octets behind a command whose reply must be known first
    idle_timeout: float = 300.0  # the client, while nobody waits for upstream
    command_timeout: float = 300.0  # from a command's first octet to its last
    greeting_timeout: float = 300.0  # upstream, from here on
    reply_timeout: float = 300.0
    data_timeout: float = 120.0  # until DATA is answered
    handshake_timeout: float = 60.0  # either side, until its leg is encrypted
    block_timeout: float = 180.0  # until it takes the next octets of mail data
    end_of_data_timeout: float = 600.0


DEFAULT_LIMITS = Limits()
