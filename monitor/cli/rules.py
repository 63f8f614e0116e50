"""heedful rules: the rules, tried on a text, and replayed over what is stored."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import DURATION, Call, complete_brand, complete_source, pass_call
from monitor.cli.family import Family
from monitor.cli.feedback import calibrate, precision
from monitor.core.phrasing import counted, local_time
from monitor.core.text import printable
from monitor.errors import NotFound
from monitor.model import Comment, show_id

if TYPE_CHECKING:
    from monitor.core.calibration import Calibration
    from monitor.core.findings import Trial
    from monitor.flows.replay import Replayed

COLUMNS = (
    show.Column("RULE"),
    show.Column("SEVERITY"),
    show.Column("WHAT", flexible=True, least=20),
    show.Column("TOGETHER BY"),
    show.Column("PLAYBOOK", flexible=True),
    show.Column("ROUTE"),
    show.Column(""),
)


@click.group(cls=Family)
def rules() -> None:
    """Show the rules, try them on a text, replay them over what is stored, or learn from what people said of them."""


rules.add_command(precision)
rules.add_command(calibrate)


@rules.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def list_(call: Call, /, as_json: bool) -> None:
    """Show the rules in the order in which the files name them."""
    found = call.settings.rules.rules
    if as_json:
        names = ("name", "title", "playbook", "group_by", "route", "is_enabled")
        for rule in found:
            show.json_line({**{n: getattr(rule, n) for n in names}, "severity": rule.severity, "when": rule.when.says})
        return
    show.table(
        COLUMNS,
        [
            [r.name, r.severity.value, r.title, r.group_by, r.playbook, r.route, "" if r.is_enabled else "off"]
            for r in found
        ],
    )


@rules.command()
@click.argument("text", required=False)
@click.option("--thread", help="A stored thread instead of a text.")
@click.option("--all", "with_failing", is_flag=True, help="Every rule, also those that do not hold, with why not.")
@click.option("--brand", "-b", shell_complete=complete_brand, help="As said to this brand (its hours and team).")
@click.option("--platform", "-p", help="As said on this platform.")
@click.option("--source", "-s", shell_complete=complete_source, help="As read from this source.")
@click.option("--kind", type=click.Choice(["comment", "mention", "review", "message", "post"]), help="As this kind.")
@click.option("--stars", type=float, help="With so many stars.")
@click.option("--likes", "n_likes", type=int, help="With so many likes.")
@click.option("--followers", "n_followers", type=int, help="By somebody with so many followers.")
@click.option("--waiting", type=DURATION, metavar="DURATION", help="Having waited so long.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def test(call: Call, /, text: str | None, thread: str | None, with_failing: bool, as_json: bool, **about: Any) -> None:
    """Say which rules hold for a TEXT (or a stored thread), and why: conditions, words, values, thresholds."""
    if (text is None) == (thread is None):
        raise click.UsageError("give either a text or --thread")
    trials = _try_thread(call, thread) if thread else _try_text(call, text or "", about)
    shown = [trial for trial in trials if with_failing or (trial.holds and trial.is_enabled)]
    if as_json:
        for trial in shown:
            show.json_line(_trial_json(trial))
        return
    if text:
        _print_signals(call, text)
    for trial in shown:
        mark = click.style(trial.severity.value, fg=show.COLOURS[trial.severity]) if trial.holds else "no"
        refuted = ", which people have found wrong here" * trial.is_refuted
        click.echo(f"{mark}: {trial.rule} ({trial.title}){refuted}{'' if trial.is_enabled else ', which is off'}")
        for line in trial.finding.lines(1):
            click.echo(printable(line))
    if not any(trial.holds and trial.is_enabled for trial in trials):
        click.echo("No rule holds.")


def _try_text(call: Call, text: str, about: dict[str, Any]) -> "tuple[Trial, ...]":
    given = {name: value for name, value in about.items() if value is not None}
    call.known("source", given.get("source", ""))
    brand = given.get("brand") or next(iter(call.settings.brands), "")
    if brand:
        settings = call.settings.brands[call.known("brand", brand, call.settings.brands)]
        given |= {"brand": brand, "calendar": settings.calendar, "team": settings.team}
        given["calibrations"] = _calibrations(call, brand)
    return call.settings.rules.test_text(text, now=call.now, **given)


def _calibrations(call: Call, brand: str) -> "Mapping[str, Calibration]":
    """How the brand reads the signals; as they are measured where there is no store to ask."""
    from sqlalchemy.exc import SQLAlchemyError

    from monitor.flows import feedback

    try:
        with call.reading() as connection:
            return feedback.calibrations(connection, brand)
    except (NotFound, SQLAlchemyError):
        return {}


def _try_thread(call: Call, typed: str) -> "tuple[Trial, ...]":
    from monitor.core.threads import fold
    from monitor.flows import feedback
    from monitor.flows.assess import facts_of, n_by_author, team_of
    from monitor.store import acts, comments, threads

    plan = call.app.plan
    with call.reading() as connection:
        brand_id, thread_id = acts.find(connection, "thread", typed)
        call.known("brand", brand_id, call.settings.brands)
        row = threads.load_rows(connection, brand_id, [thread_id])[thread_id]
        held = comments.load_threads(connection, brand_id, [thread_id])[thread_id]
        window = plan.rules.people_window or timedelta(0)
        under = comments.load_under_posts(connection, brand_id, [thread_id], call.now - window).get(thread_id, [])
        n_earlier = n_by_author(connection, brand_id, held)
        team = team_of(connection, plan.brands[brand_id])
        said = feedback.load(connection, brand_id, [thread_id])
    state = fold(held, team, row.acts, call.now, plan.fold)
    facts = facts_of(plan.brands[brand_id], team, row, held, state, under, n_earlier)
    return plan.rules.explain(feedback.heed(facts, said), call.now)


def _print_signals(call: Call, text: str) -> None:
    from datetime import UTC, datetime

    from monitor import signals
    from monitor.model import Author

    comment = Comment("1", "comment", text, Author("1", "somebody"), datetime(2026, 1, 1, tzinfo=UTC))
    own = call.settings.signals
    for name, value in signals.measure([comment], own)[0].items():
        words = ", ".join(signals.explain(name, comment, own))
        shown = f"{value:.2f}" if isinstance(value, float) else str(value or "-")
        click.echo(f"{name} {shown}{f'  ({show.words(words)})' if words else ''}")
    click.echo()


def _trial_json(trial: "Trial") -> dict[str, Any]:
    reason = trial.finding
    return {
        "rule": trial.rule,
        "title": trial.title,
        "severity": trial.severity,
        "holds": trial.holds,
        "is_enabled": trial.is_enabled,
        "is_refuted": trial.is_refuted,
        "comment": show_id(trial.comment_id) if trial.comment_id is not None else None,
        "why": list(reason.lines()),
    }


@rules.command()
@click.option("--since", type=DURATION, default="30d", show_default=True, metavar="DURATION", help="How far back.")
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="Only this brand.")
@click.option("--rule", default="", help="Only this rule.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one thread a line.")
@pass_call
def replay(call: Call, /, since: timedelta, brand: str, rule: str, as_json: bool) -> None:
    """Say what the present rules would have flagged over what is stored, and when. Nobody is told, nothing changes.

    What people did meanwhile (closing, snoozing) is left out, and every author is taken to be new to the brand.
    """
    call.known("brand", brand, call.settings.brands)
    call.known("rule", rule, call.settings.rules.titles)
    n_threads, found = 0, []
    for replayed in _replayed(call, brand, since):
        n_threads += 1
        if replayed and (not rule or any(flag.rule == rule for flag in replayed.flags)):
            found.append(replayed)
    for one in found:
        if as_json:
            _print_replayed_json(one)
        else:
            _print_replayed(one, call.settings.brands[one.brand].timezone)
    if not as_json:
        counts = Counter(flag.rule for one in found for flag in one.flags if not rule or flag.rule == rule)
        for name, n in counts.most_common():
            click.echo(f"{n:>7,}  {name}")
        click.echo(f"{len(found):,} of {counted(n_threads, 'thread', 'threads')} would have been flagged.")


def _replayed(call: Call, brand: str, since: timedelta) -> "Iterator[Replayed | None]":
    from monitor.flows.replay import replay as play
    from monitor.store import overview

    plan, start = call.app.plan, call.now - since
    brands = [brand] if brand else list(plan.brands)
    with call.reading() as connection:
        for name in brands:
            n = overview.count(connection, "threads", name, start)
            told = play(connection, plan, plan.brands[name], start, call.now)
            yield from show.watched(told, n, f"Replaying {name}")


def _print_replayed(one: "Replayed", zone: str) -> None:
    click.echo(f"{show_id(one.thread_id)[: show.ID_LENGTH]}  {show.words(one.text, 90)}")
    for flag in one.flags:
        says = "; ".join(show.reasons(flag.reasons, zone))
        click.echo(f"          {local_time(flag.raised_at, zone)}  {flag.severity.value}: {flag.rule}: {says}")


def _print_replayed_json(one: "Replayed") -> None:
    flags = [show.flag_fields(flag) for flag in one.flags]
    show.json_line({"brand": one.brand, "thread": show_id(one.thread_id), "text": one.text, "flags": flags})
