"""Reaching: through what people can be told now, and what routes ask about an alert beyond its own row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from monitor.core.rota import on_call_by_calendar
from monitor.core.routing import Reach, Route
from monitor.flows.plan import Plan
from monitor.model import Flag
from monitor.store import comments, outbox, rotas


def reach(connection: Connection, plan: Plan, now: datetime) -> Reach:
    """The channels, people and rotas of a plan as they are at this instant."""
    has_calendars = any(rota.is_calendar for rota in plan.rotas.values())
    calendars = rotas.load(connection) if has_calendars else {}
    return reach_with(plan, calendars, frozenset(outbox.held_channels(connection)), now)


def reach_with(plan: Plan, calendars: Mapping[str, str], dead: frozenset[str], now: datetime) -> Reach:
    return Reach(tuple(plan.channels), plan.people, lambda name: on_call(plan, calendars, name, now), dead)


def on_call(plan: Plan, calendars: Mapping[str, str], name: str, now: datetime) -> Sequence[str]:
    """Who a rota names now; nobody where its calendar was never fetched or cannot be read."""
    rota = plan.rotas.get(name)
    if rota is None:
        return ()
    named = rota.on_call(now)
    if named or not rota.is_calendar:
        return named
    try:
        return on_call_by_calendar(calendars.get(name, ""), now, plan.people)
    except ValueError:  # said where it was fetched
        return ()


def ask_for_languages(routes: Sequence[Route]) -> bool:
    return any(each.language or ask_for_languages(each.routes) for each in routes)


def languages(connection: Connection, brand: str, flags: Iterable[Flag]) -> frozenset[str]:
    """The languages of the comments that flags rest on, as far as they could be told."""
    wanted = {comment_id for flag in flags for comment_id in flag.evidence}
    held = comments.load_comments(connection, brand, wanted)
    return frozenset(str(said) for each in held.values() if (said := each.signals.get("language")))
