"""Routes, ladders and rotas: who is told of what, who after them, and who is on call."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from monitor.core.nearest import nearest
from monitor.core.rota import Cover, Rota
from monitor.core.routing import Ladder, Route, Step
from monitor.settings.hours import check_calendar
from monitor.settings.reading import Raw, Reading, SecretText, Table

Names = str | tuple[str, ...]
DEEPEST = 8  # routes within routes


class RouteTable(Table):
    """[[routes]], and [[routes.routes]] within"""

    channels: tuple[str, ...] = ()
    """The channels to tell: rooms where a team reads."""
    people: tuple[str, ...] = ()
    """The people to tell, on their own channels."""
    on_call: tuple[str, ...] = ()
    """The rotas whose people on call are told."""
    ladder: str = ""
    """Who is told as well while nobody takes it on: a [ladders.<name>] table."""
    name: str = ""
    """What rules call this route by."""
    brand: Names = ()
    """Only alerts of this brand, or of one of these."""
    platform: Names = ()
    """Only alerts about this platform, or about one of these."""
    severity: Literal["", "crisis", "high", "medium", "low"] = ""
    """Only alerts that are at least so urgent."""
    rule: Names = ()
    """Only alerts of this rule, or of one of these."""
    language: Names = ()
    """Only alerts about comments in this language ("de"), or in one of these."""
    continue_: bool = Field(default=False, alias="continue")
    """Whether the routes below are tried too."""


class StepTable(Table):
    """One step of a ladder."""

    after: timedelta
    """How long after people were first told, if nobody has taken it on."""
    channels: tuple[str, ...] = ()
    """The channels to tell then."""
    people: tuple[str, ...] = ()
    """The people to tell then."""
    on_call: tuple[str, ...] = ()
    """The rotas whose people on call are told then."""


class LadderTable(Table):
    """[ladders.<name>]"""

    steps: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    """Who is told as well, one after the other, until somebody takes it on."""


class CoverTable(Table):
    """One stand-in of a rota."""

    person: str
    """Who stands in for whoever would be on call."""
    from_: str | datetime = Field(alias="from")
    """From when on ("2026-12-24 09:00"), on the rota's clock."""
    until: str | datetime
    """Until when."""


class RotaTable(Table):
    """[rotas.<id>]"""

    people: tuple[str, ...] = ()
    """Who takes turns, in this order."""
    starts: str | datetime = "2026-01-05 09:00"
    """When the first of them began a turn, on the rota's clock: a Monday at nine, say."""
    turn: timedelta = timedelta(days=7)
    """How long a turn is."""
    timezone: str = "UTC"
    """IANA name, such as "Europe/Berlin": turns begin at the same time of its day in summer and in winter."""
    covers: tuple[dict[str, Any], ...] = ()
    """Who stands in, such as { person = "ben", from = "2026-12-24 09:00", until = "2026-12-27 09:00" }."""
    ical_url: SecretText = ""
    """A calendar that says who is on call instead, read once an hour: its entries name people by their e-mail address,
    as attendees, or in their title by name or id."""


@dataclass(frozen=True, slots=True)
class Routing:
    """What the three kinds of table say, and where the calendars of rotas are."""

    routes: tuple[Route, ...] = ()
    ladders: dict[str, Ladder] = field(default_factory=dict)
    rotas: dict[str, Rota] = field(default_factory=dict)
    calendars: dict[str, str] = field(default_factory=dict, repr=False)  # by rota: its address, a secret


@dataclass(frozen=True, slots=True)
class _Known:
    """What may be named."""

    channels: Collection[str]
    people: Collection[str]
    on_call: Collection[str]
    ladder: Collection[str]
    brand: Collection[str]


def read_routing(reading: Reading, raw: Raw, people: Collection[str]) -> Routing:
    """The routes, ladders and rotas of a configuration, with every name in them checked but those of rules."""
    rotas, ladders = reading.table(raw, "rotas"), reading.table(raw, "ladders")
    channels, brands = reading.table(raw, "channels"), reading.table(raw, "brands")
    known = _Known(channels, people, rotas, ladders, brands)
    calendars: dict[str, str] = {}
    read_rotas = {
        name: rota for name, table in rotas.items() if (rota := _read_rota(reading, name, table, known, calendars))
    }
    read_ladders = {
        name: ladder for name, table in ladders.items() if (ladder := _read_ladder(reading, name, table, known))
    }
    routes = _read_routes(reading, raw.get("routes", []), "routes", known)
    return Routing(routes, read_ladders, read_rotas, calendars)


def route_names(raw: Any) -> list[str]:
    """What rules may call a route by."""
    tables = [table for table in raw if isinstance(table, dict)] if isinstance(raw, list) else []
    inner = [name for table in tables for name in route_names(table.get("routes"))]
    return [name for table in tables if isinstance(name := table.get("name"), str) and name] + inner


def check_routes(
    reading: Reading, raw: Any, titles: Mapping[str, str], platforms: Collection[str], at: str = "routes"
) -> None:
    """Refuse the rules and platforms that routes name and that are not there; `platforms` is empty where unknown."""
    for place, table in enumerate(raw if isinstance(raw, list) else [], 1):
        if not isinstance(table, dict):
            continue  # refused already
        key = f"{at}.{place}"
        _check(reading, _listed(table.get("rule", ())), titles, f"{key}.rule", "rule")
        if platforms:
            _check(reading, _listed(table.get("platform", ())), platforms, f"{key}.platform", "platform")
        check_routes(reading, table.get("routes"), titles, platforms, f"{key}.routes")


def _read_routes(
    reading: Reading, tables: Any, key: str, known: _Known, has_targets: bool = False, depth: int = 1
) -> tuple[Route, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        reading.refuse(key, f"each route is a [[{_heading(key)}]] table, with two brackets")
        return ()
    if depth > DEEPEST:
        reading.refuse(key, f"routes lie within each other more than {DEEPEST} deep")
        return ()
    read = [
        _read_route(reading, table, f"{key}.{place}", known, has_targets, depth)
        for place, table in enumerate(tables, 1)
    ]
    return tuple(route for route in read if route)


def _heading(key: str) -> str:
    return ".".join(part for part in key.split(".") if not part.isdecimal())


def _read_route(reading: Reading, raw: Raw, key: str, known: _Known, has_targets: bool, depth: int) -> Route | None:
    own = {name: value for name, value in raw.items() if name != "routes"}
    table = reading.read(RouteTable, own, key)
    named = bool(table and (table.channels or table.people or table.on_call))
    inner = _read_routes(reading, raw.get("routes", []), f"{key}.routes", known, has_targets or named, depth + 1)
    if table is None:
        return None
    if not named and not has_targets:
        reading.refuse(f"{key}.channels", "this route names nobody to tell: give it channels, people or on_call")
    _check_targets(reading, table, key, known)
    _check(reading, [table.ladder] * bool(table.ladder), known.ladder, f"{key}.ladder", "ladder")
    _check(reading, _listed(table.brand), known.brand, f"{key}.brand", "brand")
    for code in _listed(table.language):
        if not re.fullmatch("[a-z]{2,3}", code):
            reading.refuse(f"{key}.language", f'"{code}" is no language; write its letters, such as "de"')
    return Route(
        channels=table.channels,
        people=table.people,
        on_call=table.on_call,
        ladder=table.ladder,
        brand=_listed(table.brand),
        platform=_listed(table.platform),
        severity=table.severity,
        rule=_listed(table.rule),
        language=_listed(table.language),
        name=table.name,
        continue_=table.continue_,
        routes=inner,
    )


def _listed(names: Any) -> tuple[str, ...]:
    """One name or several; what is neither is refused where it is read."""
    several = [names] if isinstance(names, str) else names if isinstance(names, list | tuple) else []
    return tuple(name for name in several if isinstance(name, str) and name)


def _check_targets(reading: Reading, table: RouteTable | StepTable, key: str, known: _Known) -> None:
    _check(reading, table.channels, known.channels, f"{key}.channels", "channel")
    _check(reading, table.people, known.people, f"{key}.people", "person")
    _check(reading, table.on_call, known.on_call, f"{key}.on_call", "rota")


def _check(reading: Reading, names: Sequence[str], known: Collection[str], key: str, what: str) -> None:
    for name in names:
        if name not in known:
            reading.refuse(key, f'there is no {what} "{name}"{nearest(name, known)}')


def _read_ladder(reading: Reading, name: str, raw: Any, known: _Known) -> Ladder | None:
    key = f"ladders.{name}"
    if not isinstance(raw, dict):
        reading.refuse(key, "must be a table")
        return None
    table = reading.read(LadderTable, raw, key)
    if table is None:
        return None
    steps: list[Step] = []
    for place, one in enumerate(table.steps, 1):
        step = _read_step(reading, one, f"{key}.steps.{place}", known)
        if step and steps and step.after <= steps[-1].after:
            reading.refuse(f"{key}.steps.{place}.after", "each step comes later than the one before it")
        if step:
            steps.append(step)
    return tuple(steps)


def _read_step(reading: Reading, raw: Raw, key: str, known: _Known) -> Step | None:
    table = reading.read(StepTable, raw, key)
    if table is None:
        return None
    _check_targets(reading, table, key, known)
    if not (table.channels or table.people or table.on_call):
        reading.refuse(key, "this step names nobody to tell: give it channels, people or on_call")
    return Step(table.after, table.channels, table.people, table.on_call)


def _read_rota(reading: Reading, name: str, raw: Any, known: _Known, calendars: dict[str, str]) -> Rota | None:
    key = f"rotas.{name}"
    if not isinstance(raw, dict):
        reading.refuse(key, "must be a table")
        return None
    table = reading.read(RotaTable, raw, key)
    n_errors = len(reading.errors)
    if table is None:
        return None
    check_calendar(reading, table.timezone, "", key)
    _check(reading, table.people, known.people, f"{key}.people", "person")
    if bool(table.people) == bool(table.ical_url):
        reading.refuse(key, "give it either people, who take turns, or ical_url, a calendar")
    if table.ical_url and not table.ical_url.startswith(("https://", "http://", "webcal://")):
        reading.refuse(f"{key}.ical_url", "must begin with https://")
    if table.turn < timedelta(minutes=1):
        reading.refuse(f"{key}.turn", "a turn is at least a minute long")
    starts = _wall(reading, table.starts, f"{key}.starts")
    if len(reading.errors) > n_errors or starts is None:
        return None
    zone = ZoneInfo(table.timezone)
    covers = [_read_cover(reading, one, f"{key}.covers.{n}", zone, known) for n, one in enumerate(table.covers, 1)]
    if table.ical_url:
        calendars[name] = table.ical_url.replace("webcal://", "https://", 1)
    stand_ins = tuple(cover for cover in covers if cover)
    return Rota(table.people, starts, table.turn, zone, stand_ins, bool(table.ical_url))


def _read_cover(reading: Reading, raw: Raw, key: str, zone: ZoneInfo, known: _Known) -> Cover | None:
    table = reading.read(CoverTable, raw, key)
    if table is None:
        return None
    _check(reading, [table.person], known.people, f"{key}.person", "person")
    begins, ends = _wall(reading, table.from_, f"{key}.from"), _wall(reading, table.until, f"{key}.until")
    if begins is None or ends is None:
        return None
    if ends <= begins:
        reading.refuse(f"{key}.until", "must be later than from")
    return Cover(table.person, *(each.replace(tzinfo=zone).astimezone(UTC) for each in (begins, ends)))


def _wall(reading: Reading, given: str | datetime, key: str) -> datetime | None:
    """A date and time on a clock whose zone is said elsewhere (naive)."""
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(given.strip())
    except ValueError:
        reading.refuse(key, f'"{given}" is no date and time; write one like "2026-01-05 09:00"')
        return None
    if found.tzinfo is not None:
        reading.refuse(key, "give it without a time zone: it is on the rota's clock")
        return None
    return found
