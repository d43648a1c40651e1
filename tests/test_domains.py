"""Replies are counted by recipient domain, of which peers may invent many."""

from __future__ import annotations

from smtpproxy.domains import MOST_DOMAINS, NONE, OTHER, Domains


def test_replies_are_counted_by_domain_stage_and_code() -> None:
    """The domain with the most replies comes first, then by name; codes by number."""
    domains = Domains()
    for domain, stage, code in [
        ("b.example", "RCPT", 550),
        ("b.example", "RCPT", 250),
        ("c.example", "RCPT", 250),
        ("a.example", "RCPT", 250),
        ("b.example", "END-OF-DATA", 250),
        ("b.example", "RCPT", 550),
    ]:
        domains.count(domain, stage, code)
    assert list(domains.by_domain().items()) == [
        ("b.example", {"RCPT": {250: 1, 550: 2}, "END-OF-DATA": {250: 1}}),
        ("a.example", {"RCPT": {250: 1}}),
        ("c.example", {"RCPT": {250: 1}}),
    ]
    assert list(domains.by_domain()["b.example"]["RCPT"]) == [250, 550]


def test_who_has_no_domain_is_counted_too() -> None:
    """RFC 5321 §4.1.1.3: RCPT TO:<Postmaster> needs none."""
    domains = Domains()
    domains.count("", "RCPT", 250)
    assert domains.by_domain() == {NONE: {"RCPT": {250: 1}}}


def test_what_peers_sent_is_escaped() -> None:
    """No control character of a domain reaches a terminal, however often it comes."""
    domains = Domains()
    for _ in range(3):
        domains.count("ex\x1b[2Jample\u202e", "RCPT", 550)
    assert domains.by_domain() == {"ex\\x1b[2Jample\\u202e": {"RCPT": {550: 3}}}


def test_invented_domains_do_not_fill_the_memory() -> None:
    """The first thousand are counted by name, and all that come later as one."""
    domains = Domains()
    for _ in range(2):
        for number in range(MOST_DOMAINS + 500):
            domains.count(f"d{number}.example", "RCPT", 550)
    found = domains.by_domain()
    assert len(found) == MOST_DOMAINS + 1
    assert next(iter(found.items())) == (OTHER, {"RCPT": {550: 1000}})
    assert found["d0.example"] == {"RCPT": {550: 2}}
