"""Reading an answer's body within limits: what is kept is counted after decompression. Only `monitor.http` uses it.

httpx's own decoders inflate a whole network read at once and follow stacked encodings ("gzip, gzip"), so that
64 KB can become gigabytes before anyone has counted them; here never more than `_STEP` is inflated at a time.
"""

import zlib
from collections.abc import Iterable, Iterator

_STEP = 256 * 1024
_GZIP_OR_ZLIB, _RAW_DEFLATE, _GZIP_MAGIC = 47, -15, 0x1F
ACCEPTED = "gzip, deflate"  # the value of the accept-encoding header that we send


class BodyTooLarge(Exception):
    """More came than may be kept; `start` is the beginning of it."""

    def __init__(self, start: bytes) -> None:
        super().__init__()
        self.start = start


class BodyUnreadable(Exception):
    """The body is not encoded as its header says, or in a way that we did not ask for."""


class BodyCut(Exception):
    """The compressed body ends before its end."""


def read_body(chunks: Iterable[bytes], encoding: str, limit: int) -> bytes:
    """The decoded body, at most `limit` bytes.

    Raises: BodyTooLarge, BodyUnreadable or BodyCut; the connection is then to be closed, not drained.
    """
    body = bytearray()
    for piece in _decoded(chunks, encoding.strip().lower()):
        body += piece
        if len(body) > limit:
            raise BodyTooLarge(bytes(body[:limit]))
    return bytes(body)


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from chunks
    elif encoding in ("gzip", "x-gzip", "deflate"):
        yield from _inflated(chunks, is_deflate=encoding == "deflate")
    else:
        raise BodyUnreadable(f'its content-encoding is "{encoding[:40]}"')


def _inflated(chunks: Iterable[bytes], *, is_deflate: bool) -> Iterator[bytes]:
    inflater, has_begun = zlib.decompressobj(_GZIP_OR_ZLIB), False
    for chunk in chunks:
        data = chunk
        if data and is_deflate and not has_begun and data[0] & 0x0F != 8:
            inflater = zlib.decompressobj(_RAW_DEFLATE)  # servers differ over what "deflate" means
        while data:
            if inflater.eof:
                if data[0] != _GZIP_MAGIC:
                    return  # padding after the end, as some servers send it
                inflater = zlib.decompressobj(_GZIP_OR_ZLIB)  # a gzip file may be several, one after another
            has_begun = True
            yield _step(inflater, data)
            data = inflater.unconsumed_tail or inflater.unused_data
    if has_begun:
        yield _rest(inflater)


def _rest(inflater: "zlib._Decompress") -> bytes:
    """What the inflater still holds when all is read: a few kilobytes at most."""
    rest = inflater.flush()
    if not inflater.eof:
        raise BodyCut
    return rest


def _step(inflater: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return inflater.decompress(data, _STEP)
    except zlib.error as error:
        raise BodyUnreadable(f"it cannot be decompressed ({error})") from None
