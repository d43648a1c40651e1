"""How often rules fire in real dialogues: across sessions, at the end of mail, after a reload."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from smtpproxy.rules.model import RuleBook
from smtpproxy.rules.run import Run, Visit
from tests.dialogue import ENVELOPE, READY, Conversation, rules_in

_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
GREYLIST = (
    "{name: greylist, RCPT: 450 4.7.1 Later, "
    "times: {until: 5 min after first, per: triplet, forget: 1 day}}"
)
RATE = "{name: rate, MAIL: 450 4.7.1 Slow, times: {above: 2, within: 1 min, per: client}}"
MESSAGE = """
    C: DATA
    > DATA
    U: 354 Go on
    S: 354 Go on
    C: .
    > .
    U: 250 2.0.0 Queued
    S: 250 2.0.0 Queued
"""


class Clients:
    """Sessions of one run, one after the other or at once."""

    def __init__(self, *rules: str, dry: bool = False, seed: int = 0) -> None:
        self.book = rules_in(*rules)
        self.run = Run(seed=seed, dry=dry)
        self._number = 0

    def connect(self, client: str = "192.0.2.7", time: float = 0.0) -> Conversation:
        """Return a session behind EHLO, so many seconds after the run began."""
        self._number += 1
        visit = Visit(client, self._number, self.run)
        talk = Conversation(book=self.book, visit=visit, time=time)
        talk.play(READY)
        return talk

    def fired(self, at: int = 0) -> int:
        """Return how often a rule fired."""
        return self.run.ledger.fired(self.book.rules[at].key)[0]


def told(talk: Conversation, line: str) -> int:
    """Return the code that the client hears, where upstream accepts all."""
    talk.client(f"{line}\r\n".encode())
    if talk.unread(_UPSTREAM):
        talk.upstream(b"250 2.0.0 Ok\r\n")
    return int(talk.unread(_CLIENT)[:3])


def mail(clients: Clients, sender: str, recipient: str, client: str, time: float) -> int:
    """Return what a client hears to RCPT, in a session of its own."""
    talk = clients.connect(client, time)
    assert told(talk, f"MAIL FROM:<{sender}>") == 250
    return told(talk, f"RCPT TO:<{recipient}>")


def test_greylisting() -> None:
    """A triplet is refused for five minutes after its first try, then let in until forgotten."""
    clients = Clients(GREYLIST)

    def tried(time: float, recipient: str = "b@example.net", client: str = "192.0.2.7") -> int:
        return mail(clients, "a@example.org", recipient, client, time)

    assert [tried(time) for time in (0.0, 299.0, 300.0, 4000.0)] == [450, 450, 250, 250]
    assert tried(4000.0, "B@EXAMPLE.NET") == 250
    assert tried(4000.0, "c@example.net") == 450
    assert tried(4000.0, client="192.0.2.8") == 450
    assert tried(4000.0 + 86400.0) == 450
    assert clients.fired() == 5


def test_rate_limit() -> None:
    """Two messages a minute pass, in however many sessions; another client has its own."""
    clients = Clients(RATE)
    one, two = clients.connect(), clients.connect()
    other = clients.connect("192.0.2.8")

    def asked(talk: Conversation, time: float) -> int:
        talk.time = time
        return told(talk, "MAIL FROM:<a@example.org>")

    assert [asked(one, 0.0), asked(two, 10.0), asked(one, 20.0), asked(two, 59.0)] == [
        *(250, 250, 450, 450)
    ]
    assert asked(other, 59.0) == 250
    assert [asked(one, 60.0), asked(two, 69.0), asked(two, 70.0)] == [250, 450, 250]


def test_per_session_begins_anew() -> None:
    """What is counted for a session ends with it."""
    clients = Clients("{NOOP: 450, times: {first: 1, per: session}}")
    for _ in range(2):
        talk = clients.connect()
        assert [told(talk, "NOOP"), told(talk, "NOOP")] == [450, 250]


def test_end_of_mail_data_counts_once() -> None:
    """What is decided at DATA is not counted at the end again, and the next message is let in."""
    clients = Clients("{END-OF-DATA: 552 5.3.4 Too big, times: 1}")
    talk = clients.connect()
    talk.play(
        ENVELOPE
        + """
        C: DATA
        S: 354 Start mail input; end with <CRLF>.<CRLF>
        C: .
        > RSET
        S: 552 5.3.4 Too big
        U: 250 2.0.0 Reset
        """
    )
    talk.play(ENVELOPE + MESSAGE)
    assert clients.fired() == 1


def test_data_that_upstream_refuses_uses_up_nothing() -> None:
    """Where there is no end of mail data, what was decided about it is given back."""
    clients = Clients("{END-OF-DATA: {reply: 451 4.3.0 No, upstream: deliver}, times: 1}")
    talk = clients.connect()
    talk.play(
        ENVELOPE
        + """
        C: DATA
        > DATA
        U: 451 4.3.0 Busy
        S: 451 4.3.0 Busy
        """
    )
    assert clients.fired() == 0
    talk.play(
        """
        C: DATA
        > DATA
        U: 354 Go on
        S: 354 Go on
        C: .
        > .
        U: 250 2.0.0 Queued
        S: 451 4.3.0 No
        """
    )
    assert clients.fired() == 1


def test_success_that_hid_no_refusal_is_not_counted() -> None:
    """A made-up success that gave way to upstream's refusal has not fired."""
    clients = Clients("{RCPT: 250 2.1.5 Yes, times: 1}")
    talk = clients.connect()
    talk.play(
        """
        C: RCPT TO:<x@example.net>
        > RCPT TO:<x@example.net>
        U: 550 5.1.1 No
        S: 550 5.1.1 No
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Yes
        """
    )
    assert clients.fired() == 1


def test_ordinals_hold_under_pipelining() -> None:
    """The nth command is the nth, also where its reply comes after others were sent."""
    rule = "{RCPT: {reply: 450 4.3.0 No, upstream: forward}, when: {command: 2, reply: 250}}"
    talk = Clients(rule).connect()
    talk.client(b"".join(b"RCPT TO:<%d@example.net>\r\n" % number for number in range(3)))
    talk.upstream(b"250 2.1.5 Ok\r\n" * 3)
    assert talk.unread(_CLIENT) == b"250 2.1.5 Ok\r\n450 4.3.0 No\r\n250 2.1.5 Ok\r\n"


def test_user_is_known_once_let_in() -> None:
    """A rule for a user holds behind 235, and not behind a refusal."""
    talk = Clients("{NOOP: 450, when: {user: bob}}").connect()
    plain = b"AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n"
    for reply, code in ((b"535 5.7.8 No\r\n", 250), (b"235 2.7.0 Yes\r\n", 450)):
        talk.client(plain)
        assert talk.unread(_UPSTREAM) == plain
        talk.upstream(reply)
        assert talk.unread(_CLIENT) == reply
        assert told(talk, "NOOP") == code


def test_user_of_an_auth_in_many_lines() -> None:
    """The name is known, too, where it was asked for."""
    talk = Clients("{NOOP: 450, when: {user: bob}}").connect()
    for line, reply in (
        (b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n"),
        (b"Ym9i\r\n", b"334 UGFzc3dvcmQ6\r\n"),
        (b"c2VjcmV0\r\n", b"235 2.7.0 Yes\r\n"),
    ):
        talk.client(line)
        assert talk.unread(_UPSTREAM) == line
        talk.upstream(reply)
        assert talk.unread(_CLIENT) == reply
    assert told(talk, "NOOP") == 450


def test_dry_run() -> None:
    """Rules match, are counted and told of, and nothing is as they say."""
    clients = Clients(
        "{name: first, RCPT: 450, times: 1}",
        "{name: late, RCPT: {delay: 1 s}}",
        "{name: never, RCPT: {reply: 451, upstream: forward}, when: {reply: 250, command: 1}}",
        "{name: at end, END-OF-DATA: 552}",
        dry=True,
    )
    talk = clients.connect()
    talk.play(ENVELOPE + MESSAGE)
    assert [clients.fired(at) for at in range(4)] == [1, 1, 0, 1]
    notes = [detail for fact, detail in talk.witness.notes if fact == "would-fire"]
    assert [note.partition(":")[0] for note in notes] == ["first (1)", "late (1)", "at end (1)"]
    assert "the client hears 450" in notes[0]
    assert [exchange.decision for exchange in talk.witness.exchanges] == [None] * 6


@pytest.mark.parametrize(
    ("codes", "fired"),
    [((250, 550, 550), 1), ((550, 250, 550), 1), ((550, 550, 250), 1), ((550, 550, 550), 0)],
)
def test_success_of_several_recipients_counts_once(codes: tuple[int, ...], fired: int) -> None:
    """In LMTP a rule has fired if one reply is the rule's, however many gave way to refusals."""
    clients = Clients("{END-OF-DATA: 250 2.0.0 Yes, times: {first: 10}}")
    for number in (1, 2):
        talk = clients.connect()
        assert told(talk, "LHLO app.example.org") == 250
        assert told(talk, "MAIL FROM:<a@example.org>") == 250
        for name in "bcd":
            assert told(talk, f"RCPT TO:<{name}@example.net>") == 250
        talk.client(b"DATA\r\n")
        talk.upstream(b"354 Go on\r\n")
        talk.client(b".\r\n")
        talk.unread(_CLIENT)
        talk.upstream(b"".join(b"%d Own\r\n" % code for code in codes))
        assert talk.unread(_CLIENT).count(b"250 2.0.0 Yes\r\n") == fired
        assert clients.fired() == number * fired


@pytest.mark.parametrize("end", ["reply: 421", "client: drop", "client: silence"])
def test_what_waits_when_the_session_ends_uses_up_nothing(end: str) -> None:
    """A command whose turn never comes is not judged: its client tries again in another session."""
    clients = Clients(
        f"{{RCPT: {{{end}, upstream: forward}}, times: 1}}",
        "{DATA: 450, times: {first: 1, per: triplet}}",
    )
    talk = clients.connect()
    talk.client(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
    talk.upstream(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n")
    assert b"DATA" not in talk.unread(_UPSTREAM)
    assert [clients.fired(at) for at in (0, 1)] == [1, 0]


def test_auth_in_many_lines_counts_once() -> None:
    """A refusal that is for AUTH itself is not asked about again at each line that goes on."""
    clients = Clients("{AUTH: 535, times: {every: 2}}")
    talk = clients.connect()
    log_in(talk)
    assert talk.witness.codes()[-2:] == [("AUTH", 334), ("AUTH", 235)]
    assert told(clients.connect(), "AUTH PLAIN") == 535
    assert clients.fired() == 1


def test_dry_run_of_an_auth_in_many_lines() -> None:
    """It tells of no refusal in the middle of an AUTH, where the rule would not have fired."""
    clients = Clients("{AUTH: 535}", dry=True)
    talk = clients.connect()
    log_in(talk)
    assert [fact for fact, _ in talk.witness.notes] == ["would-fire"]
    assert clients.fired() == 1


def log_in(talk: Conversation) -> None:
    """Let a client log in by two lines, whom upstream believes."""
    talk.client(b"AUTH PLAIN\r\n")
    talk.upstream(b"334 \r\n")
    talk.client(b"AGJvYgB4\r\n")
    talk.upstream(b"235 2.7.0 Yes\r\n")


# Rules that are read again.


def book(text: str) -> RuleBook:
    """Return new rules."""
    return rules_in(text)


def test_new_rules_reach_a_session_that_goes_on() -> None:
    """They hold from its next command on, at stages that no rule concerned before, too."""
    talk = Clients("{RCPT: 450}").connect()
    assert told(talk, "NOOP") == 250
    talk.relay.adopt(book("{NOOP: 451}"))
    assert told(talk, "NOOP") == 451
    assert told(talk, "RCPT TO:<b@example.net>") == 250


def test_commands_in_flight_keep_their_rules() -> None:
    """What upstream was asked already is judged by the rules that were in force then."""
    talk = Clients("{NOOP: 450 4.3.0 Old, when: {reply: 4xx}}").connect()
    talk.client(b"NOOP\r\nRSET\r\n")
    talk.relay.adopt(book("{RSET: {reply: 451 4.3.0 New, upstream: forward}, when: {reply: 250}}"))
    talk.upstream(b"452 4.3.1 Busy\r\n250 2.0.0 Ok\r\n")
    assert talk.unread(_CLIENT) == b"450 4.3.0 Old\r\n250 2.0.0 Ok\r\n"


@pytest.mark.parametrize(
    "new",
    [
        "{END-OF-DATA: {reply: 451 4.3.0 New, upstream: deliver}}",
        "{END-OF-DATA: {reply: 451 4.3.0 New, upstream: deliver}, when: {reply: 250}}",
        "{NOOP: 450}",
    ],
)
@pytest.mark.parametrize(
    ("old", "end"),
    [
        ("{NOOP: 450}", "250 2.0.0 Queued"),
        ("{END-OF-DATA: {reply: 452 4.3.1 Old, upstream: deliver}}", "452 4.3.1 Old"),
    ],
)
def test_mail_data_in_hand_keep_their_rules(old: str, new: str, end: str) -> None:
    """A message whose DATA was sent ends by the rules of that time; the next one by the new."""
    talk = Clients(old).connect()
    talk.play(ENVELOPE + "\nC: DATA\n> DATA\nU: 354 Go on\nS: 354 Go on\n")
    talk.relay.adopt(book(new))
    talk.play(f"C: .\n> .\nU: 250 2.0.0 Queued\nS: {end}\n")
    after = "451 4.3.0 New" if "New" in new else "250 2.0.0 Queued"
    talk.play(ENVELOPE + MESSAGE.replace("S: 250 2.0.0 Queued", f"S: {after}"))


def test_a_reload_does_not_forget_what_was_counted() -> None:
    """A rule of the same name and stage goes on counting."""
    clients = Clients("{name: x, NOOP: 450, times: 2}")
    talk = clients.connect()
    assert told(talk, "NOOP") == 450
    talk.relay.adopt(book("{name: x, NOOP: 451, times: 2}"))
    assert [told(talk, "NOOP"), told(talk, "NOOP")] == [451, 250]


# Many clients at once.


def fates(clients: Clients, interleaved: bool) -> dict[int, list[int]]:
    """Return what twenty clients hear, each with recipients of its own, in turn or at once."""
    talks = [clients.connect(f"192.0.2.{number}") for number in range(20)]
    heard: dict[int, list[int]] = {number: [] for number in range(20)}
    tries = [(number, at) for number in range(20) for at in range(10)]
    for number, _ in sorted(tries, key=lambda one: one[::-1]) if interleaved else tries:
        heard[number].append(told(talks[number], f"RCPT TO:<r{number}@example.net>"))
    return heard


@pytest.mark.parametrize("times", ["", ", times: {per: client}", ", times: {chance: 0.5}"])
def test_twenty_clients_at_once_hear_what_each_alone_hears(times: str) -> None:
    """The same seed makes the same firings, whatever the order in which clients come."""
    rule = f"{{RCPT: 450, when: {{chance: 0.5}}{times}}}"
    one_by_one = fates(Clients(rule, seed=42), interleaved=False)
    assert fates(Clients(rule, seed=42), interleaved=True) == one_by_one
    assert fates(Clients(rule, seed=43), interleaved=True) != one_by_one
