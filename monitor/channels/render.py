"""What every message says, in plain words: the pieces that each channel then draws in its own way. Pure.

Everything that comes out is one printable line within its length; what was cut to fit ends with an ellipsis and is
remembered by the `Shortener` that cut it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TypeVar

from monitor.core.phrasing import counted, local_time, waiting
from monitor.core.text import excerpt, printable
from monitor.model import Notice, Reason, Section, ThreadBrief

Some = TypeVar("Some")

PRIVATE = "private message; read it there"
_MAX_LINK, _MAX_LOOK = 500, 2_000
_MAX_SAYS, _MAX_WORDS, _MAX_REASONS = 160, 6, 4
_SAID_AS_TIMES = ("waiting", "older_than", "younger_than")  # their value is the instant that they already say
_UTC = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d) UTC\b")


class Shortener:
    """Cuts lines to a length, none longer than `longest`, and knows afterwards whether anything was cut."""

    def __init__(self, longest: int = _MAX_LOOK) -> None:
        self.has_cut = False
        self._longest = longest

    def line(self, text: str, length: int) -> str:
        length = min(length, self._longest)
        start = text[: _MAX_LOOK + 10 * length]  # no channel shows more, however little of it is printable
        line = excerpt(start, length)
        # An excerpt is cut if it is not the whole line; the whole is looked at only where that is possible.
        if len(start) < len(text) or (line.endswith("…") and line != " ".join(printable(start).split())):
            self.has_cut = True
        return line

    def some(self, several: Sequence[Some], n: int) -> Sequence[Some]:
        """The first `n` of them."""
        self.has_cut = self.has_cut or len(several) > n
        return several[:n]


@dataclass(frozen=True, slots=True)
class Telling:
    """One thread in words. `said` is a quotation where `is_quoted`; `link` is an http(s) address or ""."""

    name: str
    where: str
    about: str
    said: str
    is_quoted: bool
    when: str
    link: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A section in words: lines, each with an http(s) address or "", and how many are not shown, or ""."""

    heading: str
    lines: tuple[tuple[str, str], ...]
    more: str


def is_resolved(notice: Notice) -> bool:
    """Whether it is over, and nothing is asked for any more."""
    return notice.reason == "resolved" or (notice.reason == "update" and notice.status == "resolved")


def heading(notice: Notice, short: Shortener, length: int) -> str:
    """How urgent, and what: the line that people read on a locked telephone."""
    before, after = {
        "first": (notice.severity.upper(), ""),
        "more": (notice.severity.upper(), " (more)"),
        "severity_rose": (f"NOW {notice.severity.upper()}", ""),
        "repeat": (notice.severity.upper(), " (still open)"),
        "escalated": (notice.severity.upper(), " (nobody has it)"),
        "reopened": (notice.severity.upper(), " (again)"),
        "update": (notice.severity.upper() if notice.status != "resolved" else "RESOLVED", ""),
        "digest": ("DIGEST", ""),
        "resolved": ("RESOLVED", ""),
    }[notice.reason]
    room, unnamed = length - len(before) - len(after) - 3, "what waited" if notice.reason == "digest" else "an alert"
    return f"{before} · {short.line(notice.rule_title, room) or short.line(notice.rule, room) or unnamed}{after}"


def happened(notice: Notice, short: Shortener) -> tuple[str, str]:
    """Whose alert it is, and what happened, with how many threads and people where that says more."""
    counts = []
    if notice.n_threads > 1 and "thread" not in notice.says:
        counts.append(counted(notice.n_threads, "thread", "threads"))
    if notice.n_people > 1:
        counts.append(counted(notice.n_people, "person", "people"))
    return short.line(notice.brand_name, 60) or short.line(notice.brand, 60) or "heedful", " · ".join(
        [*counts, short.line(notice.says, 250)]
    )


def tell(
    thread: ThreadBrief,
    notice: Notice,
    now: datetime,
    short: Shortener,
    length: int,
    *,
    private: bool,
    n_reasons: int = _MAX_REASONS,
) -> Telling:
    """One thread of a notice; `length` is for the quotation, `private`: private words may be shown here."""
    is_hidden = thread.is_private and not private
    where = " · ".join(short.line(part, 60) for part in (thread.platform, thread.source_id) if part)
    return Telling(
        name=short.line(thread.author_name, 60) or "somebody",
        where=where,
        about=short.line(thread.subject_title, 80),
        said=PRIVATE if is_hidden else short.line(thread.excerpt, length) or "(no text)",
        is_quoted=not is_hidden and bool(thread.excerpt.strip()),
        when=_when(thread, notice, now),
        link=link(thread.permalink),
        why=() if is_resolved(notice) else _why(thread.reasons, notice, short, n_reasons, is_hidden=is_hidden),
    )


def _when(thread: ThreadBrief, notice: Notice, now: datetime) -> str:
    written = f"written {local_time(thread.created_at, notice.timezone)}"
    if is_resolved(notice) or thread.awaiting_since is None:
        return written
    return f"waiting {waiting(now - thread.awaiting_since)} · {written}"


def _why(
    reasons: Sequence[Reason], notice: Notice, short: Shortener, n_shown: int, *, is_hidden: bool
) -> tuple[str, ...]:
    """Each reason once: two comments of a thread can have the same. What was not the case says little to people."""
    telling = [reason for reason in reasons if reason.condition != "not"] or reasons
    told = list(dict.fromkeys(why(reason, notice.timezone, short, is_hidden=is_hidden) for reason in telling[:40]))
    lines = told[:n_shown]
    if len(told) > n_shown:
        short.has_cut = True
        lines.append(f"and {counted(len(told) - n_shown, 'more reason', 'more reasons')}")
    return tuple(lines)


def why(reason: Reason, timezone: str, short: Shortener, *, is_hidden: bool = False) -> str:
    """One reason with all that lets a person check it: what was found, words, value, threshold, signal version.

    What the reason's own sentence already holds is not said twice. `is_hidden`: the words are a private
    message's, and stay there.
    """
    extras = []
    says = _UTC.sub(lambda found: _on_the_clock_of(timezone, found), sentence(reason, is_hidden=is_hidden))
    if (value := _shown(reason.value)) and value not in says and reason.condition not in _SAID_AS_TIMES:
        extras.append(f"value {short.line(value, 40)}")
    if (threshold := _shown(reason.threshold)) and threshold not in says:
        extras.append(f"threshold {short.line(threshold, 60)}")
    if reason.words and is_hidden:
        extras.append(f"{counted(len(reason.words), 'word', 'words')} of a private message")
    elif missing := [word for word in reason.words if word not in says or len(says) > _MAX_SAYS]:
        extras.append(", ".join(f"“{short.line(word, 40)}”" for word in short.some(missing, _MAX_WORDS)))
    if reason.signal_version:
        extras.append(f"version {short.line(reason.signal_version, 30)}")
    first = short.line(says or reason.condition, _MAX_SAYS)
    return f"{first}: {' · '.join(extras)}" if extras else first


def sentence(reason: Reason, *, is_hidden: bool) -> str:
    """The reason's own sentence, or only its condition's name where it might quote a private message."""
    quotes = "“" in reason.says or any(word in reason.says for word in reason.words)
    return reason.condition if is_hidden and reason.words and quotes else reason.says


def _shown(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isfinite(value) else str(value)


def _on_the_clock_of(timezone: str, found: re.Match[str]) -> str:
    try:
        return local_time(datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC), timezone)
    except (ValueError, OverflowError):
        return found[0]


def link(permalink: str) -> str:
    """A permalink fit to be clicked: http(s), one word, of a sane length; otherwise ""."""
    address = printable(permalink[: _MAX_LINK + 1]).strip()
    is_fit = address.startswith(("https://", "http://")) and len(address) <= _MAX_LINK and not re.search(r"\s", address)
    return address if is_fit else ""


def steps(notice: Notice, short: Shortener, n: int, length: int) -> list[str]:
    """What to do, numbered; empty for a resolved alert."""
    if notice.playbook is None or is_resolved(notice):
        return []
    lines = [short.line(step, length) for step in short.some(notice.playbook.steps, n)]
    left_out = len(notice.playbook.steps) - len(lines)
    more = [f"… and {counted(left_out, 'more step', 'more steps')}"] if left_out else []
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)] + more


def avoid(notice: Notice, short: Shortener, n: int, length: int) -> list[str]:
    """What not to do."""
    if notice.playbook is None or is_resolved(notice):
        return []
    return [short.line(line, length) for line in short.some(notice.playbook.avoid, n)]


def sections(notice: Notice, short: Shortener, n: int, n_lines: int, length: int) -> tuple[Part, ...]:
    """The first sections, each with its first lines."""
    return tuple(_part(section, short, n_lines, length) for section in short.some(notice.sections, n))


def _part(section: Section, short: Shortener, n: int, length: int) -> Part:
    shown = short.some(section.lines, n)
    left_out = len(section.lines) - len(shown)
    return Part(
        short.line(section.heading, 80) or "·",
        tuple((short.line(line.text, length) or "·", link(line.link)) for line in shown),
        f"… and {counted(left_out, 'more line', 'more lines')}" if left_out else "",
    )


def unshown(notice: Notice, n_threads: int, n_sections: int, short: Shortener) -> str:
    """The line that says how much is not in a message that shows so many threads and sections, or ""."""
    parts = len(notice.sections) - n_sections
    threads = max(notice.n_threads, len(notice.threads)) - n_threads if notice.threads else 0
    left_out = [counted(parts, "more part", "more parts")] if parts > 0 else []
    if threads > 0:
        where = "" if is_resolved(notice) else ": heedful backlog"  # they no longer wait
        left_out.append(f"{counted(threads, 'more thread', 'more threads')}{where}")
    short.has_cut = short.has_cut or bool(left_out)
    return f"… and {' and '.join(left_out)}" if left_out else ""


def rule(notice: Notice, short: Shortener) -> str:
    """The rule by its name in rules.toml."""
    return short.line(notice.rule, 60)


def alert(notice: Notice) -> str:
    """The alert's id, as people type it."""
    return excerpt(notice.alert_id, 40)


def foot(notice: Notice, short: Shortener) -> list[str]:
    """Which alert it is (a digest is about none), when it was told, and who has it."""
    at = local_time(notice.created_at, notice.timezone)
    pieces = [f"Alert {alert(notice)}" if notice.alert_id else "", f"resolved {at}" if is_resolved(notice) else at]
    if notice.status == "acknowledged" and not is_resolved(notice):
        pieces.append(f"{short.line(notice.owner, 60) or 'somebody'} has it")
    return [piece for piece in pieces if piece]


def take(notice: Notice) -> str:
    """What to type to own the alert, where nobody has it and it is there to be owned; or ""."""
    is_free = notice.alert_id and notice.status == "open" and not is_resolved(notice)
    return command(notice) if is_free else ""


def command(notice: Notice) -> str:
    """What to type to own the alert."""
    return f"heedful ack {alert(notice)}"
