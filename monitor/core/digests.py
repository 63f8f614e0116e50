"""Digests: what was held, the backlog of the morning and the week, in lines that every channel can draw.

No customer's words are in them: what is quoted beside its own row would have to be found again when it must go.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from monitor.core.calendar import Calendar, Windows
from monitor.core.phrasing import counted, local_time, waiting
from monitor.core.precision import Counts
from monitor.model import Line, Recipient, Section, Severity

Kind = Literal["morning", "weekly"]
MOST_OPEN, MOST_OVER, MOST_OLD, MOST_BUSY, MOST_RULES = 12, 6, 5, 5, 12
LATE = timedelta(minutes=20)  # beyond which a digest says that it is late
WEEK = timedelta(days=7)
_OPENS_FOR = 2  # hours, so that a change of the clock cannot swallow a time of day


@dataclass(frozen=True, slots=True)
class Schedule:
    """A digest that one recipient has of one brand by the calendar; the hours of `calendar` begin when it is told."""

    kind: Kind
    brand: str
    recipient: Recipient
    calendar: Calendar
    name: str = ""

    def next(self, at: datetime) -> datetime:
        """The next time after an instant."""
        return self.calendar.opens(self.calendar.closes(at))

    def last(self, at: datetime) -> datetime | None:
        """The latest time up to an instant; None if there was none in three weeks."""
        found, each = None, self.calendar.opens(at - 3 * WEEK)
        while each <= at:
            found, each = each, self.next(each)
        return found


def times(timezone: str, days: Iterable[int], at: time, holidays: str = "") -> Calendar:
    """The calendar of a schedule: its days' hours begin at this time; on holidays there are none.

    Raises: ValueError as Calendar does.
    """
    end = at.replace(hour=(at.hour + _OPENS_FOR) % 24)
    windows: Windows = ((at, end),)
    return Calendar(timezone, dict.fromkeys(days, windows), holidays)


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """An alert of which notices were held for somebody, as it stands when they are told."""

    shown_id: str
    title: str
    severity: Severity
    n_held: int
    n_threads: int
    owner: str = ""
    resolved_at: datetime | None = None
    link: str = ""
    says: str = ""  # of an operator's alert


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Everything that was held for one recipient: since when, why, and about which alerts."""

    since: datetime
    why: Counter[str]
    alerts: Sequence[HeldAlert]

    @property
    def n(self) -> int:
        return self.why.total()


@dataclass(frozen=True, slots=True)
class Told:
    """What a digest says: its title, one sentence, and sections below."""

    title: str
    says: str
    sections: tuple[Section, ...]
    severity: Severity = Severity.LOW


def late(due_at: datetime | None, now: datetime, timezone: str) -> str:
    """What a digest says first when it should have been told long ago."""
    if due_at is None or now - due_at < LATE:
        return ""
    return f"late, it was due {local_time(due_at, timezone)}; "


def held_back(held: HeldBack, timezone: str, lateness: str = "") -> Told:
    """One message about everything that was held: what is still open first, the most urgent of it on top."""
    still = sorted((each for each in held.alerts if each.resolved_at is None), key=lambda each: each.severity.rank)
    over = [each for each in held.alerts if each.resolved_at is not None]
    why = ", ".join(f"{says} ({n:,})" for says, n in held.why.most_common())
    sections = (
        _section(f"Still open: {len(still):,}", [_open_line(each) for each in still], MOST_OPEN),
        _section(f"Over meanwhile: {len(over):,}", [_over_line(each, timezone) for each in over], MOST_OVER),
    )
    return Told(
        f"{counted(held.n, 'message was', 'messages were')} held back",
        f"{lateness}since {local_time(held.since, timezone)}: {why}",
        tuple(section for section in sections if section.lines),
        min((each.severity for each in still), key=lambda severity: severity.rank, default=Severity.LOW),
    )


def _open_line(alert: HeldAlert) -> Line:
    if alert.says:
        return Line(f"{alert.severity.upper()} · {alert.says} · alert {alert.shown_id}")
    who = f"with {alert.owner}" if alert.owner else "nobody has it"
    n = counted(alert.n_threads, "thread", "threads")
    return Line(f"{alert.severity.upper()} · {alert.title} · {n} · {who} · alert {alert.shown_id}", alert.link)


def _over_line(alert: HeldAlert, timezone: str) -> Line:
    assert alert.resolved_at is not None
    return Line(f"{alert.title} · {local_time(alert.resolved_at, timezone)} · alert {alert.shown_id}", alert.link)


def _section(heading: str, lines: Sequence[Line], most: int) -> Section:
    """The first lines; how many more there are stands below them."""
    rest = len(lines) - most
    return Section(heading, tuple(lines) if rest <= 0 else (*lines[:most], Line(f"… and {rest:,} more")))


@dataclass(frozen=True, slots=True)
class Answers:
    """How long customers waited for the answers of a time, in business hours, shortest first."""

    times: tuple[timedelta, ...] = ()
    target: timedelta | None = None

    @property
    def n(self) -> int:
        return len(self.times)

    @property
    def share(self) -> float | None:
        """How many of them came within the target."""
        if not self.times or self.target is None:
            return None
        return sum(each <= self.target for each in self.times) / self.n

    def percentile(self, share: float) -> timedelta:
        return self.times[min(self.n - 1, int(share * self.n))]


def answers(waits: Iterable[timedelta], target: timedelta | None) -> Answers:
    return Answers(tuple(sorted(waits)), target)


def _answers_line(found: Answers, before: Answers | None = None) -> Line:
    if not found.n:
        return Line("nothing was answered")
    said = [
        f"{counted(found.n, 'answer', 'answers')}: half of them within {waiting(found.percentile(0.5))}",
        f"nine of ten within {waiting(found.percentile(0.9))}",
    ]
    if found.share is not None and found.target is not None:
        said.append(f"{found.share:.0%} within the {waiting(found.target)} promised")
    if before is not None and before.n:
        said.append(_before(before))
    return Line(" · ".join(said))


def _before(before: Answers) -> str:
    share = "" if before.share is None else f", {before.share:.0%} in time"
    return f"the week before: {before.n:,}, half within {waiting(before.percentile(0.5))}{share}"


@dataclass(frozen=True, slots=True)
class WaitingThread:
    """A thread that waits, without what was said in it."""

    shown_id: str
    platform: str
    severity: str
    awaiting_since: datetime
    n_comments: int
    assignee: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Morning:
    """The backlog of a brand, and what became of it since the last time."""

    since: datetime
    by_platform: Mapping[str, int]
    n_urgent: int  # of them high or crisis
    n_new: int  # of them that began to wait since then
    n_beyond: int  # of them that wait longer than was promised
    oldest: Sequence[WaitingThread]
    answers: Answers
    n_closed: int  # by people, without an answer


def morning(found: Morning, timezone: str, now: datetime, lateness: str = "") -> Told:
    """How the day begins: who waits, since when, and how the day before went."""
    n = sum(found.by_platform.values())
    backlog = [Line(f"{platform}: {each:,}") for platform, each in _most(found.by_platform)]
    changed = [
        f"{counted(found.n_new, 'thread has', 'threads have')} begun to wait",
        f"{counted(found.answers.n, 'answer', 'answers')} went out",
    ]
    if found.n_closed:
        changed.append(f"{found.n_closed:,} closed without one")
    sections = (
        _section("Waiting longest", [_waiting_line(each, now) for each in found.oldest], MOST_OLD),
        _section("By platform", backlog, MOST_RULES),
        Section(
            f"Since {local_time(found.since, timezone)}", (Line(" · ".join(changed)), _answers_line(found.answers))
        ),
    )
    promised = f", {found.n_beyond:,} longer than promised" if found.n_beyond else ""
    urgent = f", {found.n_urgent:,} of them urgent" if found.n_urgent else ""
    says = f"{lateness}{counted(n, 'thread waits', 'threads wait')} for an answer{urgent}{promised}"
    return Told("This morning", says, tuple(section for section in sections if section.lines))


def _waiting_line(thread: WaitingThread, now: datetime) -> Line:
    words = [waiting(now - thread.awaiting_since), thread.platform, counted(thread.n_comments, "comment", "comments")]
    words += [thread.severity] if thread.severity else []
    words += [f"with {thread.assignee}"] if thread.assignee else []
    return Line(" · ".join([*words, f"thread {thread.shown_id}"]), thread.link)


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


@dataclass(frozen=True, slots=True)
class Busy:
    """A thread or post with much said in it, by its title of ours or its id."""

    says: str
    n: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """A brand's week, beside the one before where there is anything to compare."""

    since: datetime
    answers: Answers
    answers_before: Answers
    flags: Mapping[str, int]  # by title of the rule
    flags_before: Mapping[str, int]
    agreed: Mapping[str, Counts]  # by title of the rule: what people said of the flags
    busiest: Sequence[Busy]
    n_comments: int
    n_told: int
    n_held: int
    n_waiting: int


def weekly(found: Week, timezone: str, lateness: str = "") -> Told:
    """How a week went."""
    flags = [_flags_line(title, n, found) for title, n in _most(found.flags)]
    busiest = [Line(f"{counted(each.n, 'comment', 'comments')} · {each.says}", each.link) for each in found.busiest]
    told = f"{counted(found.n_told, 'message', 'messages')} told at once · {found.n_held:,} held for digests"
    sections = (
        Section("Answers", (_answers_line(found.answers, found.answers_before),)),
        _section("Flags by rule", flags, MOST_RULES),
        _section("Busiest", busiest, MOST_BUSY),
        Section("Alerts", (Line(told),)),
    )
    n_flags = sum(found.flags.values())
    says = (
        f"{lateness}since {local_time(found.since, timezone)}: {counted(found.n_comments, 'comment', 'comments')}, "
        f"{counted(n_flags, 'flag', 'flags')}; {counted(found.n_waiting, 'thread waits', 'threads wait')} now"
    )
    return Told("The week", says, tuple(section for section in sections if section.lines))


def _flags_line(title: str, n: int, found: Week) -> Line:
    before, agreed = found.flags_before.get(title, 0), found.agreed.get(title)
    said = f"{title}: {n:,} ({before:,} the week before)"
    if agreed is not None and agreed.precision is not None:
        n_said = agreed.n_right + agreed.n_wrong
        said += f" · {agreed.precision:.0%} of {n_said:,} that people looked at were right"
    return Line(said)
