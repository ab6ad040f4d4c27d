"""The fast sink counts every letter once, however the octets come."""

from collections.abc import Sequence
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sink import Counter, CountingSession, Folder, RecordingSession, Tally, read_counter

ENVELOPE = b"MAIL FROM:<b@news.example>\r\nRCPT TO:<%s>\r\nDATA\r\n"
LETTER = b"Message-ID: <1@news.example>\r\nSubject: x\r\n\r\nOne line.\r\n..dots at a line's begin\r\n.\r\n"
#: Three transactions with all commands written ahead of the replies, the last one with an empty letter.
STREAM = (
    b"EHLO news.example\r\n"
    + (ENVELOPE % b"alice@reader.example" + LETTER)
    + (ENVELOPE % b"bob@reader.example" + LETTER.replace(b"<1@", b"<2@"))
    + (ENVELOPE % b"carol@reader.example" + b".\r\n")
    + b"QUIT\r\n"
)


class Transport:
    """What a session writes to."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.written += data

    def close(self) -> None:
        self.is_closed = True


def feed(session: CountingSession, reads: Sequence[bytes]) -> Transport:
    transport = Transport()
    session.connection_made(transport)
    for read in reads:
        session.data_received(read)
    return transport


def split(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = [0, *sorted(cuts), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(ends) if begin < end]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sink")


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_counting_does_not_depend_on_where_reads_end(folder: Path, cuts: list[int]) -> None:
    counter = Counter(folder / "counter")

    transport = feed(CountingSession(counter), split(STREAM, cuts))

    assert read_counter(folder / "counter")[0] == counter.letters == 3
    assert [line[:3] for line in transport.written.split(b"\r\n")[:-1]] == [
        b"220", *[b"250"] * 5, *[b"250", b"250", b"354", b"250"] * 3, b"221",
    ]  # fmt: skip
    assert transport.is_closed


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_tally_does_not_depend_on_where_reads_end(folder: Path, cuts: list[int]) -> None:
    lines = StringIO()

    feed(RecordingSession(Counter(folder / "counter"), Tally(lines)), split(STREAM, cuts))

    assert lines.getvalue().splitlines() == [
        "alice@reader.example\t<1@news.example>",
        "bob@reader.example\t<2@news.example>",
        "carol@reader.example\t",
    ]


def test_a_letter_is_written_down_before_it_is_accepted(folder: Path) -> None:
    transport = Transport()
    written_at_tally: list[bytes] = []
    session = RecordingSession(
        Counter(folder / "counter"), lambda _recipients, _letter: written_at_tally.append(transport.written)
    )
    session.connection_made(transport)

    session.data_received(ENVELOPE % b"alice@reader.example")
    before = transport.written
    session.data_received(LETTER)

    assert written_at_tally == [before]
    assert transport.written == before + b"250 2.0.0 Ok\r\n"


def test_a_letter_whose_connection_is_lost_before_the_dot_is_not_counted(folder: Path) -> None:
    counter, lines = Counter(folder / "counter"), StringIO()

    feed(RecordingSession(counter, Tally(lines)), [ENVELOPE % b"alice@reader.example", LETTER[:-3]])

    assert counter.letters == 0
    assert lines.getvalue() == ""


def test_kept_letters_have_their_dots_back(tmp_path: Path) -> None:
    feed(RecordingSession(Counter(tmp_path / "counter"), Folder(tmp_path)), [STREAM])

    kept = [path.read_bytes() for path in sorted(tmp_path.glob("*.eml"))]
    assert kept[0] == LETTER[:-3].replace(b"\r\n..", b"\r\n.")
    assert kept[2] == b""
