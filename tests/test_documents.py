"""YAML from strangers: read safely, with the place of everything, and one error for all else."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy import documents
from smtpproxy.documents import (
    DocumentError,
    DocumentReader,
    Mapping,
    Node,
    Sequence,
    Text,
    nearest,
    read_documents,
    read_octets,
)


def read(octets: bytes) -> list[Node]:
    """Return all documents of a stream."""
    return list(read_documents(octets, "faults.yaml"))


def test_nodes_know_their_lines() -> None:
    """Every key, item and scalar says where it stands, and whether it was quoted."""
    (found,) = read(b'a: 1\nb:\n- "x"\n- c: |\n    y\n')
    assert found == Mapping(
        1,
        {
            "a": Text(1, "1", plain=True),
            "b": Sequence(
                3,
                [
                    Text(3, "x", plain=False),
                    Mapping(4, {"c": Text(4, "y\n", plain=False)}, {"c": 4}),
                ],
            ),
        },
        {"a": 1, "b": 2},
    )


@pytest.mark.parametrize(
    "word", ["1", "0x10", "1_0", "yes", "null", "~", "2026-11-23", "1.5", ".inf", ""]
)
def test_every_scalar_is_text(word: str) -> None:
    """No number, boolean, date or null is made of what was written."""
    (found,) = read(f"a: {word}\n".encode())
    assert isinstance(found, Mapping)
    assert found.entries["a"] == Text(1, word, plain=True)


def test_a_stream_holds_many_documents() -> None:
    """Documents come one by one; the lines count on."""
    assert read(b"a\n---\nb\n...\n---\nc\n") == [
        Text(1, "a", plain=True),
        Text(3, "b", plain=True),
        Text(6, "c", plain=True),
    ]


def test_a_byte_order_mark_is_no_text() -> None:
    """An editor may begin a file with one."""
    assert read(b"\xef\xbb\xbfa: 1\n") == read(b"a: 1\n")


@pytest.mark.parametrize(
    ("octets", "line", "words"),
    [
        pytest.param(b"a: 1\nb: &x 2\n", 2, "anchors", id="anchor"),
        pytest.param(b"a:\n  &x [b]\n", 2, "anchors", id="anchor of a list"),
        pytest.param(b"a:\n- &x\n  b: c\n", 2, "anchors", id="anchor of a mapping"),
        pytest.param(b"a: 1\n&x b: 2\n", 2, "anchors", id="anchor of a key"),
        pytest.param(b"a: 1\nb: *x\n", 2, "aliases", id="alias"),
        pytest.param(b"a: 1\n*x : 2\n", 2, "aliases", id="alias as a key"),
        pytest.param(b"a: 1\n<<: {b: 2}\n", 2, "merge", id="merge key"),
        pytest.param(b"a: 1\nb: !!int 2\n", 2, "tags", id="tag"),
        pytest.param(b"a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "tags", id="code"),
        pytest.param(b"a: 1\nb: ! 2\n", 2, "tags", id="tag of its own"),
        pytest.param(b"a: 1\nb: !x {c: d}\n", 2, "tags", id="tag of a mapping"),
        pytest.param(b"%TAG !e! tag:example.org,2026:\n---\n!e!x a\n", 3, "tags", id="directive"),
        pytest.param(b"a: 1\nb: 2\na: 3\n", 3, "'a' stands here twice", id="duplicate key"),
        pytest.param(b'a: 1\n"a": 3\n', 2, "'a' stands here twice", id="duplicate, quoted"),
        pytest.param(b"a: 1\n[b]: 2\n", 2, "a key", id="a list as a key"),
        pytest.param(b"a: 1\n? {b: c}\n: 2\n", 2, "a key", id="a mapping as a key"),
        pytest.param(b"\n" + b"[" * 100_000, 2, "deep", id="deep lists"),
        pytest.param(b"\n" + b"{a: " * 100_000, 2, "deep", id="deep mappings"),
        pytest.param(b"\n" + b"- " * 100_000, 2, "deep", id="deep blocks"),
        pytest.param(b"\n" + b"? " * 100_000, 2, "", id="deep keys"),
        pytest.param(b"a: 1\nb: \xff\n", 2, "UTF-8", id="Latin-1"),
        pytest.param(b"a: 1\nb: \xed\xa0\x80\n", 2, "UTF-8", id="half of a surrogate pair"),
        pytest.param("a: 1\n".encode("utf-16"), 1, "UTF-8", id="UTF-16"),
        pytest.param(b"a: 1\nb: 2\0\n", 2, "YAML", id="NUL"),
        pytest.param(b"a: 1\nb: \x1b[31m\n", 2, "YAML", id="escape"),
        pytest.param("éééé: 1\nb: \x07\n\n\n\n\n".encode(), 2, "YAML", id="control behind é"),
        pytest.param(b"a: 1\n\tb: 2\n", 2, "YAML", id="tab"),
        pytest.param(b"a: 1\nb: [2\nc: 3\n", 3, "YAML", id="open list"),
        pytest.param(b'a: 1\nb: "2\n', 3, "YAML", id="open quotes"),
        pytest.param(b"a: 1\nb: @c\n", 2, "YAML", id="reserved"),
        pytest.param(b"%YAML 9.0\n---\na\n", 1, "YAML", id="another YAML"),
    ],
)
def test_what_is_not_allowed(octets: bytes, line: int, words: str) -> None:
    """Whatever a stranger's file holds is one error, of one line, with its place."""
    with pytest.raises(DocumentError) as error:
        read(octets)
    assert str(error.value) == f"faults.yaml:{line}: {error.value.problem}"
    assert error.value.line == line
    assert words in error.value.problem
    assert "\n" not in error.value.problem


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("- S: 250 Ok: queued", '- S: "250 Ok: queued"'),
        ("  C: a: b", 'C: "a: b"'),
        ('client-saw: 450 "x\\y": z', r'client-saw: "450 \"x\\y\": z"'),
    ],
)
def test_the_line_to_paste(line: str, quoted: str) -> None:
    """Text that can't stand unquoted is shown as it can stand."""
    with pytest.raises(DocumentError) as error:
        read(line.encode())
    assert error.value.problem.endswith(f"is quoted: {quoted}")


@pytest.mark.parametrize("line", ["note: a: b", 'S: "a" b', "S: [a"])
def test_no_line_to_paste_where_quotes_are_not_the_matter(line: str) -> None:
    """Other mistakes get no advice that would not help."""
    with pytest.raises(DocumentError) as error:
        read(line.encode())
    assert "is quoted" not in error.value.problem


def test_too_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much a file may hold is bounded."""
    monkeypatch.setattr(documents, "MOST_NODES", 24)  # a document counts eight more
    assert len(read(b"[a, b, c, d]\n---\n[a, b]\n")) == 2
    with pytest.raises(DocumentError, match=r"faults\.yaml:2: .*too much"):
        read(b"---\n[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]\n")


def test_nodes_must_bring_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what any file may hold, each node needs octets: tiny ones are refused, others not."""
    monkeypatch.setattr(documents, "FREE_NODES", 100)
    assert len(read(b"---\n[" + b"abcdef, " * 200 + b"]\n")) == 1
    with pytest.raises(DocumentError, match=r"faults\.yaml:2: .*too much"):
        read(b"---\n[" + b"a, " * 1000 + b"]\n")


def test_a_list_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list may hold so many words, and more where there is much before it."""
    monkeypatch.setattr(documents, "MOST_WORDS", 10)
    monkeypatch.setattr(documents, "_OCTETS_A_WORD", 1_000)
    words = b"[" + b"a," * 12 + b"]\n"
    assert len(read(b"#" * 3000 + b"\n" + words)) == 1
    with pytest.raises(DocumentError, match=r"faults\.yaml:1: .*words"):
        read(words)


def test_what_is_ones_own_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under `x-…` and `note:` there is less room than elsewhere."""
    monkeypatch.setattr(documents, "MOST_NOTED", 5)
    for key in (b"x-a", b"note"):
        assert len(read(key + b": [a, b, c, d]\nb: [a, b, c, d, e, f]\n")) == 1
        with pytest.raises(DocumentError, match=r"faults\.yaml:1: .*too much"):
            read(key + b": [a, b, c, d, e]\n")


def test_a_long_text_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing new begins for too long, the line of what began last is told."""
    monkeypatch.setattr(documents, "MOST_TEXT", 200_000)
    assert len(read(b"a: b\nc: " + b"d" * 100_000)) == 1
    with pytest.raises(DocumentError, match=r"faults\.yaml:2: .*more than 200,000 octets"):
        read(b"a: b\nc: " + b"d" * 400_000)


def test_comments_are_seen_wherever_the_text_is_cut() -> None:
    """A text that a comment follows says so, also far into a file, and with other characters."""
    before = "é".encode() * 100_000 + b"\n"
    (found,) = read(b'a: "' + before + b'"\nb: 250 Ok #1\nc: "d" # e\nf: g\n')
    assert isinstance(found, Mapping)
    cut = {key: node.cut for key, node in found.entries.items() if isinstance(node, Text)}
    assert cut == {"a": False, "b": True, "c": False, "f": False}


@pytest.mark.parametrize("source", ["a\nb.yaml", "a\x1b[2J.yaml"])
def test_errors_are_one_line_of_what_can_be_shown(source: str) -> None:
    """Whatever a file and its name hold: no line end, no control, and not too long."""
    error = DocumentError(source, 3, "holds \x1b]0;x\x07\n" + "y" * 10_000)
    assert str(error).isprintable()
    assert len(str(error)) < 1_200
    assert error.source == source


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from(["a", ": ", "- ", "\n", "  ", "[", "]", "{", "}", "&a ", "*a", "!b ", "'"])
        | st.sampled_from(['"', "|", ">", "#", "%", "---\n", "? ", ",", "\t", "\\", "\u2028"]),
        max_size=30,
    ).map(lambda parts: "".join(parts).encode())
)
def test_nothing_but_nodes_or_one_error(octets: bytes) -> None:
    """Any octets are documents, or a DocumentError."""
    try:
        found = read(octets)
    except DocumentError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(node, Text | Sequence | Mapping) for node in found)


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("RCTP", ("RCPT", "MAIL"), "; did you mean 'RCPT'?"),
        ("rctp", ("RCPT", "MAIL"), "; did you mean 'RCPT'?"),
        ("upsteam", ("upstream", "note"), "; did you mean 'upstream'?"),
        ("xyz", ("RCPT", "MAIL"), ""),
        ("x", (), ""),
    ],
)
def test_the_nearest_word(word: str, known: tuple[str, ...], hint: str) -> None:
    """A slip of the pen is answered with the right word, and nothing else is."""
    assert nearest(word, known) == hint


def test_unknown_keys_are_refused() -> None:
    """A key that nobody reads is an error with its line; `x-…` is free."""
    reader = DocumentReader("faults.yaml")
    (found,) = read(b"name: a\nx-b: c\nnaem: d\n")
    assert isinstance(found, Mapping)
    with pytest.raises(DocumentError, match=r"^faults\.yaml:3: .*'naem'; did you mean 'name'\?"):
        reader.check_keys(found, ("name",))


def test_texts_are_texts() -> None:
    """Where a text is expected, a list is an error with its line; what is missing is empty."""
    reader = DocumentReader("faults.yaml")
    (found,) = read(b"a: b\nc:\n- d\n")
    assert isinstance(found, Mapping)
    assert (reader.optional(found, "a"), reader.optional(found, "z")) == ("b", "")
    with pytest.raises(DocumentError, match=r"^faults\.yaml:3: expected a text"):
        reader.optional(found, "c")


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """The octets of a file, and nothing else."""
    path = tmp_path / "faults.yaml"
    path.write_bytes(b"a\r\n\0\xff")
    assert read_octets(path) == b"a\r\n\0\xff"


def test_a_missing_file(tmp_path: Path) -> None:
    """What is not there is an error that names the file."""
    with pytest.raises(DocumentError, match=r"faults\.yaml: can't be read: No such file"):
        read_octets(tmp_path / "faults.yaml")


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    """The same for a link whose file is missing."""
    path = tmp_path / "faults.yaml"
    path.symlink_to(tmp_path / "missing")
    with pytest.raises(DocumentError, match="can't be read"):
        read_octets(path)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_a_regular_file_is_read(tmp_path: Path, make: object) -> None:
    """Folders, and pipes that would never end, are refused."""
    path = tmp_path / "faults.yaml"
    assert callable(make)
    make(path)
    with pytest.raises(DocumentError, match=r"faults\.yaml: is not a regular file"):
        read_octets(path)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than the limit is refused, one as large is read."""
    monkeypatch.setattr(documents, "MOST_OCTETS", 1000)
    path = tmp_path / "faults.yaml"
    path.write_bytes(b"#" * 1000)
    assert len(read_octets(path)) == 1000
    path.write_bytes(b"#" * 1001)
    with pytest.raises(DocumentError, match="larger than 1,000 octets"):
        read_octets(path)
