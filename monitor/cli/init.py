"""heedful init: a first configuration, in a conversation."""

import re
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.cli.endings import UNUSABLE, Failure
from monitor.cli.init_asking import ask, ask_yes, heading, say, sentence
from monitor.cli.init_zone import system_zone
from monitor.core.phrasing import counted

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.cli.init_places import Guide
    from monitor.cli.init_staging import Staging
    from monitor.cli.init_toml import Draft

ALWAYS = "always"
OFFICE = "mon-fri 09:00-17:00"
READING_S = 60.0  # of the first read; what is left is for `heedful run`
SHOWN = 25
_DAYS = re.compile(r"\s*([a-z][a-z,\s-]*[a-z]|[a-z]+)\s+([\d:–,\s-]+?)\s*(?=[a-z;]|$);?", re.IGNORECASE)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@pass_call
def init(call: Call, /, file: Path | None) -> None:
    """Write a first configuration: asks what it needs to know, tries each answer, and shows who waits.

    Without FILE it is the one of --config or HEEDFUL_CONFIG, or heedful.toml in this directory. Nothing is written
    before the end; Ctrl-C leaves everything as it was.
    """
    from monitor import log
    from monitor.cli.init_staging import staging

    target = file or call.named or Path("heedful.toml")
    log.start(level="critical")  # what goes wrong is told in words
    try:
        replaces = _may_write(target)
        with staging(target) as place:
            draft = _converse(place)
            kept = place.place(draft, replaces)
    except (KeyboardInterrupt, click.Abort):
        click.echo()
        raise Failure("stopped; nothing was written.") from None
    heading(f"{target} is written.")
    if kept:
        say(f"The one from before is {kept}.")
    _show_backlog(Call(str(target)))
    _farewell(target)


def _may_write(target: Path) -> bool:
    """Whether the file replaces one that is there, which only a person can decide.

    Raises: Failure, where it must not.
    """
    if not target.exists():
        return False
    say(f"There is a configuration already: {target}.")
    if not ask_yes("Replace it? The old one is kept under another name.", False):
        raise Failure(f"{target} stays as it is; `heedful init OTHER.toml` writes another one.", UNUSABLE)
    return True


def _converse(place: "Staging") -> "Draft":
    from monitor.app import parts
    from monitor.cli.init_places import Guide
    from monitor.cli.init_toml import Draft

    heading("heedful: a first configuration")
    say(
        "A few questions: about your business, about the platforms where people write to you, and about where your "
        "team wants to be told. [What stands in brackets] is taken when you press Enter. Nothing is written before the "
        "end; Ctrl-C stops, and leaves everything as it was."
    )
    draft = Draft(place.database)
    _ask_brand(draft)
    guide = Guide(place, draft, parts())
    _ask_platforms(guide, draft)
    _ask_chats(guide, draft)
    heading("That is all")
    for kind, table in (("It reads", draft.sources), ("It tells", draft.channels)):
        say(f"{kind}: {', '.join(table) or 'nothing yet'}.")
    if not ask_yes(f"Write {place.target}?", True):
        raise click.Abort
    return draft


def _ask_brand(draft: "Draft") -> None:
    from monitor.cli.init_toml import Part, slug
    from monitor.settings.brands import BrandTable

    heading("Your business")
    name = ask("What is it called?", _needed)
    click.echo()
    say("In which time zone do you work? A name such as Europe/Berlin or America/New_York.")
    zone = ask("Time zone", lambda typed: _fit("timezone", typed), system_zone())
    click.echo()
    say(
        f'When does somebody answer? Waiting is counted in these hours. For example "{OFFICE}", or '
        f'"mon-fri 09:00-12:00, 13:00-17:30; sat 09:00-12:00"; "{ALWAYS}" for round the clock.'
    )
    hours = ask("Hours", _read_hours, OFFICE)
    click.echo()
    say(
        "Who answers for you, beside the accounts themselves? Handles such as @cornershop, or name:Jane of Support, "
        "with commas between. Their answers count as yours."
    )
    team = ask("Your people (Enter for nobody else)", _read_team)
    values: dict[str, Any] = {"name": name, "timezone": zone}
    values |= ({"hours": hours} if hours else {}) | ({"team": team} if team else {})
    says = {key: info.description or "" for key, info in BrandTable.model_fields.items()}
    others: dict[str, Any] = {"holidays": "GB"} | ({} if hours else {"hours": {"mon-fri": "09:00-17:00"}})
    draft.brand_id, draft.brand = slug(name), Part(values, says, others | ({} if team else {"team": ["@handle"]}))


def _needed(typed: str) -> str:
    if not typed:
        raise ValueError("Please type a name; it stands in the messages that your team gets.")
    return typed


def _fit(key: str, value: Any) -> Any:
    """The value, if it can stand under this key of a brand.

    Raises: ValueError, in words for whoever typed it.
    """
    from monitor.settings.brands import read_brand
    from monitor.settings.reading import Reading

    reading = Reading("", Path(), {})
    read_brand(reading, "x", {key: value})
    if reading.errors:
        raise ValueError(sentence(f"That does not work: {reading.errors[0].reason}"))
    return value


def _read_hours(typed: str) -> dict[str, str]:
    """Hours as the configuration has them; none for round the clock.

    Raises: ValueError.
    """
    if typed.casefold() == ALWAYS:
        return {}
    hours: dict[str, str] = {}
    typed, at = re.sub(r"\s+(to|until|till)\s+", "-", typed, flags=re.IGNORECASE), 0
    while at < len(typed):
        if not (found := _DAYS.match(typed, at)):
            raise ValueError(f'Please write days and times, such as "{OFFICE}", or "{ALWAYS}".')
        days = re.sub(r"\s*([,-])\s*", r"\1", found[1].strip(" ,").casefold())
        if " " in days:
            raise ValueError(f'"{days}" is not clear; write days such as "mon-fri" or "mon,wed".')
        hours[days] = found[2].strip(" ,")
        at = found.end()
    found_hours: dict[str, str] = _fit("hours", hours)
    return found_hours


def _read_team(typed: str) -> list[str]:
    names = [part.strip() for part in typed.split(",") if part.strip()]
    found: list[str] = _fit("team", names)
    return found


def _ask_platforms(guide: "Guide", draft: "Draft") -> None:
    while True:
        heading("Where people write to you")
        for name in guide.choose("sources", "Which of these? Numbers or names, with commas between", ""):
            guide.set_up("sources", name)
        if draft.sources or not ask_yes("There is nothing to watch yet. Choose again?", True):
            return


def _ask_chats(guide: "Guide", draft: "Draft") -> None:
    while True:
        heading("Where your team is told")
        for name in guide.choose("channels", "Which of these? Enter for the terminal alone", "console"):
            guide.set_up("channels", name)
        if draft.channels or not ask_yes("There is nobody to tell yet. Choose again?", True):
            return


def _show_backlog(call: Call) -> None:
    """Read the sources a first time, and show who waits; the configuration is in place whatever becomes of it."""
    from monitor.cli.backlog import print_table
    from monitor.errors import HeedfulError
    from monitor.store import backlog
    from monitor.store import sources as store

    try:
        call.app.upgrade()
        if not call.settings.sources:
            return
        heading("Reading for the first time")
        _read(call.app)
        filters = backlog.Filters(brands=list(call.settings.brands))
        with call.reading() as connection:
            lines = backlog.page(connection, filters, call.now, SHOWN)
            failing = [one for one in store.report(connection) if one.last_error]
        print_table(call, lines)
        for one in failing:
            say(f"{one.id} could not be read: {one.last_error}")
    except (KeyboardInterrupt, click.Abort):
        click.echo()
        say("Stopped reading; the configuration is complete, and `heedful run` goes on.")
    except HeedfulError as error:
        say(f"The first read did not work: {error}")
    finally:
        call.close()


def _read(app: "App") -> None:
    from monitor.cli.sources import pages
    from monitor.flows.assess import assess_due

    app.sync()
    ends, n = monotonic() + READING_S, 0
    for _ in pages(app):
        n += 1
        if monotonic() > ends:
            say("There is more to read; `heedful run` goes on with it.")
            break
    while assess_due(app.engine, app.plan, app.now, lambda _queue: None):
        pass
    show.hint(f"{counted(n, 'page', 'pages')} read.")


def _farewell(target: Path) -> None:
    import os

    from monitor.files import usual_places

    is_found = target.absolute() in [place.absolute() for place in usual_places(os.environ, Path())]
    option = "" if is_found else f" --config {target}"
    click.echo()
    say("What was there before alerts nobody. From now on:")
    click.echo(f"  heedful{option} run      watches, until Ctrl-C")
    click.echo(f"  heedful{option} check    says whether everything would still work")
    click.echo(f"  heedful{option} backlog  shows who waits for an answer")
