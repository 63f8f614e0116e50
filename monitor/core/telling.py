"""Telling: which of a notice's recipients are told now, and which have it in their next digest, and why.

Nothing is dropped here: whoever is not told now is held until an instant at which one digest may tell everything.
Budgets are counted in hours of the clock and in days of a time zone. What passes is told whatever they say, and
counts; of a day's budget a fifth is kept for digests, so that somebody whose budget is spent still hears each hour.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.core.calendar import FOR_EVER, Calendar
from monitor.model import Notice, Recipient, Severity

HOUR = timedelta(hours=1)
KEPT_FOR_DIGESTS = 5  # one in so many of a day's messages
FOLDED = {  # notices that say nothing to somebody who has their alert in a digest to come
    "resolved": "over before they were told",
    "repeat": "reminders of what waited already",
}


@dataclass(frozen=True, slots=True)
class Cap:
    """How many messages there may be in each hour and in each day; 0 is as many as there are."""

    per_hour: int = 0
    per_day: int = 0


NO_CAP = Cap()


@dataclass(frozen=True, slots=True)
class Quiet:
    """When nobody wants to be told: inside the hours of some calendars, and outside of those of another."""

    inside: tuple[Calendar, ...] = ()
    outside: Calendar | None = None

    def ends(self, at: datetime) -> datetime:
        """The first instant from `at` on at which they may be told (UTC)."""
        while at < FOR_EVER:
            later = max(
                at, *(each.closes(at) for each in self.inside), *([self.outside.opens(at)] if self.outside else [])
            )
            if later <= at:
                break
            at = later
        return at


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told: by which channels, when, and how much at most.

    `calendar` has the hours in which they may be told. `handles` is what each kind of chat calls them ("slack"),
    for what they say there.
    """

    id: str
    name: str
    channels: tuple[str, ...]
    calendar: Calendar
    handles: Mapping[str, str] = field(default_factory=dict)
    cap: Cap = NO_CAP
    email: str = ""  # what calendars of who is on call name them by


@dataclass(frozen=True, slots=True)
class Limits:
    """What decides when whom may be told: people's and brands' hours, the caps of channels, and what passes both."""

    people: Mapping[str, Person]
    quiet: Mapping[str, Quiet]  # by brand, of its rooms
    days: Mapping[str, Calendar]  # by brand, in whose zone the days of rooms are counted
    caps: Mapping[str, Cap]  # by channel
    passes: Severity = Severity.CRISIS


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that was told through a channel, and to whom."""

    at: datetime
    person: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is held for one recipient: the alerts (as people type them), and when their digest is due."""

    alerts: AbstractSet[str]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """A recipient who has a notice in the digest that may be told at `until`."""

    recipient: Recipient
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is told of one notice now, and who later."""

    now: tuple[Recipient, ...]
    held: tuple[Hold, ...]


Ledger = Mapping[str, Sequence[Sent]]  # by channel: what was told in the last two days
WaitingFor = Mapping[tuple[str, Recipient], Waiting]  # by brand and recipient


def decide(
    telling: Sequence[tuple[Notice, Sequence[Recipient]]],
    limits: Limits,
    ledger: Ledger,
    waiting: WaitingFor,
    now: datetime,
) -> list[Verdict]:
    """For each notice, in order, whom of its recipients to tell now; each one told counts for the next."""
    counted = {channel: list(sent) for channel, sent in ledger.items()}
    return [_decide_one(notice, recipients, limits, counted, waiting, now) for notice, recipients in telling]


def _decide_one(
    notice: Notice,
    recipients: Sequence[Recipient],
    limits: Limits,
    counted: dict[str, list[Sent]],
    waiting: WaitingFor,
    now: datetime,
) -> Verdict:
    told: list[Recipient] = []
    held: list[Hold] = []
    for recipient in dict.fromkeys(recipients):
        account = _Account(recipient, notice.brand, limits, counted)
        hold = account.hold(notice, waiting.get((notice.brand, recipient)), now)
        if hold:
            held.append(hold)
        else:
            told.append(recipient)
            counted.setdefault(recipient.channel, []).append(Sent(now, recipient.person))
    return Verdict(tuple(told), tuple(held))


def digest_at(recipient: Recipient, brand: str, limits: Limits, ledger: Ledger, now: datetime) -> datetime:
    """The first instant from `now` on at which a digest may be told to this recipient."""
    return _Account(recipient, brand, limits, ledger).digest_at(now)


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of the clock, how many messages may fall into it, and how many of them are no digests."""

    starts_at: datetime
    ends_at: datetime
    n_most: int
    n_live: int
    sent: Sequence[Sent]
    says: str

    @property
    def n(self) -> int:
        return sum(self.starts_at <= each.at < self.ends_at for each in self.sent)


@dataclass(frozen=True, slots=True)
class _Account:
    """One recipient with what they have been told already."""

    recipient: Recipient
    brand: str
    limits: Limits
    ledger: Ledger

    def hold(self, notice: Notice, waiting: Waiting | None, now: datetime) -> Hold | None:
        """Why this recipient is not told now and until when; None where they are."""
        if notice.severity.rank <= self.limits.passes.rank:
            return None
        if notice.reason in FOLDED and waiting and notice.alert_id in waiting.alerts:
            return Hold(self.recipient, max(waiting.due_at, now), FOLDED[notice.reason])
        free_at = self._quiet_until(now)
        if free_at > now:
            return Hold(self.recipient, self.digest_at(free_at), self._says_quiet())
        for window in self._windows(now):
            # While a digest is due anyway it has the window's last message.
            if window.n >= window.n_live - (1 if waiting and window.n_live == window.n_most else 0):
                return Hold(self.recipient, self.digest_at(_hour_of(now)[1]), window.says)
        return None

    def digest_at(self, at: datetime) -> datetime:
        while at < FOR_EVER:
            later = max([self._quiet_until(at), *(w.ends_at for w in self._windows(at) if w.n >= w.n_most)])
            if later <= at:
                break
            at = later
        return at

    @property
    def _person(self) -> Person | None:
        return self.limits.people.get(self.recipient.person)

    def _quiet_until(self, at: datetime) -> datetime:
        if self.recipient.person:
            return self._person.calendar.opens(at) if self._person else at
        quiet = self.limits.quiet.get(self.brand)
        return quiet.ends(at) if quiet else at

    def _says_quiet(self) -> str:
        return f"outside the hours of {self._person.name}" if self._person else "quiet hours"

    def _windows(self, at: datetime) -> Iterator[_Window]:
        """The hour and the day of an instant, for the channel and for the person."""
        channel = self.recipient.channel
        days = self.limits.days.get(self.brand)
        yield from _windows(self.limits.caps.get(channel, NO_CAP), self.ledger.get(channel, ()), days, at)
        if self._person:
            theirs = [
                sent
                for channel in self._person.channels
                for sent in self.ledger.get(channel, ())
                if sent.person == self._person.id
            ]
            yield from _windows(self._person.cap, theirs, self._person.calendar, at)


def _windows(cap: Cap, sent: Sequence[Sent], days: Calendar | None, at: datetime) -> Iterator[_Window]:
    if cap.per_hour:
        says = f"more than {cap.per_hour} in an hour"
        yield _Window(*_hour_of(at), cap.per_hour, cap.per_hour, sent, says)
    if cap.per_day:
        n_live = cap.per_day - max(1, cap.per_day // KEPT_FOR_DIGESTS)
        yield _Window(*_day_of(at, days), cap.per_day, n_live, sent, f"near the {cap.per_day} of a day")


def _hour_of(at: datetime) -> tuple[datetime, datetime]:
    starts_at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return starts_at, starts_at + HOUR


def _day_of(at: datetime, days: Calendar | None) -> tuple[datetime, datetime]:
    if days is not None:
        return days.day_of(at)
    starts_at = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return starts_at, starts_at + timedelta(days=1)
