"""heedful classify: what the signals say of any texts, line by line, from standard input."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, NoReturn, get_args

import click

from monitor.cli.endings import FAILED
from monitor.model import Author, Comment, Kind, Signals

BATCH = 500
CHUNK = 1 << 18
KINDS = frozenset(get_args(Kind))
_SOMEBODY = Author("1", "somebody")
_AT_NO_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the input: what to measure, or why it cannot be read."""

    id: Any
    comment: Comment | None
    error: str = ""


@click.command()
@click.option("--no-evidence", is_flag=True, help="Leave out which words weighed most: faster.")
def classify(no_evidence: bool) -> None:
    """Say what the signals hear in texts: JSON Lines (or one text a line) in, JSON Lines out, in the same order.

    A line is {"id": ..., "text": ...}, with "kind", "stars" and "language" if they are known, or a text as it is (its
    id is then the line's number). Each answer has the signals as numbers, the flags (the signals at their thresholds),
    the kind of mistake, the language, and for each flag the words that weighed most. A text that is empty is not
    measured: null. Reads no configuration and no store. Exit code 1: a line that begins with { could not be read; in
    its place stands {"id": ..., "error": ...}.
    """
    n_errors = 0
    out = sys.stdout.buffer
    for batch in _batches(sys.stdin.buffer):
        out.write(b"".join(map(_encoded, _answers(batch, not no_evidence))))
        out.flush()
        for asked in batch:
            if asked.error:
                n_errors += 1
                click.echo(f"heedful: {asked.error}", err=True)
    if n_errors:
        raise SystemExit(FAILED)


def _batches(file: IO[bytes]) -> Iterator[list[Asked]]:
    """The lines as they come: whoever writes them slowly is answered at once."""
    number = 0
    for lines in _lines(file):
        for first in range(0, len(lines), BATCH):
            some = lines[first : first + BATCH]
            yield [read_line(line, number + place) for place, line in enumerate(some, 1)]
            number += len(some)


def _lines(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Whole lines, as many as one read gives."""
    begun: list[bytes] = []
    while chunk := file.read1(CHUNK):  # type: ignore[attr-defined]  # every binary stream of ours is buffered
        ended, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield b"".join((*begun, ended)).split(b"\n")
            begun = []
        begun.append(rest)
    if last := b"".join(begun):
        yield [last]


def read_line(line: bytes, number: int) -> Asked:
    """What one line asks; a line that begins with a brace is JSON, any other is a text."""
    text = line.decode("utf-8", "replace").removesuffix("\r")
    if number == 1:
        text = text.removeprefix("\ufeff")
    if not text.lstrip().startswith("{"):
        return Asked(number, comment_of(text))
    try:
        row = _DECODE(text.strip())
    except (ValueError, RecursionError) as error:
        return Asked(number, None, f"line {number} begins with {{ and is no JSON: {error}")
    said = row.get("text")
    if said is not None and not isinstance(said, str):
        return Asked(row.get("id", number), None, f'line {number}: "text" is no text')
    if "text" not in row:
        return Asked(row.get("id", number), None, f'line {number} has no "text"')
    return Asked(row.get("id", number), comment_of(said or "", row))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODE = json.JSONDecoder(parse_constant=_refuse_constant).decode  # made once: that is half of what a line costs
_ENCODE = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


def comment_of(text: str, row: Mapping[str, Any] | None = None) -> Comment:
    """A text as the signals want it, with what a row knows of where it was said."""
    if not row:
        return Comment("1", "comment", text, _SOMEBODY, _AT_NO_TIME)
    kind, stars, language = row.get("kind"), row.get("stars"), row.get("language")
    return Comment(
        "1",
        kind if isinstance(kind, str) and kind in KINDS else "comment",  # type: ignore[arg-type]
        text,
        _SOMEBODY,
        _AT_NO_TIME,
        language=language if isinstance(language, str) else "",
        stars=float(stars) if isinstance(stars, int | float) and 0 <= stars <= 10 else None,
    )


def measure(comments: Sequence[Comment]) -> list[Signals]:
    """The signals of each comment; {} for one that says nothing."""
    from monitor import signals

    said = [comment for comment in comments if comment.text.strip()]
    values = iter(signals.measure(said))
    return [next(values) if comment.text.strip() else {} for comment in comments]


def _answers(batch: Sequence[Asked], with_evidence: bool) -> Iterator[dict[str, Any]]:
    from monitor import signals
    from monitor.signals.flags import flags, thresholds

    comments = [asked.comment for asked in batch if asked.comment is not None]
    values = iter(measure(comments))
    names = tuple(thresholds())
    for asked in batch:
        if asked.comment is None:
            yield {"id": asked.id, "error": asked.error}
            continue
        measured = next(values)
        raised = flags(measured)
        yield {
            "id": asked.id,
            "signals": {name: measured.get(name) for name in names},
            "flags": raised,
            "mistake_kind": measured.get("mistake_kind") or "",
            "language": measured.get("language") or "",
            "evidence": list(_evidence(asked.comment, raised)) if with_evidence else [],
            "version": signals.VERSION,
        }


def _evidence(comment: Comment, raised: Mapping[str, bool]) -> Iterable[dict[str, Any]]:
    from monitor import signals

    for name, is_raised in raised.items():
        if is_raised:
            said = {"signal": name, "words": list(signals.explain(name, comment))}
            sentence = signals.sentence(name, comment)
            yield {**said, "sentence": sentence} if sentence else said


def _encoded(answer: Mapping[str, Any]) -> bytes:
    try:
        return _ENCODE(answer).encode() + b"\n"
    except UnicodeEncodeError:  # half a character, from an id or a text
        return json.dumps(answer).encode() + b"\n"
