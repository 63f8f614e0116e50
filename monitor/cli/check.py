"""heedful check: whether everything that is configured would work, without changing anything anywhere."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.phrasing import counted
from monitor.errors import Gone, HeedfulError, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable

if TYPE_CHECKING:
    from monitor.settings import Settings
    from monitor.web.ears.base import Ear

SIDE_BY_SIDE = 8
COLUMNS = (
    show.Column("WHAT"),
    show.Column("NAME"),
    show.Column("", flexible=False),
    show.Column("SAYS", flexible=True, least=40),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    what: str
    name: str
    is_well: bool
    says: str


@click.command()
@click.option("--offline", is_flag=True, help="Only the configuration: contact nobody.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def check(call: Call, /, offline: bool, as_json: bool) -> None:
    """Say whether the configuration, each source and each channel would work.

    Sources are read once and channels asked, nothing is stored and nothing is posted. Exit codes: 2 the configuration
    cannot be used, 3 something would not work.
    """
    settings = call.settings
    if not as_json:
        show.hint(f"{call.file}: {_summary(settings)}")
    found = [Checked("config", "", False, warning) for warning in settings.warnings]
    found += [Checked("config", "", False, says) for says in (*_gaps(settings), *_chat_gaps(settings))]
    if not offline:
        found += [*_contact(call, settings), *_push(call, settings)]
    found += _chat(settings)
    if as_json:
        for one in found:
            show.json_line(asdict(one))
    elif found:
        show.table(COLUMNS, [[one.what, one.name, "well" if one.is_well else "NOT WELL", one.says] for one in found])
    n_bad = sum(not one.is_well for one in found)
    if n_bad:
        show.hint(f"{counted(n_bad, 'thing needs', 'things need')} your attention.")
        raise SystemExit(ATTENTION)
    show.hint("Everything is well.")


def _summary(settings: "Settings") -> str:
    parts = ((settings.brands, "brand"), (settings.sources, "source"), (settings.channels, "channel"))
    return ", ".join(counted(len(there), name, f"{name}s") for there, name in parts)


def _gaps(settings: "Settings") -> Iterator[str]:
    """What is allowed and yet surely not meant."""
    if not settings.brands:
        yield "there is no brand to watch for: add [brands.<name>]"
    if not settings.sources:
        yield "there is nothing to watch: add [sources.<name>]; `heedful connectors` shows what can be read"
    if not settings.channels:
        yield "there is nobody to tell: add [channels.<name>]; `heedful connectors` shows the kinds"
    watched = {source.brand for source in settings.sources.values()}
    for brand in settings.brands:
        if settings.sources and brand not in watched:
            yield f"the brand {brand} has no source"
    for name, told in settings.accounts.items():
        if told.push_secret and not settings.web.port:
            yield f"the account {name} has a push_secret, and nothing listens: give [web] a port"
    used = {source.account for source in settings.sources.values()}
    for account in settings.accounts:
        if account not in used:
            yield f"the account {account} has no source"


def _push(call: Call, settings: "Settings") -> Iterator[Checked]:
    """The addresses that platforms must be told; a hub is told its own by the daemon."""
    base = settings.web.public_url.rstrip("/")
    for account, listener in call.app.plan.listeners.items():
        if not base:
            yield Checked("push", account, False, "[web] has no public_url: no platform can reach it")
        elif listener.push.challenge == "topic":
            yield Checked("push", account, True, "the daemon subscribes it by itself")
        else:
            yield Checked("push", account, True, f"its platform must be told {base}/push/{account}")


def _ears(settings: "Settings") -> "Iterator[tuple[str, Ear]]":
    """The channels in whose chats people may answer."""
    from monitor.web.ears import ear_of

    for name, channel in settings.channels.items():
        ear = ear_of(channel.kind, channel.settings)
        if ear is not None:
            yield name, ear


def _chat_gaps(settings: "Settings") -> Iterator[str]:
    handled = {kind for person in settings.people.values() for kind in person.handles}
    for name, ear in _ears(settings):
        if not settings.web.port:
            yield f"the channel {name} could be answered in its chat, and nothing listens: give [web] a port"
        if ear.kind not in handled:
            yield f"the channel {name} is listened to, and nobody may answer: give people their handles.{ear.kind}"
        buttons = getattr(settings.channels[name].settings, "callback_url", "")
        if buttons and not buttons.endswith(f"/chat/{name}"):
            yield f"channels.{name}.callback_url must end with /chat/{name}, or nobody hears the buttons"


def _chat(settings: "Settings") -> Iterator[Checked]:
    """What each chat must be told once, so that people are heard there."""
    base = settings.web.public_url.rstrip("/")
    for name, ear in _ears(settings) if settings.web.port else ():
        if not base:
            yield Checked("chat", name, False, "[web] has no public_url: the chat cannot reach it")
        else:
            yield Checked("chat", name, True, ear.address(f"{base}/chat/{name}"))


def _contact(call: Call, settings: "Settings") -> list[Checked]:
    asked = [("source", name) for name in settings.sources] + [("channel", name) for name in settings.channels]
    _ = call.app.plan  # built before threads share it
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        answers = pool.map(lambda one: look(call, *one), asked)
        return [*_database(call), *show.watched(answers, len(asked), "Asking")]


def look(call: Call, what: str, name: str) -> Checked:
    """Ask one source or channel of the configuration whether it would work; nothing is stored and nothing is posted."""
    return _ask(call.settings, what, name, lambda name: _ASK[what](call, name))


def _ask_source(call: Call, name: str) -> str:
    page = call.app.plan.reader(name).fetch_page(None, call.now)
    return f"{counted(len(page.raws), 'comment', 'comments')} on its first page{', and more' if page.more else ''}"


def _ask_channel(call: Call, name: str) -> str:
    from monitor import channels

    channel = call.settings.channels[name]
    channels.load(channel.kind)(channel.settings, call.app.http).check()
    return "would take a message"


_ASK: dict[str, Callable[[Call, str], str]] = {"source": _ask_source, "channel": _ask_channel}


def _ask(settings: "Settings", what: str, name: str, ask: Callable[[str], str]) -> Checked:
    try:
        return Checked(what, name, True, ask(name))
    except RateLimited as error:
        return Checked(what, name, True, f"works, but we asked too often just now: {error}")
    except RemoteError as error:
        kind = settings.sources[name].connector if what == "source" else settings.channels[name].kind
        return Checked(what, name, False, f"{error}. {_advice(error, kind)}")
    except HeedfulError as error:
        return Checked(what, name, False, str(error))
    except Exception as error:  # a connector of the user's own may raise anything
        return Checked(what, name, False, f"the connector failed: {type(error).__name__}: {error}")


def _advice(error: RemoteError, kind: str) -> str:
    manual = f"`heedful connectors {kind}` shows its settings"
    if isinstance(error, Unauthorized):
        return f"The credentials are refused: renew them; {manual} and docs tell where to get them."
    if isinstance(error, Gone):
        return f"It is not there (any more): compare the address; {manual}."
    if isinstance(error, Malformed):
        return f"That is not what {kind} answers with: compare the address; {manual}."
    if isinstance(error, Unavailable):
        return "It is down, or cannot be reached from this machine."
    return manual


def _database(call: Call) -> list[Checked]:
    """Whether the database answers; one that `run` will make is well."""
    from sqlalchemy.exc import SQLAlchemyError

    from monitor.errors import NotFound
    from monitor.files import shipped
    from monitor.store import migrate

    try:
        present, wanted = migrate.present(call.engine), migrate.newest(shipped("migrations"))
    except NotFound:
        return [Checked("database", "", True, "not there yet; `heedful run` makes it")]
    except SQLAlchemyError as error:
        return [Checked("database", "", False, str(getattr(error, "orig", error)).strip())]
    says = "up to date" if present == wanted else f"at {present}; `heedful run` upgrades it to {wanted}"
    return [Checked("database", call.engine.dialect.name, True, says)]
