"""Which real clients meet which real servers, and what they use of what the other offers.

The tests are parametrised by it, and docs/peers.md has what it prints:
`python -m tests.peers.matrix`.
"""

from tests.peers.pairs import Client, Extension, Family, Pair, Server

MIME8BIT, CHUNKING, DSN, PIPELINING, PRDR, SIZE, SMTPUTF8 = Extension
WITHOUT_CHUNKS = frozenset({MIME8BIT, DSN, PIPELINING, SIZE, SMTPUTF8})

# smtplib and its like take options for MAIL as they are to be sent (RFC 6152, 3461, 6531).
MAIL = {
    MIME8BIT: ("BODY=8BITMIME",),
    DSN: ("RET=HDRS", "ENVID=peers"),
    SIZE: (),
    SMTPUTF8: ("SMTPUTF8",),
}
SWAKS = {PIPELINING: ("--pipeline",)}
MSMTP = {DSN: ("--dsn-notify=failure", "--dsn-return=headers"), PIPELINING: ()}
NODEMAILER = {MIME8BIT: (), DSN: ("dsn",), PIPELINING: (), SIZE: (), SMTPUTF8: ()}
POSTFIX = {MIME8BIT: (), DSN: ("-N", "failure"), PIPELINING: (), SIZE: (), SMTPUTF8: ()}
EXIM = {CHUNKING: (), PIPELINING: (), PRDR: (), SIZE: ()}

EXIM_HALF_CLOSES = (
    "not tested: behind its last message Exim half-closes the connection, and where that message "
    "had a line with a dot in front, smtp-server then closes without its reply, proxy or not"
)

SMTP = Family(
    "SMTP",
    clients=(
        Client("smtplib", "Python's", MAIL),
        Client("aiosmtplib", "5.1", MAIL),
        Client("Twisted", "26.10", {}),
        Client("swaks", "20201014", SWAKS),
        Client("msmtp", "1.8.23", MSMTP, stops=True),
        Client("curl", "7.88", {SMTPUTF8: ()}, ("--mail-rcpt-allowfails",)),
        Client("nodemailer", "7.0.11", NODEMAILER),
        Client("Postfix", "3.7", POSTFIX),
        Client("Exim", "4.96", EXIM),
    ),
    servers=(
        Server("Postfix", "3.7", "postfix", WITHOUT_CHUNKS | {CHUNKING}),
        Server("Exim", "4.96", "exim", frozenset(Extension)),
        Server("OpenSMTPD", "6.8", "opensmtpd", frozenset({MIME8BIT, DSN, SIZE})),
        Server("aiosmtpd", "1.4", "aiosmtpd_server", frozenset({MIME8BIT, SIZE, SMTPUTF8})),
        Server("smtp-server", "3.16.1", "node_server", WITHOUT_CHUNKS),
        Server(
            *("smtp-sink", "3.7", "smtp_sink", frozenset({MIME8BIT, DSN, PIPELINING})),
            refuses=False,
        ),
    ),
    apart={("Exim", "smtp-server"): EXIM_HALF_CLOSES},
)

LMTP = Family(
    "LMTP",
    clients=(
        Client("smtplib.LMTP", "Python's", MAIL, singly=True),
        Client("swaks", "20201014", SWAKS, ("--protocol", "LMTP")),
        Client("msmtp", "1.8.23", MSMTP, ("--protocol=lmtp",), stops=True),
        Client("nodemailer", "7.0.11", NODEMAILER, ("lmtp",)),
        Client("Postfix", "3.7", POSTFIX, ("lmtp",)),
        Client("Exim", "4.96", EXIM, ("-DPROTOCOL=lmtp",)),
    ),
    servers=(
        Server(
            *("Dovecot", "2.3.19", "dovecot", frozenset({MIME8BIT, CHUNKING, PIPELINING})),
            overfull=True,
        ),
        Server(
            *("smtp-server", "3.16.1", "node_lmtp_server", WITHOUT_CHUNKS),
            overfull=True,
        ),
        Server(
            *("smtp-sink", "3.7", "lmtp_sink", frozenset({MIME8BIT, DSN, PIPELINING})),
            refuses=False,
        ),
    ),
    apart={("Exim", "smtp-server"): EXIM_HALF_CLOSES},
)

FAMILIES = (SMTP, LMTP)


def page() -> str:
    """All that docs/peers.md has from here, in Markdown."""
    legend = ", ".join(f"{one.letter} {one.keyword}" for one in Extension)
    tables = "\n\n".join(_table(family) for family in FAMILIES)
    return f"✓ tested, with what the two use of each other: {legend}.\n\n{tables}\n"


def _table(family: Family) -> str:
    """The pairs of one protocol, clients across, servers down; and why some are not tested."""
    met = {(pair.client.name, pair.server.name): pair for pair in family.pairs}
    rows = [
        [family.protocol, *(f"{client.name}<br>{client.version}" for client in family.clients)],
        ["---"] * (len(family.clients) + 1),
    ]
    for server in family.servers:
        cells = [_cell(met.get((client.name, server.name))) for client in family.clients]
        rows.append([f"{server.name} {server.version}", *cells])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    notes = [f"\n{client} with {server}: {why}." for (client, server), why in family.apart.items()]
    return "\n".join(lines + notes)


def _cell(pair: Pair | None) -> str:
    if pair is None:
        return ""
    return f"✓ {''.join(one.letter for one in Extension if one in pair.exercised)}".strip()


if __name__ == "__main__":
    print(page(), end="")
