"""A brand with one source and two channels, worked step by step: no threads, no clock but the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Engine

from connectors.base import Abilities, Known, Page, Rechecked
from monitor.channels.base import Message
from monitor.core.alerts import Timings
from monitor.core.calendar import Calendar
from monitor.core.playbooks import parse_playbook
from monitor.core.routing import Route
from monitor.core.rules import RuleSet, load_rules
from monitor.core.threads import FoldPolicy
from monitor.files import read_toml, shipped
from monitor.flows import assess, notify
from monitor.flows.deliver import Deliverer
from monitor.flows.memory import Memory
from monitor.flows.plan import Brand, Plan
from monitor.flows.poll import Poller
from monitor.model import Author, Comment, Notice, Team
from monitor.store import outbox, sources
from monitor.store.engine import reading, writing

START = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
SOURCE = "bakery-page"
ANGRY = "This is UNACCEPTABLE, worst bakery ever, you should be ashamed!!!"


@dataclass
class Platform:
    """A tiny platform: a growing list of raw comments, read from a position. `faults` are raised first, one a call."""

    raws: list[dict[str, Any]] = field(default_factory=list)
    page_size: int = 100
    faults: list[Exception] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    n_calls: int = 0

    abilities = Abilities(recheck_batch=50)

    def say(self, native_id: str, text: str, at: datetime, who: str = "kim", **fields: Any) -> None:
        self.raws.append({"id": native_id, "text": text, "at": at.isoformat(), "who": who} | fields)

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        self.n_calls += 1
        if self.faults:
            raise self.faults.pop(0)
        start = cursor or 0
        end = min(start + self.page_size, len(self.raws))
        own = frozenset({"bakery"})
        return Page(self.raws[start:end], end, more=end < len(self.raws), own_author_ids=own)

    def normalise(self, raw: Any) -> Comment:
        return Comment(
            native_id=raw["id"],
            kind=raw.get("kind", "comment"),
            text=str(raw["text"]),
            author=Author(raw["who"], raw["who"].title()),
            created_at=datetime.fromisoformat(raw["at"]),
            permalink=f"https://p.example/{raw['id']}",
            parent_native_id=raw.get("parent"),
            subject_native_id=raw.get("subject"),
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        present = {raw["id"]: raw for raw in self.raws if raw["id"] not in self.gone}
        names = [k.native_id for k in known]
        return Rechecked([present[n] for n in names if n in present], [n for n in names if n not in present])


@dataclass
class Recorder:
    """A channel that keeps what it was sent. `faults` are raised first, one a call; None lets one through."""

    sent: list[Notice] = field(default_factory=list)
    faults: list[Exception | None] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    kind = "recorder"
    Settings = object
    min_gap = timedelta(0)

    def render(self, notice: Notice, now: datetime) -> Message:
        return Message(({"notice": notice},))

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        self.sent.append(message.payloads[0]["notice"])
        self.ids.append(delivery_id)

    def check(self) -> None:
        """It always takes messages."""


def shipped_rules() -> RuleSet:
    return load_rules([("rules.toml", read_toml(shipped("config", "rules.toml")))])


@dataclass
class Bakery:
    """The daemon's flows around one engine, driven by hand."""

    engine: Engine
    platform: Platform = field(default_factory=Platform)
    slack: Recorder = field(default_factory=Recorder)
    groupme: Recorder = field(default_factory=Recorder)
    now: datetime = START
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        playbooks = {
            path.stem: parse_playbook(path.read_text(), path.name)
            for path in shipped("config", "playbooks").glob("*.md")
        }
        self.plan = Plan(
            brands={
                "bakery": Brand("bakery", "Rosewood Bakery", "Europe/London", Calendar("Europe/London", None), Team())
            },
            intervals={SOURCE: timedelta(minutes=1)},
            reader=lambda _source: self.platform,
            known=Known,
            channels={"slack": self.slack, "groupme": self.groupme},
            routes=(Route(("slack",)),),
            rules=shipped_rules(),
            timings=Timings(group_wait=timedelta(0)),
            playbooks=playbooks,
            fold=FoldPolicy(),
            lease=timedelta(minutes=2),
        )
        self.memory = Memory()
        with writing(self.engine) as connection:
            sources.sync(connection, [sources.Wanted(SOURCE, "bakery", "tiny", "account")], self.now)

    def change_plan(self, **changes: Any) -> None:
        self.plan = replace(self.plan, **changes)

    def clock(self) -> datetime:
        return self.now

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    @property
    def poller(self) -> Poller:
        return Poller(self.engine, lambda: self.plan, self.memory, self.clock, self.woken.append)

    def poll(self) -> int:
        """Work every source that is due, until none is; how many turns that took."""
        n_turns = 0
        while True:
            with writing(self.engine) as connection:
                claims = sources.claim(connection, self.now, self.plan.lease, 10, {}, 5)
            for _account, claimed in claims:
                self.poller.poll(claimed)
                n_turns += 1
            if not claims:
                return n_turns

    def assess(self) -> None:
        while assess.assess_due(self.engine, self.plan, self.clock, self.woken.append, self.memory.fresh):
            pass

    def notify(self) -> None:
        while notify.notify_due(self.engine, self.plan, self.clock, self.woken.append):
            pass

    def deliver(self) -> None:
        deliverer = Deliverer(self.engine, lambda: self.plan, self.clock, self.woken.append)
        while True:
            with reading(self.engine) as connection:
                waiting = outbox.waiting_channels(connection, self.now)
            with writing(self.engine) as connection:
                claims = outbox.claim(connection, waiting, self.now, self.plan.lease)
            for _channel, claimed in claims:
                deliverer.deliver(claimed)
            if not claims:
                return

    def work(self) -> None:
        """Everything that is due, once around."""
        self.poll()
        self.assess()
        self.notify()
        self.deliver()
        self.notify()
        self.deliver()

    def told(self) -> list[tuple[str, str]]:
        """What Slack has been told: (rule, reason)."""
        return [(notice.rule, notice.reason) for notice in self.slack.sent]
