"""How far a file was read, and from there on a page of its rows; the file connector's cursor is made of this."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import IO

from pydantic import BaseModel

from connectors.file_rows import Row, csv_header, csv_rows, json_rows, open_rows

_HEAD, _TAIL = 4096, 256  # bytes by which a file that grew is told from one that was replaced
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is: "" as delimiter means JSON Lines. `needed` are columns that it must have."""

    encoding: str
    delimiter: str = ""
    header: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()


class Position(BaseModel):
    """How far a file was read: bytes of its uncompressed content, and the number of the next row.

    `identity` is its size and time of change when last looked at, `marks` are digests of what it began with and of
    what stands before `at`. `tail` is where a last row begins that had no end yet; it is read again once the file
    grows.
    """

    at: int = 0
    number: int = 1
    header: list[str] = []
    identity: tuple[int, int] = (-1, -1)
    marks: tuple[str, str] = ("", "")
    tail: tuple[int, int] | None = None
    is_done: bool = False


def identity_of(path: Path) -> tuple[int, int]:
    """Size, and when it was last changed in nanoseconds."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


class Streams:
    """Open files between two pages of one reader: a gzip file can only be read from its beginning."""

    def __init__(self) -> None:
        self._kept: tuple[Path, tuple[int, int], IO[bytes]] | None = None

    def take(self, path: Path, identity: tuple[int, int], at: int) -> IO[bytes]:
        """The file, standing at `at`; the caller keeps or closes it."""
        kept, self._kept = self._kept, None
        if kept is not None:
            if kept[:2] == (path, identity) and kept[2].tell() == at:
                return kept[2]
            kept[2].close()
        stream = open_rows(path)
        stream.seek(at)
        return stream

    def keep(self, path: Path, identity: tuple[int, int], stream: IO[bytes]) -> None:
        if path.suffix == ".gz":
            self._kept = (path, identity, stream)
        else:
            stream.close()

    def close(self) -> None:
        if self._kept is not None:
            self._kept[2].close()
            self._kept = None


@dataclass(frozen=True, slots=True)
class Step:
    """The rows of one page, and why the last row of the file was left for later, if it was."""

    rows: Sequence[Row] = ()
    waits: str = ""


def read_page(path: Path, position: Position, form: Format, streams: Streams, limit: int, is_settled: bool) -> Step:
    """Read up to `limit` rows on from this position, and move it.

    A damaged file ends with a row that says so. `is_settled`: nobody writes to the file any more, so that a last
    line without line end is a row.

    Raises: OSError.
    """
    identity = identity_of(path)
    if position.is_done and position.identity == identity:
        return Step()
    _go_on(path, position, identity)
    rows: list[Row] = []
    stream: IO[bytes] | None = None
    try:
        stream = streams.take(path, identity, position.at)
        waits = _fill(rows, stream, position, form, limit, is_settled)
    except DAMAGED as error:
        waits = "" if is_settled else "the file is not complete"
        if is_settled:
            rows.append(Row(position.number, position.at, position.at, {}, f"a damaged gzip file: {error}"))
            position.is_done = True
    if stream is not None:
        streams.keep(path, identity, stream) if len(rows) == limit else stream.close()
    position.marks = _marks(path, position.at)
    return Step(rows, waits)


def _go_on(path: Path, position: Position, identity: tuple[int, int]) -> None:
    """Where to read on: where it was left, where it had no end yet, or from the beginning if it was replaced."""
    if position.identity == identity:
        return
    is_new = position.identity == (-1, -1)
    grew = (
        not is_new
        and path.suffix != ".gz"
        and identity[0] >= position.at
        and _marks(path, position.at) == position.marks
    )
    if not is_new and not grew:
        position.at, position.number, position.header, position.tail = 0, 1, [], None
    if position.tail is not None:
        (position.at, position.number), position.tail = position.tail, None
    position.identity, position.is_done = identity, False


def _fill(rows: list[Row], stream: IO[bytes], position: Position, form: Format, limit: int, is_settled: bool) -> str:
    if form.delimiter and not position.header and (problem := _read_header(stream, position, form)):
        if not problem.is_whole and not is_settled:
            return f"row {problem.number} is not complete"
        if problem.error:
            rows.append(problem)
        position.is_done = True
        return ""
    for row in islice(_rows(stream, position, form), limit):
        if not row.is_whole:
            if not is_settled:
                return f"row {row.number} is not complete"
            position.tail = position.tail or (row.start, row.number)
        rows.append(row)
        position.at, position.number = row.end, row.number + 1
    position.is_done = len(rows) < limit
    return ""


def _rows(stream: IO[bytes], position: Position, form: Format) -> Iterator[Row]:
    if form.delimiter:
        return csv_rows(stream, form.encoding, form.delimiter, position.header, position.number)
    return json_rows(stream, form.encoding, position.number)


def _read_header(stream: IO[bytes], position: Position, form: Format) -> Row | None:
    """Learn the columns; what is wrong with them, as a row: with an empty error where the file is empty."""
    if form.header:
        position.header = list(form.header)
        return _lacking(position.header, form)
    row = csv_header(stream, form.encoding, form.delimiter)
    if row is None or row.error or not row.is_whole:
        # A header without line end is all of its file: there is nothing to read yet.
        return row or Row(1, 0, 0, {})
    if lacking := _lacking(list(row.values), form):
        return lacking
    position.header, position.at, position.number = list(row.values), row.end, 2
    return None


def _lacking(header: Sequence[str], form: Format) -> Row | None:
    lacking = sorted(form.needed - set(header))
    if not lacking:
        return None
    return Row(1, 0, 0, {"columns": list(header)}, f"the file has no column {', '.join(lacking)}")


def _marks(path: Path, at: int) -> tuple[str, str]:
    if path.suffix == ".gz":
        return "", ""
    with path.open("rb") as stream:
        head = stream.read(min(_HEAD, at))
        stream.seek(max(0, at - _TAIL))
        return _digest(head), _digest(stream.read(min(_TAIL, at)))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=6).hexdigest()
