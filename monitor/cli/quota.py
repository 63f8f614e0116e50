"""heedful quota: what reading costs, what each account may spend, and intervals that fit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.durations import show_duration
from monitor.core.phrasing import waiting
from monitor.core.quota import DAY, Asking, a_day, fits, propose, usable, window

if TYPE_CHECKING:
    from monitor.model import Budget

ACCOUNTS = (
    show.Column("ACCOUNT", flexible=True),
    show.Column("BUDGET", right=True),
    show.Column("UNIT"),
    show.Column("PER"),
    show.Column("SPENT", right=True),
    show.Column("RESETS", right=True),
    show.Column("A DAY", right=True),
    show.Column("ASKED", right=True),
    show.Column("STATE"),
)
SOURCES = (
    show.Column("SOURCE", flexible=True),
    show.Column("ACCOUNT", flexible=True),
    show.Column("EVERY", right=True),
    show.Column("POLLS A DAY", right=True),
    show.Column("COST", right=True),
    show.Column("COST A DAY", right=True),
    show.Column("SHARE", right=True),
    show.Column("NEW", right=True),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account with what its sources ask; without a budget nothing is known of what it may spend."""

    id: str
    budget: "Budget | None"
    spent: float
    resets_at: datetime | None
    sources: tuple[Asking, ...]

    @property
    def asked(self) -> float:
        return sum(one.a_day for one in self.sources)

    @property
    def fits(self) -> bool:
        return self.budget is None or fits(self.sources, self.budget)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_call
def quota(call: Call, /, as_json: bool) -> None:
    """Show what each account has spent of its platform's budget, and what its sources cost a day.

    A poll's cost is the mean of the last day, with all its pages and the looks at known comments beside it; 1 for a
    source that was not read yet. A twentieth of each budget is left for such looks and for people. Where the sources of
    an account ask for more than it has, intervals are proposed that fit, the shortest for those that bring most that is
    new. Exit code 3: they do not fit.
    """
    found = _look(call)
    if as_json:
        show.json_line({"accounts": [_as_json(account, call.now) for account in found]})
    elif found:
        _print(found, call.now)
    else:
        click.echo("There are no sources in the configuration.")
    if not all(account.fits for account in found):
        raise SystemExit(ATTENTION)


def _look(call: Call) -> list[Account]:
    from monitor.store import spendings

    settings, budgets = call.settings, call.app.plan.budgets
    with call.reading() as connection:
        spent = spendings.of_sources(connection, call.now - DAY)
        asking: dict[str, list[Asking]] = {}
        for source_id, source in settings.sources.items():
            known = spent.get(source_id, spendings.Spent(0.0, 0, 0))
            one = Asking(source_id, source.every, known.a_poll, known.n_new)
            asking.setdefault(source.account, []).append(one)
        accounts = []
        for account, sources in sorted(asking.items()):
            budget = budgets.get(account)
            start, end = window(budget, call.now) if budget else (None, None)
            in_window = spendings.of_account(connection, account, start) if start else 0.0
            accounts.append(Account(account, budget, in_window, end, tuple(sources)))
    return accounts


def _print(found: list[Account], now: datetime) -> None:
    show.table(ACCOUNTS, [_account_row(account, now) for account in found])
    click.echo()
    show.table(SOURCES, [row for account in found for row in _source_rows(account)])
    for account in found:
        if not account.fits:
            click.echo()
            for line in _proposal(account):
                click.echo(line)


def _account_row(account: Account, now: datetime) -> list[str]:
    budget = account.budget
    if budget is None:
        return [account.id, "unknown", "", "", "", "", "", _number(account.asked), "no limit known"]
    resets = f"in {waiting(account.resets_at - now)}" if account.resets_at else ""
    state = "spent" if account.spent >= usable(budget) else "fits" if account.fits else "too much"
    per, had = show_duration(budget.per), _number(a_day(budget))
    return [
        account.id,
        _number(budget.n),
        budget.unit,
        per,
        _number(account.spent),
        resets,
        had,
        _number(account.asked),
        state,
    ]


def _source_rows(account: Account) -> Iterator[list[str]]:
    for one in account.sources:
        share = f"{one.a_day / a_day(account.budget):.0%}" if account.budget else ""
        polls = _number(DAY / one.every)
        cost = f"{one.cost:,.3g}"
        yield [
            one.source_id,
            account.id,
            show_duration(one.every),
            polls,
            cost,
            _number(one.a_day),
            share,
            f"{one.n_new:,}",
        ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"


def _proposed(account: Account) -> dict[str, timedelta]:
    """The intervals that change."""
    if account.budget is None:
        return {}
    present = {one.source_id: one.every for one in account.sources}
    return {name: every for name, every in propose(account.sources, account.budget).items() if every != present[name]}


def _proposal(account: Account) -> Iterator[str]:
    """Tables to be pasted over those of the configuration, line by line."""
    assert account.budget is not None
    asked, had = _number(account.asked), _number(a_day(account.budget))
    yield f"# {account.id}: its sources ask for {asked} {account.budget.unit} a day, polls may spend {had}. These fit:"
    for name, every in _proposed(account).items():
        yield f"[sources.{name}]"
        yield f'every = "{show_duration(every)}"'


def _as_json(account: Account, now: datetime) -> dict[str, Any]:
    budget, proposed = account.budget, _proposed(account)
    return {
        "id": account.id,
        "budget": budget.n if budget else None,
        "unit": budget.unit if budget else None,
        "window_s": budget.per.total_seconds() if budget else None,
        "spent": account.spent if budget else None,
        "resets_in_s": (account.resets_at - now).total_seconds() if account.resets_at else None,
        "usable_a_day": a_day(budget) if budget else None,
        "asked_a_day": account.asked,
        "fits": account.fits,
        "sources": [
            {
                "id": one.source_id,
                "every_s": one.every.total_seconds(),
                "polls_a_day": DAY / one.every,
                "cost_a_poll": one.cost,
                "cost_a_day": one.a_day,
                "share": one.a_day / a_day(budget) if budget else None,
                "n_new": one.n_new,
                "proposed_every_s": proposed[one.source_id].total_seconds() if one.source_id in proposed else None,
            }
            for one in account.sources
        ],
    }
