"""heedful thread: one conversation, and what people do about it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from monitor.cli import show
from monitor.cli.call import DURATION, Call, pass_call
from monitor.cli.conversation import draw
from monitor.cli.family import Family
from monitor.core.phrasing import local_time, waiting
from monitor.model import Flag, show_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.store.overview import ThreadOverview

THREADS = click.argument("threads", nargs=-1, required=True, metavar="THREAD...")


@click.group(cls=Family)
def thread() -> None:
    """Show a conversation; close, reopen, snooze, assign it, write a note, or correct its flags.

    A thread is named by the beginning of its id, four characters or more, as `heedful backlog` shows it.
    """


@thread.command("show")
@click.argument("thread", metavar="THREAD")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_call
def show_thread(call: Call, /, thread: str, as_json: bool) -> None:
    """Show a conversation, why it was flagged, and what was done about it."""
    from monitor.store import acts, comments, overview, threads

    with call.reading() as connection:
        brand, thread_id = acts.find(connection, "thread", thread)
        row = overview.thread(connection, brand, thread_id)
        held = comments.load_threads(connection, brand, [thread_id])[thread_id]
        flags = threads.load_flags(connection, brand, [thread_id]).get(thread_id, [])
        done = acts.of_thread(connection, brand, thread_id)
    if as_json:
        beside = {
            "flags": [show.flag_fields(flag) for flag in flags],
            "comments": [show.comment_fields(one) for one in held],
            "acts": list(map(asdict, done)),
        }
        show.json_line({**asdict(row), "id": show_id(row.id), **beside})
        return
    zone = call.glance.timezone(brand)
    for line in _head(row, call.now, zone):
        click.echo(line)
    for flag in flags:
        for line in flag_lines(flag, zone):
            click.echo(line)
    click.echo()
    for line in draw(held, zone, show.width() or 100):
        click.echo(line)
    if done:
        click.echo()
    for act in done:
        click.echo(f"{local_time(act.at, zone)}  {show.words(act.who)}: {_did(act.act, act.detail, zone)}")


def _did(act: str, detail: str, zone: str) -> str:
    """What a person did, on the brand's clock."""
    if act == "snooze" and detail:
        return f"snoozed until {local_time(datetime.fromisoformat(detail), zone)}"
    done = {
        "close": "closed",
        "reopen": "reopened",
        "snooze": "ended the snooze",
        "assign": "assigned to",
        "mark_wrong": "found wrong:",
        "mark_right": "found right:",
    }
    if act == "assign" and not detail:
        return "assigned to nobody"
    return f"{done.get(act, act)} {show.words(detail, 1_000)}".rstrip()


def _head(row: "ThreadOverview", now: datetime, zone: str) -> list[str]:
    title = f" under “{show.words(row.title, 80)}”" if row.title else ""
    lines = [f"{show_id(row.id)}  {row.brand}, {row.source_id}{title}"]
    if row.awaiting_since:
        since = local_time(row.awaiting_since, zone)
        lines.append(f"Waiting {waiting(now - row.awaiting_since)}, since {since}")
    else:
        lines.append(
            {"answered": "Answered", "closed": "Closed", "handed_off": "Goes on in private"}.get(
                row.standing, "Needs no reply"
            )
        )
    if row.closed_at:
        lines.append(f"Closed by {show.words(row.closed_by)}, {local_time(row.closed_at, zone)}")
    if row.snoozed_until and row.snoozed_until > now:
        lines.append(f"Snoozed until {local_time(row.snoozed_until, zone)}")
    if row.assignee:
        lines.append(f"With {show.words(row.assignee)}")
    if row.permalink:
        lines.append(show.words(row.permalink, 500))
    return lines


def flag_lines(flag: Flag, zone: str) -> list[str]:
    """A flag with its reasons, for people, on the clock of the brand."""
    history = " (history: nobody is told)" if flag.is_history else ""
    lines = [f"{flag.severity.value}: {flag.rule}, since {local_time(flag.raised_at, zone)}{history}"]
    return lines + [f"  {reason}" for reason in show.reasons(flag.reasons, zone)]


Act = Callable[["Connection", str, int], None]


def _each(call: Call, typed: Sequence[str], act: Act, says: str) -> None:
    """Do something about each of the threads, in one transaction: all of them or none."""
    from monitor.store import acts

    with call.writing() as connection:
        found = dict.fromkeys(acts.find(connection, "thread", name) for name in typed)
        for brand, thread_id in found:
            act(connection, brand, thread_id)
    for _, thread_id in found:
        click.echo(f"{show_id(thread_id)[: show.ID_LENGTH]}  {says}")


@thread.command()
@THREADS
@click.option("--why", "-m", default="", help="The reason, for the record.")
@pass_call
def close(call: Call, /, threads: tuple[str, ...], why: str) -> None:
    """Say that nothing more is needed; a customer's next comment opens the thread again."""
    from monitor.store import acts

    _each(call, threads, lambda c, brand, one: acts.close(c, brand, one, call.who, call.now, why), "closed")


@thread.command()
@THREADS
@pass_call
def reopen(call: Call, /, threads: tuple[str, ...]) -> None:
    """Take back a close."""
    from monitor.store import acts

    _each(call, threads, lambda c, brand, one: acts.reopen(c, brand, one, call.who, call.now), "open again")


@thread.command()
@THREADS
@click.option("--for", "duration", type=DURATION, metavar="DURATION", help='How long ("2h", "1d").')
@click.option("--end", is_flag=True, help="Show it again now.")
@pass_call
def snooze(call: Call, /, threads: tuple[str, ...], duration: timedelta | None, end: bool) -> None:
    """Leave a thread out of the backlog for a while."""
    from monitor.store import acts

    if (duration is None) != end:
        raise click.UsageError("give either --for, such as --for 2h, or --end")
    until = call.now + duration if duration else None
    says = f"snoozed for {waiting(duration)}" if duration else "no longer snoozed"
    _each(call, threads, lambda c, brand, one: acts.snooze(c, brand, one, call.who, until, call.now), says)


@thread.command()
@THREADS
@click.option("--to", "person", metavar="NAME", help="Who takes care of it; you, if not given.")
@click.option("--nobody", is_flag=True, help="Nobody takes care of it any more.")
@pass_call
def assign(call: Call, /, threads: tuple[str, ...], person: str | None, nobody: bool) -> None:
    """Say who takes care of a thread."""
    from monitor.store import acts

    if person and nobody:
        raise click.UsageError("give either --to or --nobody")
    assignee = "" if nobody else person or call.who
    says = f"with {assignee}" if assignee else "with nobody"
    _each(call, threads, lambda c, brand, one: acts.assign(c, brand, one, call.who, assignee, call.now), says)


@thread.command()
@click.argument("thread", metavar="THREAD")
@click.argument("text")
@pass_call
def note(call: Call, /, thread: str, text: str) -> None:
    """Write something down beside a thread; nobody outside sees it."""
    from monitor.store import acts

    _each(call, [thread], lambda c, brand, one: acts.note(c, brand, one, call.who, text, call.now), "noted")


def _mark(call: Call, typed: str, rule: str, is_wrong: bool) -> None:
    from monitor.store import acts

    with call.writing() as connection:
        brand, thread_id = acts.find(connection, "thread", typed)
        is_news = acts.mark_flag(connection, brand, thread_id, rule, call.who, call.now, is_wrong=is_wrong)
    says = f"{rule} was {'wrong' if is_wrong else 'right'}" if is_news else "this was said already"
    click.echo(f"{show_id(thread_id)[: show.ID_LENGTH]}  {says}")


@thread.command("mark-wrong")
@click.argument("thread", metavar="THREAD")
@click.argument("rule")
@pass_call
def mark_wrong(call: Call, /, thread: str, rule: str) -> None:
    """Say that a RULE's flag was wrong: it goes, and is raised again only for other comments.

    Its alert is resolved if nothing else stands in it. `heedful rules precision` counts what was said, and `heedful
    rules calibrate` learns from it.
    """
    _mark(call, thread, rule, is_wrong=True)


@thread.command("mark-right")
@click.argument("thread", metavar="THREAD")
@click.argument("rule")
@pass_call
def mark_right(call: Call, /, thread: str, rule: str) -> None:
    """Say that a RULE's flag was right; takes a mark-wrong back."""
    _mark(call, thread, rule, is_wrong=False)
