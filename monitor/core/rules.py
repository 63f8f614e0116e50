"""Rules: which threads people must look at, how urgently, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.core.facts import Facts as Facts
from monitor.model import Flag


@dataclass(frozen=True, slots=True)
class Verdict:
    """The flags that stand, and the first instant (aware UTC) at which the clock alone could change them."""

    flags: tuple[Flag, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The names that rules may refer to; None means that they are not checked."""

    playbooks: Collection[str] | None = None
    routes: Collection[str] | None = None
    brands: Collection[str] | None = None
    sources: Collection[str] | None = None
    platforms: Collection[str] | None = None


class RuleSet:
    """All enabled rules, compiled."""

    digest: str
    needs_first_timer: bool
    people_window: timedelta | None
    titles: Mapping[str, str]

    def evaluate(self, facts: Facts, now: datetime) -> Verdict:
        """What the rules say of this thread now."""
        raise NotImplementedError


def load_rules(
    tables: Sequence[tuple[str, Mapping[str, Any]]],
    known: Known = Known(),  # noqa: B008 - frozen
    lists: Mapping[str, Sequence[str]] | None = None,
) -> RuleSet:
    """Compile parsed rule files; a later file's rule replaces an earlier one of the same name.

    Raises: ConfigError with file, key, reason and the nearest valid name: refuse the configuration.
    """
    raise NotImplementedError
