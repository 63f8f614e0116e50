"""What the flows work from: the configuration with its parts built. Replaced as a whole by a reload."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from monitor.core.alerts import Timings
from monitor.core.calendar import Calendar
from monitor.core.digests import Schedule
from monitor.core.matching import Phrase
from monitor.core.rota import Rota
from monitor.core.routing import Ladder, Route
from monitor.core.rules import RuleSet
from monitor.core.telling import Cap, Person, Quiet
from monitor.core.threads import FoldPolicy
from monitor.model import Budget, Comment, PlaybookBrief, Recipient, Severity, StorageRules, Team
from monitor.signals import Beside

if TYPE_CHECKING:
    from monitor.channels.base import Channel
    from monitor.flows.hints import Listener
    from monitor.flows.second_opinions import Adviser


class Reader(Protocol):
    """A connector as the flows see it (connectors.base.Connector)."""

    @property
    def abilities(self) -> Any: ...

    def fetch_page(self, cursor: Any, now: datetime) -> Any: ...

    def normalise(self, raw: Any) -> Comment | None: ...

    def recheck(self, known: Sequence[Any]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand as the decisions need it. `team` holds what the configuration says; sources add their accounts."""

    id: str
    name: str
    timezone: str
    calendar: Calendar
    team: Team
    forbidden: Mapping[str, Phrase] = field(default_factory=dict)  # as written: ready to be found in our posts
    opens_links: bool = True  # of our own posts
    quiet: Quiet | None = None  # when its rooms are not told
    answer_within: timedelta | None = None  # in its business hours
    stakeholders: tuple[Recipient, ...] = ()  # who must know of a crisis at once


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the configuration decides. `reader` builds the connector of a source."""

    brands: Mapping[str, Brand]
    intervals: Mapping[str, timedelta]  # by source id: how often it is polled
    reader: Callable[[str], Reader]
    known: Callable[[str, str | None, str | None], Any]  # builds connectors.base.Known
    channels: Mapping[str, "Channel"]
    routes: Sequence[Route]
    rules: RuleSet
    timings: Timings
    playbooks: Mapping[str, PlaybookBrief]
    fold: FoldPolicy
    lease: timedelta
    own_signals: Beside = field(default_factory=dict)  # the user's, measured beside ours
    listeners: Mapping[str, "Listener"] = field(default_factory=dict)  # by account, where its platform may tell us
    adviser: "Adviser | None" = None  # for second opinions
    budgets: Mapping[str, Budget] = field(default_factory=dict)  # by account, where one is known
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)  # who can be told by themselves
    caps: Mapping[str, Cap] = field(default_factory=dict)  # by channel: how many messages it may get
    passes: Severity = Severity.CRISIS  # what is at least so urgent keeps to no hours and no cap
    digests: Mapping[tuple[str, str], Schedule] = field(default_factory=dict)  # by brand and id: told by the calendar
    storage: Mapping[str, StorageRules] = field(default_factory=dict)  # by source, where its platform has any
