"""Plays a session up to a stage under one rule, and tells what the client heard there."""

from smtpproxy.actions import Action, Connect, Send, Side
from smtpproxy.exchange import Exchange
from smtpproxy.relay import Relay
from smtpproxy.rules.model import Rule, rule_book
from smtpproxy.smtp.facts import Chunk, MailData

#: What the client sends in a mail transaction, by stage, and what upstream answers.
TRANSACTION = {
    "EHLO": ("EHLO app.example.org", "250 mail.example.org"),
    "MAIL": ("MAIL FROM:<a@example.org>", "250 2.1.0 Ok"),
    "RCPT": ("RCPT TO:<b@example.net>", "250 2.1.5 Ok"),
    "DATA": ("DATA", "354 Go on"),
    "END-OF-DATA": ("Subject: hello\r\n\r\n.", "250 2.0.0 Ok"),
}
#: What else upstream answers with anything but 250, and whether it does so without EHLO.
ELSEWHERE = {"QUIT": "221 2.0.0 Bye", "HELP": "214 2.0.0 Help"}


class _Deaf:
    """A watcher that does not care."""

    def exchanged(self, exchange: Exchange) -> None: ...
    def mail_data(self, fact: MailData | Chunk) -> None: ...
    def noted(self, fact: str, detail: str, octets: bytes) -> None: ...
    def ended(self, how: str) -> None: ...


def heard_at(stage: str, rule: Rule) -> bytes:
    """Return what the client hears at `stage` where this is the only rule."""
    relay = Relay(_Deaf(), lambda: 0.0, rule_book([rule]), "proxy.example.net")
    actions = relay.connected()
    if Connect() in actions:
        actions += relay.upstream_received(b"220 mail.example.org ready\r\n")
    for line, reply in _dialogue(stage):
        actions = relay.client_received(line.encode() + b"\r\n")
        if any(_goes_to(Side.UPSTREAM, action) for action in actions):
            actions += relay.upstream_received(reply.encode() + b"\r\n")
    return b"".join(_goes_to(Side.CLIENT, action) for action in actions)


def _dialogue(stage: str) -> list[tuple[str, str]]:
    """Return what the client sends, up to and including `stage`, with upstream's replies."""
    if stage == "CONNECT":
        return []
    if stage in TRANSACTION:
        stages = list(TRANSACTION)
        return [TRANSACTION[name] for name in stages[: stages.index(stage) + 1]]
    command = (f"{stage} FROM:<a@example.org>", ELSEWHERE.get(stage, "250 2.0.0 Ok"))
    return [command] if stage == "HELO" else [TRANSACTION["EHLO"], command]


def _goes_to(side: Side, action: Action) -> bytes:
    return action.octets if isinstance(action, Send) and action.side is side else b""
