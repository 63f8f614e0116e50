"""How answers look: columns for a person at a terminal, JSON Lines and CSV for programs. All of it made harmless."""

import csv
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import IO, Any, TypeVar

import click

from monitor.core.text import excerpt, printable
from monitor.model import Flag, Reason, StoredComment, show_id

T = TypeVar("T")
GAP = "  "
COLOURS = {"crisis": "bright_red", "high": "red", "medium": "yellow", "low": "cyan"}
ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column; a `flexible` one gives way when the terminal is narrow."""

    title: str
    right: bool = False
    flexible: bool = False
    least: int = 12


def width() -> int | None:
    """How wide the terminal is; None where the answer goes into a pipe or file and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], wide: int | None = None) -> None:
    """Print rows below their titles; columns that are empty in every row are left out."""
    kept = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    chosen = [columns[place] for place in kept]
    cells = [[_line(row[place]) for place in kept] for row in rows]
    for line in aligned(chosen, cells, width() if wide is None else wide):
        click.echo(line)


def aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]], wide: int | None) -> list[str]:
    """The lines of a table, titles first, fitted to `wide` columns of the terminal."""
    widths = [
        max([display_width(column.title), *(display_width(row[place]) for row in rows)])
        for place, column in enumerate(columns)
    ]
    if wide is not None:
        _narrow(columns, widths, wide)
    titles = [_fitted(column.title, widths[place], column.right) for place, column in enumerate(columns)]
    lines = [GAP.join(titles).rstrip()]
    for row in rows:
        fitted = [_fitted(cell, widths[place], columns[place].right) for place, cell in enumerate(row)]
        lines.append(GAP.join(_coloured(cell) for cell in fitted).rstrip())
    return lines


def _narrow(columns: Sequence[Column], widths: list[int], wide: int) -> None:
    """Take what is too much from the widest flexible column, again and again."""
    flexible = [place for place, column in enumerate(columns) if column.flexible]
    too_much = sum(widths) + len(GAP) * (len(widths) - 1) - wide
    while too_much > 0:
        place = max(flexible, key=lambda p: widths[p] - columns[p].least, default=None)
        if place is None or widths[place] <= columns[place].least:
            return
        others = [widths[p] for p in flexible if p != place]
        step = min(too_much, max(1, widths[place] - max([columns[place].least, *others])))
        widths[place] -= step
        too_much -= step


def _fitted(text: str, wide: int, right: bool) -> str:
    text = cut(text, wide)
    padding = " " * (wide - display_width(text))
    return padding + text if right else text + padding


def _coloured(cell: str) -> str:
    colour = COLOURS.get(cell.strip())
    return click.style(cell, fg=colour) if colour and has_colour() else cell


def has_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, wide: int) -> str:
    """The beginning of a line that fits, a cut marked with an ellipsis."""
    if display_width(text) <= wide:
        return text
    used, kept = 0, []
    for character in text:
        used += _character_width(character)
        if used > wide - 1:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def words(text: str, length: int = 140) -> str:
    """What somebody wrote, harmless and on one line."""
    return excerpt(text, length)


def reasons(found: Sequence[Reason], zone: str) -> list[str]:
    """Why a rule holds, as the messages say it: with values, thresholds and the brand's time, each reason once."""
    from monitor.channels.render import Shortener, why

    short = Shortener()
    return list(dict.fromkeys(why(reason, zone, short) for reason in found))


def flag_fields(flag: Flag) -> dict[str, Any]:
    """A flag for a program; ids as they are shown and typed everywhere (as numbers they exceed what JSON keeps)."""
    why = [{**asdict(reason), "comment_id": shown_id(reason.comment_id)} for reason in flag.reasons]
    ids = {"thread_id": show_id(flag.thread_id), "alert_id": shown_id(flag.alert_id)}
    return {**asdict(flag), **ids, "evidence": [show_id(one) for one in flag.evidence], "reasons": why}


def comment_fields(stored: StoredComment) -> dict[str, Any]:
    """A comment in one flat row: what we know of it, then what the platform said, then its author."""
    ids = ("id", "thread_id", "parent_id", "subject_id")
    ours = ("brand", "platform", "source_id", "seen_at", "text_changed_at", "deleted_at", "is_history")
    comment = asdict(stored.comment)
    author = {f"author_{name}": value for name, value in comment.pop("author").items()}
    return {
        **{name: shown_id(getattr(stored, name)) for name in ids},
        **{name: getattr(stored, name) for name in ours},
        **comment,
        **author,
        "signals": dict(stored.signals),
        "no_longer_kept": [
            what for what, is_kept in (("text", stored.has_text), ("author", stored.has_author)) if not is_kept
        ],
    }


def shown_id(number: int | None) -> str | None:
    return None if number is None else show_id(number)


def hint(text: str) -> None:
    """A word to the person, apart from the answer: it does not end up in a pipe."""
    click.echo(text, err=True)


def json_line(value: Mapping[str, Any], file: IO[str] | None = None) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=plain), file=file)


def plain(value: Any) -> Any:
    """What JSON has no form for: instants in ISO 8601, durations in seconds, sets as sorted lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def csv_lines(titles: Sequence[str], rows: Iterable[Sequence[Any]], file: IO[str] | None = None) -> int:
    """Print CSV and count its rows; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    writer = csv.writer(file or sys.stdout, lineterminator="\n")
    writer.writerow(titles)
    n = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        n += 1
    return n


def watched(rows: Iterable[T], n: int, says: str) -> Iterator[T]:
    """The rows, with a progress bar on standard error when a person is watching."""
    if not sys.stderr.isatty():
        yield from rows
        return
    with click.progressbar(rows, length=n, label=says, file=sys.stderr) as bar:
        yield from bar


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else value
    text = value if isinstance(value, str) else json.loads(json.dumps(value, default=plain))
    text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
