"""Routing: which channels a notice about an alert goes to."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import Alert, Severity


@dataclass(frozen=True, slots=True)
class Route:
    """Channels for the alerts that match; empty fields match anything, `severity` means at least so urgent.

    `name` is what a rule's own `route` refers to. `continue_` goes on to the next matching route as well.
    """

    channels: tuple[str, ...]
    brand: str = ""
    platform: str = ""
    severity: str = ""
    rule: str = ""
    name: str = ""
    continue_: bool = False

    def matches(self, alert: Alert) -> bool:
        return (
            self.brand in ("", alert.brand)
            and self.platform in ("", alert.platform)
            and self.rule in ("", alert.rule)
            and (not self.severity or alert.severity.rank <= Severity(self.severity).rank)
        )


def route(
    routes: Sequence[Route], alert: Alert, dead: frozenset[str] = frozenset(), channels: Sequence[str] = ()
) -> tuple[str, ...]:
    """The channels to tell, each once, in the order of the routes.

    `channels` are all that are configured, in their order: they are told where no route matches, and stand in for
    dead ones. Where every channel is dead the dead ones are named, so that the notice waits for them.
    """
    everywhere = tuple(dict.fromkeys((*channels, *(name for each in routes for name in each.channels))))
    chosen: dict[str, None] = {}
    for names in _matching(routes, alert) or [everywhere]:
        chosen |= dict.fromkeys(_living(names, everywhere, dead))
    return tuple(chosen)


def _matching(routes: Sequence[Route], alert: Alert) -> list[tuple[str, ...]]:
    """The channels of the first matching route, and of the next ones while they say so."""
    named = [each for each in routes if alert.route and each.name == alert.route]
    found = []
    for each in named or [each for each in routes if each.matches(alert)]:
        found.append(each.channels)
        if not each.continue_:
            break
    return found


def _living(names: tuple[str, ...], everywhere: tuple[str, ...], dead: frozenset[str]) -> tuple[str, ...]:
    """The living channels of one route; else another living one; else, of no avail now, its own."""
    living = tuple(name for name in names if name not in dead)
    if living or not names:
        return living
    return next(((name,) for name in everywhere if name not in dead), names)
