"""Paying for reads: what each turn cost goes on its source's and its account's count, and an account that has spent
its budget waits until it has a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.core.quota import usable, window
from monitor.model import Budget, Source
from monitor.store import sources, spendings
from monitor.store.spendings import Turn


@dataclass(frozen=True, slots=True)
class Ledger:
    """The accounts with a known budget."""

    budgets: Mapping[str, Budget]

    def is_spent(self, connection: Connection, account: str, now: datetime) -> bool:
        """Whether an account has nothing left for polls in the present window."""
        budget = self.budgets.get(account)
        if budget is None:
            return False
        return spendings.of_account(connection, account, window(budget, now)[0]) >= usable(budget)

    def pay(self, connection: Connection, source: Source, turn: Turn, now: datetime) -> datetime | None:
        """Count a turn; call it last in the transaction. Until when the account now waits, if it has just begun to."""
        spendings.add_to_source(connection, source.account, source.id, turn, now)
        budget = self.budgets.get(source.account)
        if budget is None:
            return None
        start, end = window(budget, now)
        count = spendings.add_to_account(connection, source.account, (start, end), turn)
        # A page may cost dozens of requests: another one like the dearest must fit, too, or the platform refuses it
        # half read.
        is_enough = count.spent < usable(budget)
        if is_enough and count.spent + count.dearest <= budget.n:
            return None
        held_until = spendings.held_until(connection, source.account)
        until = end if held_until is None else max(end, held_until)  # the platform may have asked for longer
        rest = (
            "another read may take more than the rest" if is_enough else "the rest is left for looks at known comments"
        )
        says = f"{count.spent:,g} of {budget.n:,g} {budget.unit} are spent; {rest}"
        sources.hold_account(connection, source.account, until, says)
        return end if held_until is None or held_until <= now else None
