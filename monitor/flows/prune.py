"""Pruning: what is finished and old leaves the store, a little at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor import log
from monitor.flows.forgetting import keep_rules
from monitor.flows.plan import Plan
from monitor.store import chat_calls, spendings
from monitor.store import prune as store
from monitor.store.engine import writing

_log = log.get()


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what is finished is kept. Comments themselves are kept."""

    deliveries: timedelta = timedelta(days=90)
    quarantine: timedelta = timedelta(days=90)
    silences: timedelta = timedelta(days=30)
    spendings: timedelta = timedelta(days=2)


def prune(engine: Engine, plan: Plan, keep: Keep, now: datetime) -> None:
    """Delete up to a batch of each kind, and keep the platforms' rules; what is left over goes at the next tick."""
    keep_rules(engine, plan, now)
    with writing(engine) as connection:
        n_deliveries = store.finished_deliveries(connection, now - keep.deliveries)
        n_quarantine = store.old_quarantine(connection, now - keep.quarantine)
        n_silences = store.ended_silences(connection, now - keep.silences)
        store.released(connection, now - keep.deliveries)
        spendings.forget(connection, now - keep.spendings)
        chat_calls.forget_old(connection, now)
    if n_deliveries or n_quarantine or n_silences:
        _log.info("store.pruned", deliveries=n_deliveries, quarantine=n_quarantine, silences=n_silences)
