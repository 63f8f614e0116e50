"""The tables of the configuration that are the same for everyone; each field's docstring is its manual."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from monitor.settings.reading import SecretText, Table

Share = Annotated[float, Field(ge=0, le=1)]
ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,79}"


class DatabaseSettings(Table):
    """[database]"""

    url: SecretText = ""
    """SQLite ("sqlite:///heedful.db", beside this file) or Postgres ("postgresql://user@host/heedful"). A url with a
    password belongs in url_env or url_file. Not given: heedful.db in the user's data directory."""


class DaemonSettings(Table):
    """[daemon]"""

    tick: timedelta = timedelta(seconds=1)
    """How often the queues are looked at when nothing has woken them."""
    lease: timedelta = timedelta(minutes=2)
    """How long one piece of work may take before another daemon may take it over."""
    poll_threads: Annotated[int, Field(ge=1, le=256)] = 16
    """How many sources are read side by side."""
    deliver_threads: Annotated[int, Field(ge=1, le=64)] = 4
    """How many chat messages are sent side by side."""
    per_account: Annotated[int, Field(ge=1)] = 2
    """How many sources of one account are read side by side."""
    health_host: str = "127.0.0.1"
    """Where /healthz, /readyz and /metrics are served."""
    health_port: Annotated[int, Field(ge=0, le=65_535)] = 8383
    """0 switches the three off."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """auto: for people on a terminal, JSON Lines otherwise."""


class WebSettings(Table):
    """[web]"""

    host: str = "127.0.0.1"
    """Where platforms and chats are listened to: behind a reverse proxy, which speaks HTTPS (docs/push.md)."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """0: nothing is listened to, and everything is found by polls alone."""
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#@]+(/[^\s?#@]*)?)?$")] = ""
    """What platforms are told to call: the address of the reverse proxy, such as "https://heedful.shop.example"."""


class WatchSettings(Table):
    """[watch]"""

    lag: timedelta = timedelta(minutes=10)
    """From when on it is told that heedful itself is behind with its work."""
    unreadable_per_hour: Annotated[int, Field(ge=1)] = 20
    """From how many answers of one source in an hour that could not be read it is told."""
    free_mib: Annotated[int, Field(ge=0)] = 500
    """Below how much room on the disk of the SQLite file it is told."""
    brand: str = ""
    """Whose routes such alerts take; the first brand where it is not given."""
    heartbeat_url: SecretText = ""
    """An address that is called every so often while all is well (Healthchecks, Uptime Kuma or the like), so that
    somebody hears of it when heedful itself falls silent."""
    heartbeat_every: Annotated[timedelta, Field(ge=timedelta(seconds=1))] = timedelta(minutes=1)
    """How often."""


class ThreadsTable(Table):
    """[threads]"""

    closing_threshold: Share = 0.5
    """From which value of the signal `closing` a customer's last word (thanks, goodbye) needs no answer."""
    needs_reply_threshold: Share = 0.5
    """From which value of the signal `needs_reply` what one customer tells another is for us after all."""
    tagging_threshold: Share = 0.5
    """From which value of the signal `tagging_only` a comment only calls a friend."""
    hand_off_wait: timedelta = timedelta(hours=24)
    """How long "we sent you a message" counts as an answer before the thread waits again."""
    likes_answer: bool = False
    """Whether a like by the brand counts as an answer, where the platform tells."""


class SecondOpinionSettings(Table):
    """[second_opinion]"""

    base_url: str
    """Where a chat endpoint of OpenAI's form is, such as "http://127.0.0.1:11434/v1" (Ollama)."""
    model: Annotated[str, Field(min_length=1, max_length=100)]
    """The model that is asked."""
    api_key: SecretText = ""
    """Its key, if it wants one."""
    signals: Annotated[tuple[str, ...], Field(min_length=1)] = ("angry", "mistake", "needs_reply")
    """The signals on which a second opinion is worth asking for."""
    band: Annotated[float, Field(ge=0, le=0.5)] = 0.15
    """Only comments whose value lies so near a threshold of a rule are asked about."""
    weight: Share = 0.5
    """How much its opinion counts: 0 not at all, 0.5 as much as ours."""
    budget_per_day: Annotated[int, Field(ge=1)] = 200
    """How many requests may be made in a day (UTC), by all hosts together."""
    timeout: timedelta = timedelta(seconds=20)
    """How long one answer may take."""
    include_private: bool = False
    """Whether it may see private messages."""


class SignalTable(Table):
    """What every [signals.<name>] table has; its other keys go to the class."""

    use: str
    """The class that measures it: "package.module:Class" of your own."""


class AlertsTable(Table):
    """[alerts]"""

    group_wait: timedelta = timedelta(seconds=30)
    """How long a new alert gathers flags before people are told of it."""
    group_interval: timedelta | Annotated[tuple[timedelta, ...], Field(min_length=4, max_length=4)] = (
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=2),
    )
    """How soon people are told that more has joined an alert: of a crisis, of what is high, medium and low; or one
    duration for all. It doubles with each notice of the same alert, up to eightfold."""
    repeat: timedelta | tuple[timedelta, ...] = (timedelta(hours=4), timedelta(days=1), timedelta(days=7))
    """After how long people are told again of an alert that is open: the first time, the second, and so on; the last
    goes on. Whoever has taken it on is reminded once a day at most. "0s": never."""
    reopen_within: timedelta = timedelta(days=7)
    """What comes up again so soon after its all-clear (the same thread, post or person) is the same alert again."""
    passes: Literal["crisis", "high", "medium", "low"] = "crisis"
    """What is at least so urgent is told at once: it waits for nobody's hours and budgets."""

    @property
    def intervals(self) -> tuple[timedelta, ...]:
        return self.group_interval if isinstance(self.group_interval, tuple) else (self.group_interval,)

    @property
    def reminders(self) -> tuple[timedelta, ...]:
        given = self.repeat if isinstance(self.repeat, tuple) else (self.repeat,)
        return tuple(each for each in given if each > timedelta(0))


class SourceTable(Table):
    """What every [sources.<id>] table has beside its connector's own keys."""

    brand: str
    """The brand that this source is watched for."""
    connector: str = ""
    """What reads it: a connector's name, or "package.module:Class" of your own. Not needed beside an account."""
    account: str = ""
    """An [accounts.<id>] table whose settings and quota this source shares."""
    every: timedelta = timedelta(minutes=5)
    """How often it is read."""


class AccountTable(Table):
    """What every [accounts.<id>] table has beside its connector's own keys."""

    connector: str
    """What reads the sources of this account."""
    client_id: str = ""
    """The application registered at the platform, for `heedful auth`; its page in docs/connectors says where."""
    client_secret: SecretText = ""
    """That application's secret, by client_secret_env or client_secret_file."""
    budget: Annotated[float, Field(gt=0)] | None = None
    """What it may spend in its platform's window, in the platform's unit, if not what the connector says."""
    push_secret: SecretText = ""
    """What its platform signs with when it tells us something (docs/push.md): the secret of the app for Meta, the
    consumer secret for X, one of your own for YouTube. While it is being replaced both, with a space between."""
    verify_token: SecretText = ""
    """What Meta must know to have our address confirmed: a text of your own, entered there as well."""


class CredentialsTable(Table):
    """[credentials]"""

    key_env: str = ""
    """The environment variable with the key that tokens are sealed with in the database."""
    key_file: str = ""
    """The file with that key; `heedful auth` makes it if it is missing. Back it up, but not beside the database."""


class ChannelTable(Table):
    """What every [channels.<id>] table has beside its kind's own keys."""

    kind: str
    """What kind of chat target this is."""
    budget_per_hour: Annotated[int, Field(ge=0)] = 60
    """How many messages it gets in an hour at most; the rest is told in one digest. 0: no limit."""
    budget_per_day: Annotated[int, Field(ge=0)] = 400
    """How many messages it gets in a day (of the brand's time zone) at most. 0: no limit."""
