"""The cases: what a hostile peer does, and what stands between it and the memory. The rows."""

from __future__ import annotations

from dataclasses import dataclass

from bench.memory import clients, upstreams
from bench.memory.upstreams import Script
from bench.processes import found

RECORD = ("--mode", "record", "--cassette", "cassette.yaml")
REFUSE = ("--on-anomaly", "refuse")
REPLAY = ("--mode", "replay", "--cassette", "cassette.yaml")
MEGA = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row: how both peers behave, and how the proxy is started."""

    name: str
    title: str
    client: Script
    upstream: Script | None = None
    """None: the built-in sink, or a cassette."""
    options: tuple[str, ...] = ()
    most: int = 1000
    """Connections that can be tried in the time there is."""
    keeps: bool = False
    """Whether it is tried with a recording as well."""
    tls: bool = False
    """Whether both legs are under TLS; the peers are not, HAProxy does that for them."""

    @property
    def possible(self) -> bool:
        """Whether all that it needs is installed."""
        return not self.tls or bool(found("haproxy"))

    @property
    def warms_up(self) -> bool:
        """Whether polite sessions come first: a rule that delays would delay those, too."""
        return "--rule" not in self.options

    @property
    def replays(self) -> bool:
        """Whether a cassette is in the place of upstream."""
        return self.options == REPLAY


_EARLY = b"250 2.0.0 Ok, before you ask\r\n"
_LONG = b"NOOP " + b"x" * 2040 + b"\r\n"
_CHUNK = b"BDAT 60000\r\n" + b"x" * 60000
_REPLY = b"250 " + b"x" * 4000 + b"\r\n"
_STRAY = b"this is no reply\r\n"

_PLAIN = (
    Case(
        name="idle",
        title="both: nothing but EHLO",
        client=clients.reader,
        upstream=upstreams.polite,
    ),
    Case(
        name="idle-tls",
        title="the same, with TLS on both legs",
        client=clients.reader,
        upstream=upstreams.polite,
        tls=True,
    ),
    Case(
        name="long-command",
        title="client: a command line that never ends",
        client=clients.flooding(b"A", 10 * MEGA),
    ),
    Case(
        name="long-auth",
        title="client: an AUTH line that never ends",
        client=clients.flooding(b"A", 10 * MEGA, b"AUTH PLAIN "),
    ),
    Case(
        name="slow-octets",
        title="client: one octet at a time",
        client=clients.slow,
        upstream=upstreams.polite,
    ),
    Case(
        name="noops",
        title="client: a million NOOPs, and it never reads",
        client=clients.flooding(b"NOOP\r\n", 6 * MEGA, reads=False),
        upstream=upstreams.polite,
    ),
    Case(
        name="noops-read",
        title="client: 20,000 NOOPs, a hundred at a time, and it reads",
        client=clients.noops(20_000),
        most=10,
        keeps=True,
    ),
    Case(
        name="recipients",
        title="client: 2,000 RCPTs, a hundred at a time, and it reads",
        client=clients.recipients(2000, 10),
        most=20,
        keeps=True,
    ),
    Case(
        name="long-recipients",
        title="client: 5,000 RCPTs of 1,000 octets, all accepted",
        client=clients.recipients(5000, 1000),
        most=5,
    ),
    Case(
        name="lmtp-recipients",
        title="client: 2,000 RCPTs in LMTP, all accepted",
        client=clients.recipients(2000, 10, b"LHLO"),
        upstream=upstreams.polite,
        most=10,
    ),
    Case(
        name="hasty",
        title="client: commands before the greeting; upstream never says a word",
        client=clients.at_once(b"NOOP\r\n", 6 * MEGA),
        upstream=upstreams.mute,
    ),
    Case(
        name="hasty-long",
        title="client: commands of 2,047 octets; upstream never answers",
        client=clients.at_once(_LONG, 10 * MEGA),
        upstream=upstreams.greeting_only,
        keeps=True,
    ),
    Case(
        name="behind-data",
        title="client: 10 MB behind DATA; upstream never answers it",
        client=clients.flooding(b"NOOP\r\n", 10 * MEGA, b"DATA\r\n"),
        upstream=upstreams.greeting_only,
    ),
    Case(
        name="huge-chunk",
        title="client: a BDAT of 1 TB, few octets; upstream says 221 on and on",
        client=clients.huge_chunk,
        upstream=upstreams.answering(b"BDAT", upstreams.early_to_bdat),
        keeps=True,
        most=10,
    ),
    Case(
        name="chunks",
        title="client: BDATs of 60 KB in one go; upstream never answers",
        client=clients.flooding(_CHUNK, 20 * MEGA),
        upstream=upstreams.greeting_only,
        keeps=True,
    ),
    Case(
        name="long-line",
        title="client: mail data of one line, 10 MB",
        client=clients.mail_data(b"x", 10 * MEGA),
        upstream=upstreams.polite,
        keeps=True,
    ),
    Case(
        name="look-alikes",
        title="client: mail data of look-alikes, each of another form",
        client=clients.mail_data(clients.forms(), MEGA // 2),
        upstream=upstreams.polite,
        most=10,
        keeps=True,
    ),
    Case(
        name="look-alikes-refused",
        title="the same, with `--on-anomaly refuse`",
        client=clients.mail_data(clients.forms(), MEGA // 2),
        upstream=upstreams.polite,
        options=REFUSE,
        most=10,
    ),
    Case(
        name="bare-dots",
        title="client: mail data of nothing but dots and bare LF",
        client=clients.mail_data(b".\n", MEGA // 2),
        upstream=upstreams.polite,
        most=10,
    ),
    Case(
        name="bare-dots-refused",
        title="the same, with `--on-anomaly refuse`",
        client=clients.mail_data(b".\n", MEGA // 2),
        upstream=upstreams.polite,
        options=REFUSE,
        most=10,
    ),
    Case(
        name="secrets",
        title="client: other credentials in each of 100 continuations",
        client=clients.secrets,
        upstream=upstreams.challenging,
        keeps=True,
    ),
    Case(
        name="unknown-verbs",
        title="client: 200 unknown verbs behind a refused AUTH",
        client=clients.unknown_verbs,
        upstream=upstreams.refusing_auth,
    ),
    Case(
        name="deaf-upstream",
        title="upstream: reads no mail data; the client offers 20 MB",
        client=clients.mail_data(b"x" * 70 + b"\r\n", 20 * MEGA, reads=False),
        upstream=upstreams.answering(b"DATA", upstreams.deaf),
        keeps=True,
    ),
    Case(
        name="deaf-client",
        title="upstream: 20 MB of replies; the client does not read",
        client=clients.deaf,
        upstream=upstreams.answering(b"EHLO", upstreams.saying(_REPLY, 20 * MEGA)),
        keeps=True,
    ),
    Case(
        name="long-reply",
        title="upstream: a reply line that never ends",
        client=clients.reader,
        upstream=upstreams.saying(b"A", 10 * MEGA, b"220 "),
    ),
    Case(
        name="endless-reply",
        title="upstream: a reply whose lines never end",
        client=clients.reader,
        upstream=upstreams.saying(b"220-and so on\r\n", 10 * MEGA),
    ),
    Case(
        name="half-reply",
        title="upstream: 127 lines of 4,096 octets of a reply, and no end",
        client=clients.reader,
        upstream=upstreams.answering(
            b"EHLO", upstreams.saying(b"", 0, upstreams.LONGEST_BEGINNING)
        ),
    ),
    Case(
        name="long-replies",
        title="upstream: the longest replies, each another",
        client=clients.restless,
        upstream=upstreams.long_winded,
        keeps=True,
        most=20,
    ),
    Case(
        name="early-replies",
        title="upstream: replies before their commands; the client reads",
        client=clients.reader,
        upstream=upstreams.answering(b"EHLO", upstreams.saying(_EARLY, MEGA // 2)),
        most=20,
        keeps=True,
    ),
    Case(
        name="long-early-replies",
        title="upstream: the same, but replies as long as they may be",
        client=clients.reader,
        upstream=upstreams.answering(
            b"EHLO",
            upstreams.saying(upstreams.LONGEST_BEGINNING + b"250 ok\r\n", 10 * MEGA),
        ),
        most=10,
    ),
    Case(
        name="stray-lines",
        title="upstream: lines that are no replies; the client reads",
        client=clients.reader,
        upstream=upstreams.answering(b"EHLO", upstreams.saying(_STRAY, MEGA // 2)),
        most=20,
        keeps=True,
    ),
    Case(
        name="short-lines",
        title="upstream: stray lines of a lone LF; the client reads",
        client=clients.reader,
        upstream=upstreams.answering(b"EHLO", upstreams.saying(b"\n", MEGA // 5)),
        most=5,
    ),
    Case(
        name="held-back",
        title="upstream: lines of a lone LF, while a rule delays the greeting",
        client=clients.reader,
        upstream=upstreams.saying(b"\n", MEGA, upstreams.GREETING),
        options=("--rule", "CONNECT: {delay: 20 s}"),
        most=20,
    ),
    Case(
        name="opaque",
        title="both: 20 MB behind STARTTLS, and nobody reads",
        client=clients.opaque,
        upstream=upstreams.answering(b"STARTTLS", upstreams.tls),
        options=("--tls", "opaque"),
    ),
    Case(
        name="replay",
        title="client: commands that the cassette lacks, and it never reads",
        client=clients.flooding(b"VRFY bob\r\n", 6 * MEGA, reads=False),
        options=REPLAY,
    ),
    Case(
        name="replay-mail-data",
        title="client: 10 MB of mail data that the cassette lacks",
        client=clients.mail_data(b"x" * 70 + b"\r\n", 10 * MEGA),
        options=REPLAY,
    ),
)


def _recorded(case: Case) -> Case:
    return Case(
        name=f"{case.name}-recorded",
        title="the same, with `--mode record`",
        client=case.client,
        upstream=case.upstream,
        options=(*case.options, *RECORD),
        most=case.most,
    )


CASES = {
    case.name: case
    for plain in _PLAIN
    for case in ((plain, _recorded(plain)) if plain.keeps else (plain,))
}
