"""Head and body of an answer go out together."""

from __future__ import annotations

import asyncio

import pytest

from audiform.collector.one_piece import OnePiece

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Written(asyncio.Transport):
    """Remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data):
        self.pieces.append(data)

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ([HEAD, b"{}"], [HEAD + b"{}"]),
        ([HEAD, b"{", b"}", HEAD, b"[]"], [HEAD + b"{", b"}", HEAD + b"[]"]),
        ([HEAD, b""], [HEAD]),
        ([HEAD], [HEAD]),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], [b"HTTP/1.1 100 Continue\r\n\r\n"]),
        ([HEAD, b"a", b"0\r\n\r\n"], [HEAD + b"a", b"0\r\n\r\n"]),
    ],
    ids=["whole", "in_parts", "empty", "no_body", "to_continue", "in_chunks"],
)
def test_an_answer_is_written_at_once_and_nothing_of_it_is_kept(written, pieces):
    """A client that waits for leave to go on gets it at once; a head that nothing follows goes out at the end."""
    transport = Written()
    one = OnePiece(transport)
    for piece in written:
        one.write(piece)
    one.flush()

    assert pieces == transport.pieces


def test_closing_loses_no_head():
    """As where a client wants no other answer on its connection."""
    transport = Written()
    one = OnePiece(transport)
    one.writelines([HEAD])
    one.close()

    assert ([HEAD], True) == (transport.pieces, transport.closed)
