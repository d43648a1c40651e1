"""`smtpproxy redact CASSETTE`: an old cassette without what must not be kept."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from smtpproxy.cassette.cleaning import Cleaner
from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.spool import folder_of
from smtpproxy.console import FOUND, GOOD, UNABLE, say
from smtpproxy.documents import DocumentError, read_octets
from smtpproxy.net.newfile import write_whole
from smtpproxy.options import OneLineOptions
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatemail import PrivateMail
from smtpproxy.private.redactionrules import load_privacy

_PIECE = 256 * 1024


class RedactOptions(OneLineOptions):
    """Which cassette, by which rules, and where to."""

    synopsis = "Usage: smtpproxy redact CASSETTE [options]"
    examples = (
        "  smtpproxy redact signup.yaml --redact redact.yaml --in-place\n"
        "  smtpproxy redact signup.yaml --redact addresses -o shared.yaml\n"
        "  smtpproxy redact signup.yaml --redact redact.yaml --check\n"
    )
    longdesc = (
        "Credentials are always hidden. Comments, notes and every form stay as they were written, "
        "but for what is hidden in them. Status 0; with --check 1 where something would change."
    )
    optParameters = (
        ("redact", "r", None, "a redaction file, or addresses (docs/redaction.md)"),
        ("output", "o", None, "write the clean cassette to this file"),
    )
    optFlags = (
        ("in-place", "i", "write it in the place of the old one, whose messages are deleted"),
        ("check", "c", "write nothing; say what would change"),
    )

    def parseArgs(self, cassette: str = "") -> None:
        """Take the cassette."""
        self.cassette = cassette


def redact(words: list[str]) -> int:
    """Clean a cassette."""
    options = RedactOptions()
    options.parseOptions(words)
    ways = [name for name in ("output", "in-place", "check") if options[name]]
    if not options.cassette:
        say("smtpproxy: expected a cassette")
    elif len(ways) != 1:
        say("smtpproxy: expected one of --output FILE, --in-place and --check")
    else:
        return _redacted(Path(options.cassette), options)
    return UNABLE


def _redacted(path: Path, options: RedactOptions) -> int:
    check = bool(options["check"])
    target = Path(options["output"]) if options["output"] else path
    try:
        privacy = load_privacy(options["redact"]) if options["redact"] else Privacy()
        octets = read_octets(path)
        files = MessageFiles(path, None if check else target)
        with files.undone_by_errors():
            cleaner = Cleaner(_text(octets, path), str(path), privacy, files.clean)
            text = cleaner.cleaned()
            if not check:
                files.copy_the_rest(text)
                write_whole(target, text.encode(), path.stat().st_mode & 0o777)
        if options["in-place"]:
            files.delete_old(text)
    except DocumentError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    except OSError as error:
        say(f"smtpproxy: {error.filename or target} can't be used: {error.strerror}")
        return UNABLE
    print(f"{path}: {_counts(cleaner.changes, check)}")
    return FOUND if check and cleaner.changes else GOOD


def _text(octets: bytes, path: Path) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise DocumentError(str(path), line, "is not UTF-8") from None


def _counts(changes: dict[str, int], check: bool) -> str:
    if not changes:
        return "nothing to hide"
    told = ", ".join(f"{kind} {many}" for kind, many in sorted(changes.items()))
    return f"{'would change' if check else 'changed'}: {told}"


class MessageFiles:
    """The message files of a cassette, and those that take their place beside `target`."""

    def __init__(self, source: Path, target: Path | None) -> None:
        self._source = folder_of(source)
        self._target = folder_of(target) if target is not None else None
        self._made: list[Path] = []
        self._old: set[str] = set()

    def clean(self, kept: Kept, mail: PrivateMail) -> Kept:
        """Return the file that takes a file's place. Raises DocumentError or OSError."""
        self._old.add(kept.file)
        digest, size = hashlib.sha256(), 0
        with _opened(self._path(kept.file)) as source, self._new() as new:
            while piece := source.read(_PIECE):
                size += _write(mail.feed(piece), digest, new)
            size += _write(mail.feed(b"", last=True), digest, new)
        name = f"{digest.hexdigest()}.eml"
        self._keep(new, name)
        return kept if name == kept.file else kept._replace(file=name, size=size)

    def copy_the_rest(self, text: str) -> None:
        """Bring the files that stay as they are to where the new cassette looks for them."""
        target = self._target
        if target is None or target == self._source or not self._source.is_dir():
            return
        for name in _names(self._source):
            if name in text and not (target / name).exists():
                target.mkdir(exist_ok=True)
                self._made.append(target / name)
                shutil.copyfile(self._path(name), target / name)

    def delete_old(self, text: str) -> None:
        """Delete the files that the cassette names no more: they tell what was hidden."""
        for name in self._old:
            if name not in text:
                (self._source / name).unlink(missing_ok=True)

    @contextmanager
    def undone_by_errors(self) -> Iterator[None]:
        """Leave nothing behind where something goes wrong."""
        try:
            yield
        except (DocumentError, OSError):
            for path in self._made:
                path.unlink(missing_ok=True)
            raise

    def _path(self, name: str) -> Path:
        path = self._source / Path(name).name
        if path.is_symlink() or path.parent.is_symlink():
            raise DocumentError(str(path), 0, "is a link; message files are not")
        if not path.is_file():
            raise DocumentError(str(path), 0, "is not there, or no regular file")
        return path

    @contextmanager
    def _new(self) -> Iterator[IO[bytes] | None]:
        """Give a file to write to, unless nothing is to be written."""
        if self._target is None:
            yield None
            return
        self._target.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=self._target, prefix="partial-", suffix=".tmp", delete=False
        ) as file:
            self._made.append(Path(file.name))
            opened: Any = file
            yield opened

    def _keep(self, new: IO[bytes] | None, name: str) -> None:
        """Give a file that is complete its name."""
        if new is None or self._target is None:
            return
        path = self._target / name
        existed = path.exists()
        Path(new.name).replace(path)
        self._made.remove(Path(new.name))
        if not existed:
            self._made.append(path)


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _write(octets: bytes, digest: Any, new: IO[bytes] | None) -> int:
    digest.update(octets)
    if new is not None:
        new.write(octets)
    return len(octets)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix == ".eml"]
