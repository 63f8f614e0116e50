"""Business hours: how much opening time lies between two instants, and when a promised answer is due.

A year's opening hours are laid out once as stretches of UTC with their running total, so that any question costs
two binary searches however long the wait was, and the clock changes are settled where the stretches are made.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Windows = tuple[tuple[time, time], ...]
WHOLE_DAY: Windows = ((time(0), time(0)),)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)  # a platform's nonsense dates must not lay out thousands of years
FOR_EVER = datetime(2200, 1, 1, tzinfo=UTC)  # what `add` says for anything later
_NO_TIME = timedelta(0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Year:
    """The open stretches of one local year, in order, apart from each other; `before` is the total ahead of each."""

    starts: list[datetime]
    ends: list[datetime]
    before: list[timedelta]
    total: timedelta


class Calendar:
    """The business hours of one brand in its own time zone.

    `hours` maps weekdays (0 is Monday) to opening windows in local time; a window that ends at or before its
    start goes on into the next day, so (00:00, 00:00) is the whole day. None is round the clock. `holidays` is a
    comma-separated list of countries ("DE", "US-CA": ISO 3166) and of dates ("2026-12-24") on which it is closed, or
    open as `on_holidays` says.

    Raises: ValueError for a zone, region or set of hours that cannot be used; its text says why.
    """

    def __init__(
        self, timezone: str, hours: Mapping[int, Windows] | None, holidays: str = "", on_holidays: Windows = ()
    ) -> None:
        self.zone = _load_zone(timezone)
        self.hours = None if hours is None else {day: tuple(windows) for day, windows in hours.items()}
        self._countries, self._closed = _read_holidays(holidays)
        self._on_holidays = on_holidays
        self._always = hours is None and not holidays.strip(" ,")
        self._years: dict[int, _Year] = {}
        _check_hours(self.hours, on_holidays)

    def elapsed(self, since: datetime, until: datetime) -> timedelta:
        """The business time between two instants; zero where `until` is not after `since`."""
        if until <= since:
            return _NO_TIME
        if self._always:
            return until - since
        since, until = max(since, BEGINNING), max(min(until, FOR_EVER), BEGINNING)
        first, last = self._local_year(since), self._local_year(until)
        between = sum((self._year(year).total for year in range(first, last)), _NO_TIME)
        return between + self._passed(last, until) - self._passed(first, since)

    def add(self, since: datetime, duration: timedelta) -> datetime:
        """The first instant at which `duration` of business time has passed since `since` (UTC)."""
        since = since.astimezone(UTC)
        if duration <= _NO_TIME:
            return since
        if since >= FOR_EVER or duration >= FOR_EVER - since:
            return FOR_EVER
        return since + duration if self._always else self._walk(max(since, BEGINNING), duration)

    def opens(self, at: datetime) -> datetime:
        """The first instant from `at` on that lies in the hours (UTC)."""
        at = max(at.astimezone(UTC), BEGINNING)
        if self._always:
            return at
        for year in range(self._local_year(at), FOR_EVER.year):
            stretches = self._year(year)
            index = bisect_right(stretches.ends, at)
            if index < len(stretches.starts):
                return max(at, stretches.starts[index])
        return FOR_EVER

    def closes(self, at: datetime) -> datetime:
        """The first instant from `at` on that lies outside the hours (UTC); FOR_EVER where none does."""
        at = max(at.astimezone(UTC), BEGINNING)
        while not self._always and at < FOR_EVER:
            stretches = self._year(self._local_year(at))
            index = bisect_right(stretches.starts, at) - 1
            if index < 0 or stretches.ends[index] <= at:
                return at
            at = stretches.ends[index]
        return FOR_EVER

    def day_of(self, at: datetime) -> tuple[datetime, datetime]:
        """When the local day of an instant begins and ends (UTC)."""
        midnight = datetime.combine(at.astimezone(self.zone).date(), time(0))
        return self._instant(midnight), self._instant(midnight + _DAY)

    def _walk(self, since: datetime, duration: timedelta) -> datetime:
        first = self._local_year(since)
        wanted = self._passed(first, since) + duration
        for year in range(first, FOR_EVER.year):
            stretches = self._year(year)
            if wanted <= stretches.total:
                index = bisect_left(stretches.before, wanted) - 1
                return stretches.starts[index] + (wanted - stretches.before[index])
            wanted -= stretches.total
        return FOR_EVER

    def _local_year(self, instant: datetime) -> int:
        return instant.astimezone(self.zone).year

    def _passed(self, year: int, instant: datetime) -> timedelta:
        """The business time from the start of the local `year` to `instant`."""
        stretches = self._year(year)
        index = bisect_right(stretches.starts, instant) - 1
        if index < 0:
            return _NO_TIME
        return stretches.before[index] + min(instant, stretches.ends[index]) - stretches.starts[index]

    def _year(self, year: int) -> _Year:
        if year not in self._years:
            self._years[year] = self._lay_out(year)
        return self._years[year]

    def _lay_out(self, year: int) -> _Year:
        starts: list[datetime] = []
        ends: list[datetime] = []
        for start, end in sorted(self._stretches(year)):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            elif start < end:
                starts.append(start)
                ends.append(end)
        before: list[timedelta] = []
        total = _NO_TIME
        for start, end in zip(starts, ends, strict=True):
            before.append(total)
            total += end - start
        return _Year(starts, ends, before, total)

    def _stretches(self, year: int) -> Iterator[tuple[datetime, datetime]]:
        """Each window of the year as UTC, cut at the year's ends (the day before may reach into it)."""
        first = self._instant(datetime(year, 1, 1))  # noqa: DTZ001  local wall clock, placed by _instant
        last = self._instant(datetime(year + 1, 1, 1))  # noqa: DTZ001
        closed = self._holidays_of(year)
        for ordinal in range(date(year, 1, 1).toordinal() - 1, date(year + 1, 1, 1).toordinal()):
            day = date.fromordinal(ordinal)
            for opens, closes in self._on_holidays if day in closed else self._windows_of(day):
                start = datetime.combine(day, opens)
                end = datetime.combine(day if closes > opens else day + _DAY, closes)
                yield max(self._instant(start), first), min(self._instant(end), last)

    def _windows_of(self, day: date) -> Windows:
        return WHOLE_DAY if self.hours is None else self.hours.get(day.weekday(), ())

    def _instant(self, wall: datetime) -> datetime:
        """The first instant at which the local clock shows `wall` or, where it skips it, something later."""
        instant = wall.replace(tzinfo=self.zone).astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None) == wall:
            return instant
        early, late = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC), instant
        while late - early > timedelta(seconds=1):  # clocks change on whole seconds
            middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
            early, late = (
                (early, middle) if middle.astimezone(self.zone).replace(tzinfo=None) >= wall else (middle, late)
            )
        return late

    def _holidays_of(self, year: int) -> frozenset[date]:
        """The closed days of the year and of the last day of the year before."""
        if not self._countries:
            return self._closed
        from holidays import country_holidays  # half a second to import: only brands that name a country pay it

        days = set(self._closed)
        for country, region in self._countries:
            days.update(country_holidays(country, subdiv=region or None, years=(year - 1, year)))
        return frozenset(days)


def _load_zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{timezone!r} is no time zone (such as Europe/Berlin)") from error


def _check_hours(hours: Mapping[int, Windows] | None, on_holidays: Windows) -> None:
    if hours is None:
        return
    if not all(day in range(7) for day in hours):
        raise ValueError("weekdays are 0 (Monday) to 6 (Sunday)")
    if not any(hours.values()) and not on_holidays:
        raise ValueError("there is no opening time in the whole week; leave the hours out to be open round the clock")


def _read_holidays(holidays: str) -> tuple[list[tuple[str, str]], frozenset[date]]:
    """The (country, region) pairs and the single dates of a list such as "DE-BY, 2026-12-24"."""
    countries: list[tuple[str, str]] = []
    closed: set[date] = set()
    for entry in filter(None, (part.strip() for part in holidays.split(","))):
        try:
            closed.add(date.fromisoformat(entry))
        except ValueError:
            country, _, region = entry.partition("-")
            _check_region(entry, country.upper(), region.upper())
            countries.append((country.upper(), region.upper()))
    return countries, frozenset(closed)


def _check_region(entry: str, country: str, region: str) -> None:
    from holidays import list_supported_countries

    regions = list_supported_countries().get(country)
    if regions is None:
        raise ValueError(f"{entry!r}: no holidays are known for the country {country!r}")
    if region and region not in regions:
        raise ValueError(f"{entry!r}: {country} has no region {region!r}; known are {', '.join(regions)}")
