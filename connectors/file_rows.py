"""Files of rows (JSON Lines and CSV) read record by record from any position; never more than one record in memory."""

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

MAX_LINE = 1_000_000  # bytes; a longer one is no comment
MAX_QUOTED = 100_000  # bytes of one record on further lines; beyond that a quote was forgotten


@dataclass(frozen=True, slots=True)
class Row:
    """One record and where it stands: bytes of the uncompressed file; `number` is what an editor (of JSON Lines) or a
    spreadsheet (of CSV) calls its row, from 1.

    `error` says why it could not be read; `values` then holds the beginning of what came.
    """

    number: int
    start: int
    end: int
    values: dict[str, Any]
    error: str = ""
    is_whole: bool = True  # False: the file ends within this line


def open_rows(path: Path) -> IO[bytes]:
    """The file's bytes, uncompressed where it is a gzip file.

    Raises: OSError.
    """
    return cast(IO[bytes], gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))


class _Lines:
    """The lines of a file as text, counting bytes; an overlong line is cut and the rest of it passed over."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self.at = stream.tell()
        self.error = ""
        self.is_whole = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.is_whole = line.endswith(b"\n")
        rest = line
        while not self.is_whole and len(rest) == MAX_LINE:
            self.error = f"a line of more than {MAX_LINE:,} bytes"
            self.at += len(rest)
            rest = self._stream.readline(MAX_LINE)
            self.is_whole = rest.endswith(b"\n") or not rest
        is_first = self.at == 0
        self.at += len(rest)
        try:
            text = line.decode(self._encoding)
        except UnicodeDecodeError as error:
            self.error = self.error or f"not {self._encoding}: {error.reason} at byte {error.start} of the line"
            text = line.decode(self._encoding, "replace")
        return text.removeprefix("\ufeff") if is_first else text


def json_rows(stream: IO[bytes], encoding: str, number: int) -> Iterator[Row]:
    """The records of a JSON Lines file from where the stream stands; `number` is that of the next one."""
    lines = _Lines(stream, encoding)
    start = lines.at
    for line in lines:
        values, error = _json_values(line, lines.error)
        if line.strip() or error:
            yield Row(number, start, lines.at, values, error, lines.is_whole)
        number, start, lines.error = number + 1, lines.at, ""


def _json_values(line: str, error: str) -> tuple[dict[str, Any], str]:
    if error or not line.strip():
        return {"line": line[:2000]} if error else {}, error
    try:
        values = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        return {"line": line[:2000]}, f"not JSON: {problem}"
    if not isinstance(values, dict):
        return {"line": line[:2000]}, "not a JSON object"
    return values, ""


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def csv_header(stream: IO[bytes], encoding: str, delimiter: str) -> Row | None:
    """The first record of a CSV file, its columns as the keys of `values`; None for an empty file."""
    stream.seek(0)
    lines = _Lines(stream, encoding)
    try:
        names = next(csv.reader(lines, delimiter=delimiter), None)
    except csv.Error as problem:
        return Row(1, 0, lines.at, {}, f"not CSV: {problem}")
    if names is None:
        return None
    return Row(1, 0, lines.at, dict.fromkeys((name.strip() for name in names), ""), lines.error, lines.is_whole)


def csv_rows(stream: IO[bytes], encoding: str, delimiter: str, header: Sequence[str], number: int) -> Iterator[Row]:
    """The records of a CSV file from where the stream stands; a quoted field may span lines.

    Where a quote is never closed, only the line that it stands in is given up, and the next one is read again.
    """
    start = stream.tell()
    while True:
        lines = _Lines(stream, encoding)
        first = _FirstLine(lines)
        try:
            for fields in csv.reader(first, delimiter=delimiter, strict=True):
                if fields:
                    values, error = _csv_values(header, fields, lines.error)
                    yield Row(number, start, lines.at, values, error, lines.is_whole)
                number, start, lines.error = number + 1, lines.at, ""
                first.begin()
            return
        except csv.Error as problem:
            # At the end of the file the rest of the record may still be written.
            is_whole = str(problem) != "unexpected end of data" and lines.is_whole
            yield Row(number, start, first.end, {"line": first.text[:2000]}, f"not CSV: {problem}", is_whole)
            number, start = number + 1, first.end
            stream.seek(start)


class _FirstLine:
    """Passes lines on and remembers the first one of the present record, and where it ends."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self.text, self.end, self._is_first = "", lines.at, True

    def begin(self) -> None:
        self._is_first = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if self._is_first:
            self.text, self.end, self._is_first = line, self._lines.at, False
        elif self._lines.at - self.end > MAX_QUOTED:
            raise csv.Error("a quote that is not closed")
        return line


def _csv_values(header: Sequence[str], fields: list[str], error: str) -> tuple[dict[str, Any], str]:
    if not error and len(fields) != len(header):
        error = f"{len(fields)} fields where the header has {len(header)}"
    return dict(zip(header, fields, strict=False)), error
