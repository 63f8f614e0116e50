"""The month, worked through: the real flows and channels, a real store, real HTTP to the chats, and a fake clock."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from monitor.app import App, read_settings
from monitor.channels.groupme import GroupMe
from monitor.core.self_watch import Limits
from monitor.flows import assess, digests, notify, prune
from monitor.flows.chat import Answerer, Call
from monitor.flows.deliver import Deliverer
from monitor.flows.memory import Memory
from monitor.flows.poll import Poller
from monitor.flows.self_watch import SelfWatch
from monitor.model import Severity, show_id
from monitor.store import alerts, due, outbox, sources
from monitor.store import comments as stored
from monitor.store.engine import reading, writing
from tests.simulate import platform
from tests.simulate.targets import Targets, listening
from tests.simulate.world import BEGINS, HOLIDAYS, PLACES, ZONE, Month, Writer

STEP = timedelta(seconds=30)
PEOPLE = {"anna": "U1", "ben": "U2", "chris": "U3", "dora": "U4"}
SLACK_DIES, SLACK_LIVES = timedelta(days=9), timedelta(days=11)
DRAIN = timedelta(days=2)  # after the last comment: what was put off is told
BRAND = "bakery"
QUIET_LOOKS = 400  # at the queues in one step; more would be a loop

_CONFIGURATION = """
[database]
url = "sqlite:///{directory}/month.db"
[daemon]
health_port = 0
[brands.bakery]
name = "Rosewood Bakery"
timezone = "America/New_York"
hours = {{ mon-sat = "08:00-19:00" }}
holidays = ["US"]
quiet = {{ mon-sun = "22:00-07:00" }}
stakeholders = ["dora"]
[channels.room]
kind = "slack"
url = "{url}/room"
[channels.owners]
kind = "groupme"
bot_id = "b0t"
base_url = "{url}"
[rotas.support]
people = ["anna", "ben"]
starts = "2030-10-28 09:00"
turn = "7d"
timezone = "America/New_York"
[ladders.climb]
steps = [{{ after = "20m", people = ["chris"] }}, {{ after = "1h", people = ["dora"], channels = ["owners"] }}]
[digests.morning]
kind = "morning"
at = "08:30"
channels = ["room"]
people = ["chris"]
[digests.week]
kind = "weekly"
channels = ["owners"]
[[routes]]
severity = "crisis"
channels = ["room", "owners"]
on_call = ["support"]
ladder = "climb"
[[routes]]
severity = "high"
channels = ["room"]
on_call = ["support"]
ladder = "climb"
[[routes]]
channels = ["room"]
"""


def configuration(directory: Path, url: str, name: str) -> str:
    """The configuration of a brand with two rooms, four people, a rota, a ladder, digests and quiet nights."""
    secret = "whsec_" + b64encode(bytes(range(24))).decode()
    people = [
        f'[channels.{who}]\nkind = "webhook"\nurl = "{url}/{who}"\nsecret = "{secret}"\nallow_private = true\n'
        f'[people.{who}]\nchannels = ["{who}"]\ntimezone = "America/New_York"\nhandles = {{ slack = "{handle}" }}\n'
        'hours = { mon-sun = "07:00-22:00" }\n'
        for who, handle in PEOPLE.items()
    ]
    places = [
        f'[sources.{place}]\nbrand = "bakery"\nconnector = "tests.simulate.platform:Busy"\nevery = "3m"\n'
        f'place = "{place}"\nmonth = "{name}"\n'
        for place in PLACES
    ]
    return _CONFIGURATION.format(directory=directory, url=url) + "\n".join((*people, *places))


@dataclass(slots=True)
class Clock:
    """The fake present."""

    now: datetime = BEGINS - timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class Crisis:
    """A crisis alert as it was first met: since when what it rests on was visible."""

    alert: str
    visible_at: datetime
    told_at: datetime | None = None


@dataclass(slots=True)
class Run:
    """One month on its way, and what was seen of it."""

    app: App
    clock: Clock
    targets: Targets
    month: Month
    ends: datetime
    drain: timedelta
    seed: int
    told: dict[tuple[str, int], set[str]] = field(default_factory=dict)  # fingerprints, by alert
    crises: dict[int, Crisis] = field(default_factory=dict)
    n_acts: int = 0
    memory: Memory = field(default_factory=Memory)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.poller = Poller(self.app.engine, lambda: self.app.plan, self.memory, self.clock, self._wake)
        self.deliverer = Deliverer(self.app.engine, lambda: self.app.plan, self.clock, self._wake)
        self.answerer = Answerer(self.app.engine, lambda: self.app.plan, self.clock, self._wake)

    poller: Poller = field(init=False)
    deliverer: Deliverer = field(init=False)
    answerer: Answerer = field(init=False)

    def work(self) -> None:
        """The whole month, and what is told after its end."""
        beat = 0
        while self.clock.now < self.ends + self.drain:
            self._step()
            if beat % 20 == 0:
                self._people()
                self._watch()
            if beat % 720 == 0:
                prune.prune(self.app.engine, self.app.plan, prune.Keep(), self.clock.now)
            self.clock.now += STEP
            beat += 1

    def _wake(self, _queue: str) -> None:
        """Every queue is looked at in every step anyway."""

    def _step(self) -> None:
        for _ in range(QUIET_LOOKS):
            if not (self._poll() + self._assess() + self._notify() + self._deliver()):
                return
        raise RuntimeError(f"the queues never rest at {self.clock.now}")

    def _poll(self) -> int:
        with reading(self.app.engine) as connection:
            if not due.is_any_due(connection, "sources", self.clock.now):
                return 0
        with writing(self.app.engine) as connection:
            claims = sources.claim(connection, self.clock.now, self.app.plan.lease, 10, {}, 5)
        for _account, claimed in claims:
            self.poller.poll(claimed)
        return len(claims)

    def _assess(self) -> int:
        n = assess.assess_due(self.app.engine, self.app.plan, self.clock, self._wake, self.memory.fresh)
        if n:
            self._meet_crises()
        return n

    def _notify(self) -> int:
        n = notify.notify_due(self.app.engine, self.app.plan, self.clock, self._wake)
        if n:
            self._note_told()
        return n + digests.tell_due(self.app.engine, self.app.plan, self.clock, self._wake)

    def _deliver(self) -> int:
        engine, now = self.app.engine, self.clock.now
        with reading(engine) as connection:
            if not due.is_any_due(connection, "deliveries", now):
                return 0
            waiting = outbox.waiting_channels(connection, now)
        with writing(engine) as connection:
            claims = outbox.claim(connection, waiting, now, self.app.plan.lease)
        for _channel, claimed in claims:
            self.deliverer.deliver(claimed)
        return len(claims)

    def _meet_crises(self) -> None:
        with reading(self.app.engine) as connection:
            for alert in alerts.load_crises(connection, BRAND):
                if alert.id in self.crises or alert.says:
                    continue
                flags = alerts.flags_of(connection, BRAND, [alert]).get(alert.id, [])
                evidence = stored.load_comments(connection, BRAND, {i for flag in flags for i in flag.evidence})
                visible = max((it.comment.created_at for it in evidence.values()), default=self.clock.now)
                self.crises[alert.id] = Crisis(show_id(alert.id), visible)

    def _note_told(self) -> None:
        with reading(self.app.engine) as connection:
            rows = connection.exec_driver_sql(
                "SELECT brand, id, told FROM alerts WHERE last_told_at = ?",
                (round(self.clock.now.timestamp() * 10**6),),
            )
            for brand, alert_id, told in rows:
                self.told.setdefault((brand, alert_id), set()).update(json.loads(told))

    def _people(self) -> None:
        """What people do about alerts: in the day soon, at night only about a crisis."""
        with reading(self.app.engine) as connection:
            standing = alerts.listing(connection, BRAND, ["open"], 200)
        there = self.clock.now.astimezone(ZONE)
        is_day = 8 <= there.hour < 19 and there.weekday() < 6 and there.date() not in HOLIDAYS
        for alert in standing:
            is_crisis = alert.severity is Severity.CRISIS
            if not alert.n_told or not (is_day or is_crisis):
                continue
            draw = self.random.random()
            limits = (
                (0.3 if is_crisis else 0.06, "ack"),
                (0.32, "snooze 2h"),
                (0.33, "assign to me"),
                (0.332, "wrong flag"),
            )
            said = next((text for limit, text in limits if draw < limit), None)
            if said is not None and (is_crisis or draw < 0.06 or draw > 0.3):
                self.n_acts += 1
                call = Call(
                    "slack", self.random.choice(list(PEOPLE.values())), str(self.n_acts), said, show_id(alert.id)
                )
                self.answerer.answer(call)

    def _watch(self) -> None:
        with reading(self.app.engine) as connection:
            lags = {queue: due.lag(connection, queue, self.clock.now) for queue in ("threads", "alerts", "deliveries")}
        SelfWatch(self.app.engine, BRAND, Limits(free_bytes=0), self.clock).look(lags)


@contextmanager
def begun(directory: Path, days: int, n_comments: int, seed: int, drain: timedelta = DRAIN) -> Iterator[Run]:
    """A month that is about to begin."""
    clock, name = Clock(), f"{days}-{n_comments}-{seed}"
    writer = Writer(days, n_comments, seed)
    month = writer.write()
    platform.show(name, month)
    with listening(Targets(clock, trouble)) as targets:
        file = directory / "heedful.toml"
        file.write_text(configuration(directory, targets.url, name), encoding="utf-8")
        app = App(read_settings(file), clock)
        groupme = app.settings.channels["owners"]
        patient = GroupMe(groupme.settings, app.http, pause=lambda _seconds: None)  # parts need no real second between
        app.plan = replace(app.plan, channels={**app.plan.channels, "owners": patient})
        app.upgrade()
        app.sync()
        try:
            yield Run(app, clock, targets, month, writer.ends, drain, seed)
        finally:
            app.close()


def trouble(channel: str, at: datetime) -> tuple[int, str] | None:
    """What a chat answers when it is not well: Slack's webhook is gone for two days, GroupMe is often too busy."""
    since = at - BEGINS
    if channel == "room" and SLACK_DIES <= since < SLACK_LIVES:
        return 404, "no_service"
    if channel == "owners" or channel == "groupme":
        is_busy = (at.minute // 10) % 2 == 0 and at.day % 3 == 0
        return (429, "") if is_busy else None
    return None
