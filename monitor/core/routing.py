"""Routing: which channels a notice about an alert goes to."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import Alert


@dataclass(frozen=True, slots=True)
class Route:
    """Channels for the alerts that match; empty fields match anything, `severity` means at least so urgent."""

    channels: tuple[str, ...]
    brand: str = ""
    platform: str = ""
    severity: str = ""
    rule: str = ""
    name: str = ""
    continue_: bool = False


def route(
    routes: Sequence[Route], alert: Alert, dead: frozenset[str] = frozenset(), channels: Sequence[str] = ()
) -> tuple[str, ...]:
    """The channels to tell; `channels` are all that are configured, in their order (used where no route matches)."""
    raise NotImplementedError
