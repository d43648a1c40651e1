"""`smtpproxy run` and TLS: its command trusts the proxy without being told how."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from smtpproxy.net.authority import AuthorityError
from smtpproxy.net.systemtrust import system_file
from smtpproxy.tools import run
from tests.certificates import issued
from tests.programs import RUN, call

TALK = """\
import os, smtplib, ssl
where = os.environ["SMTPPROXY_HOST"], int(os.environ["SMTPPROXY_PORT"])
with smtplib.SMTP_SSL(*where, context=ssl.create_default_context()) as client:
    print(*client.noop())
"""
TELL = """\
import os
print(*(os.environ.get(name) for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")))
"""
SECURE = ("--upstream", "sink:", "--listen", "tls:0")


@pytest.fixture(autouse=True)
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the authority will be; nobody has set what the command is told."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data" / "smtpproxy" / "ca.pem"


def python(program: str) -> tuple[str, ...]:
    """A command."""
    return ("--", sys.executable, "-c", program)


@pytest.mark.skipif(system_file() is None, reason="this system's authorities are in no file")
def test_the_command_trusts_the_proxy(tmp_path: Path) -> None:
    """A client that verifies certificates, and knows nothing of us, sends through the proxy."""
    outcome = call(tmp_path, (*RUN, *SECURE, *python(TALK)))
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith("250 ")
    assert "SSL_CERT_FILE" not in outcome.err


def test_what_the_user_has_set_stays(tmp_path: Path, ca: Path) -> None:
    """By --set: a line says that our authority is not in it. The environment's is added to."""
    mine = tmp_path / "mine.pem"
    mine.write_text("of mine")
    told = ("--set", f"SSL_CERT_FILE={mine}")
    words = (*RUN, *SECURE, *told, *python(TELL))
    outcome = call(tmp_path, words, {"NODE_EXTRA_CA_CERTS": str(mine)})
    chosen, added = outcome.out.split()
    assert chosen == str(mine)
    assert Path(added).read_bytes() == mine.read_bytes() + b"\n" + ca.read_bytes()
    (ours,) = [line for line in outcome.err.splitlines() if line.startswith("smtpproxy: ")]
    assert ours.split()[1] == "SSL_CERT_FILE"
    assert str(ca) in ours


@pytest.mark.parametrize("listen", ["0", "tls:0"])
def test_where_no_authority_is_in_use(tmp_path: Path, ca: Path, listen: str) -> None:
    """Without TLS with clients, or with a certificate of the user's, nothing is set or made."""
    given = ("--certificate", str(issued(tmp_path / "own"))) if listen != "0" else ()
    words = (*RUN, "--upstream", "sink:", "--listen", listen, *given, *python(TELL))
    outcome = call(tmp_path, words)
    assert outcome.out.split() == ["None", "None"]
    assert not ca.exists()


def test_an_authority_that_can_not_be_had(capfd: pytest.CaptureFixture[str]) -> None:
    """The command runs all the same, and one line says what it was not told."""

    class Without:
        """A proxy whose authority is broken."""

        def authority(self) -> None:
            raise AuthorityError("ca.pem: is missing")

    proxy: Any = Without()
    assert run._trust(proxy, {}, ()) == {}
    said = "the command can't be told to trust the proxy: ca.pem: is missing"
    assert capfd.readouterr().err == f"smtpproxy: {said}\n"
