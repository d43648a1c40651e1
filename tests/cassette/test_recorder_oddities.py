"""What is no plain command and reply, in a cassette: chunks, strays, and what is not read."""

from tests.cassette.recording import Recording, yaml


def test_chunks(recording: Recording) -> None:
    """A chunk stands with its BDAT, whatever is in it."""
    conversation = recording.begin()
    conversation.play("S: 220 ready")
    conversation.client(b"BDAT 7\r\na\r\n.\r\n\xffBDAT 0 LAST\r\n")
    conversation.play("S: 250 7 octets\nS: 250 Ok")
    conversation.client_leaves()
    assert recording.items() == yaml(
        """
        - S: "220 ready"
        - C: "BDAT 7"
          chunk: {base64: "YQ0KLg0K/w=="}
          S: "250 7 octets"
        - C: "BDAT 0 LAST"
          chunk: ""
          pipelined: true
          S: "250 Ok"
        """
    )


def test_a_chunk_whose_bdat_was_answered_early(recording: Recording) -> None:
    """A server may refuse BDAT before the chunk is there: it remains that command's chunk."""
    conversation = recording.begin()
    conversation.play("S: 220 ready")
    conversation.client(b"BDAT 5 LAST\r\n")
    conversation.play("S: 503 5.5.1 MAIL first")
    conversation.client(b"first")
    conversation.client(b"BDAT 6 LAST\r\nsecond")
    conversation.play("S: 503 5.5.1 MAIL first")
    conversation.client_leaves()
    chunks = [one.kept.octets for one in recording.cassette().sessions[0].dialogue if one.kept]
    assert chunks[-1:] == [b"second"]
    assert b"first" in chunks


def test_a_chunk_whose_bdat_a_rule_refused(recording: Recording) -> None:
    """A refused chunk, which upstream never sees, is not taken for the next one."""
    conversation = recording.begin("BDAT: {reply: 452, upstream: none}")
    conversation.play("S: 220 ready")
    conversation.client(b"BDAT 5\r\nfirstBDAT 6 LAST\r\nsecond")
    conversation.client_leaves()
    dialogue = recording.cassette().sessions[0].dialogue
    assert [one.kept.octets for one in dialogue if one.kept] == [b"first", b"second"]


def test_what_answers_nothing(recording: Recording) -> None:
    """Unsolicited replies and stray lines stand where they were heard."""
    recording.dialogue(
        """
        S: 220 ready
        S: who are you?
        C: NOOP
        S: 250 Ok
        S: 421 4.4.2 Timeout
        """
    )
    assert recording.items() == yaml(
        """
        - S: "220 ready"
        - stray: "who are you?"
        - C: "NOOP"
          S: "250 Ok"
        - S: "421 4.4.2 Timeout"
        """
    )


def test_an_unsolicited_reply_behind_auth_is_kept(recording: Recording) -> None:
    """Nothing in it is secret: that a session was authenticated does not hide the rest of it."""
    recording.dialogue(
        """
        S: 220 ready
        C: AUTH PLAIN AGJvYgBodW50ZXIyLWh1bnRlcjI=
        S: 235 2.7.0 Ok
        S: 421 4.4.2 Timeout
        """
    )
    assert recording.items().endswith('- S: "421 4.4.2 Timeout"\n')


def test_what_follows_starttls_is_said_to_be_unread(recording: Recording) -> None:
    """Octets behind STARTTLS are relayed and not kept; the cassette says so."""
    conversation = recording.dialogue(
        """
        S: 220 ready
        C: EHLO x
        S: 250-hi
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 2.0.0 Go ahead
        C: (handshake)
        """
    )
    assert conversation.asked.endswith(b"(handshake)\r\n")
    assert recording.sessions() == yaml(
        """
        session: 1
        dialogue:
        - S: "220 ready"
        - C: "EHLO x"
          S: |
            250-hi
            250 STARTTLS
        - C: "STARTTLS"
          S: "220 2.0.0 Go ahead"
        ended: client-drop
        opaque: STARTTLS
        timing-ms: [0, 0, 0]
        """
    )
