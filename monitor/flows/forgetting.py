"""Keeping the platforms' rules of storage: texts and authors go when their time is over, a batch at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from monitor import log
from monitor.core.storage import Terms, forget, forget_at
from monitor.flows.assess import team_of
from monitor.flows.plan import Plan
from monitor.model import StorageRules, Team
from monitor.store import forgetting as store
from monitor.store import prune, quotes, threads
from monitor.store.engine import is_conflict, reading, writing
from monitor.store.forgetting import Ended
from monitor.store.quotes import Change

_log = log.get()

BATCH = 500
MOST_BATCHES = 20  # at one tick
_AT_ONCE = StorageRules(text_for=timedelta(0), author_for=timedelta(0))
_AS_LONG_AS_WE_LIKE = StorageRules()


def keep_rules(engine: Engine, plan: Plan, now: datetime) -> None:
    """Take out what must be gone by now, up to some batches of each kind; what is left over goes at the next tick."""
    _settle(engine, plan)
    n_texts, n_authors = _forget(engine, plan, now)
    n_copies = _clear_copies(engine, plan, now)
    if n_texts or n_authors or n_copies:
        _log.info("store.forgot", texts=n_texts, authors=n_authors, copies=n_copies)


@contextmanager
def _patiently() -> Iterator[None]:
    """What meets another host's transaction is left for the next tick."""
    try:
        yield
    except DBAPIError as error:
        if not is_conflict(error):
            raise


def _forget(engine: Engine, plan: Plan, now: datetime) -> tuple[int, int]:
    n_texts = n_authors = 0
    with _patiently():
        for _ in range(MOST_BATCHES):
            with writing(engine) as connection:
                found = store.ended(connection, now, BATCH)
                teams = {brand: _team(connection, plan, brand) for brand in {it.stored.brand for it in found}}
                changes = [_change(plan, it, teams[it.stored.brand], now) for it in found]
                store.save(connection, changes, now)
            n_texts += sum(change.text_goes for change in changes)
            n_authors += sum(change.author_goes for change in changes)
            if len(found) < BATCH:
                break
    return n_texts, n_authors


def _team(connection: Connection, plan: Plan, brand: str) -> Team:
    known = plan.brands.get(brand)
    return team_of(connection, known) if known else Team()


def _change(plan: Plan, it: Ended, team: Team, now: datetime) -> Change:
    rules = _rules(plan, it.stored.source_id)
    after = forget(it.stored, rules, it.refreshed_at, team, now)
    terms = Terms(it.stored.seen_at, it.refreshed_at, it.stored.deleted_at, after.remains)
    return Change(it.stored, after, forget_at(rules, terms))


def _rules(plan: Plan, source_id: str) -> StorageRules:
    """Of a source that is no longer configured nobody refreshes anything: what was to go some day goes."""
    if source_id in plan.storage:
        return plan.storage[source_id]
    return _AS_LONG_AS_WE_LIKE if source_id in plan.intervals else _AT_ONCE


def _settle(engine: Engine, plan: Plan) -> None:
    """Where a platform's rules are new to the store: say of every comment that is there when it must go."""
    with reading(engine) as connection:
        brands = store.brands_of(connection, plan.storage.keys())
    for brand, source_ids in brands.items():
        rules = {source_id: plan.storage[source_id] for source_id in source_ids}
        with _patiently():
            for _ in range(MOST_BATCHES):
                if not _settle_batch(engine, brand, rules):
                    break


def _settle_batch(engine: Engine, brand: str, rules: dict[str, StorageRules]) -> bool:
    """Whether there is more to settle."""
    name, digest = f"storage:{brand}", repr(sorted(rules.items()))
    with reading(engine) as connection:
        place = _place(connection, name)
    if place.get("rules") == digest and place["after"] is None:
        return False
    with writing(engine) as connection:
        after = place["after"] if place.get("rules") == digest else -1
        after = store.settle(connection, brand, after, rules, BATCH)
        threads.remember(connection, name, json.dumps({"rules": digest, "after": after}))
    return after is not None


def _place(connection: Connection, name: str) -> dict[str, Any]:
    return json.loads(threads.remembered(connection, name) or "{}")  # type: ignore[no-any-return]


def _clear_copies(engine: Engine, plan: Plan, now: datetime) -> int:
    """What was copied from comments and is not renewed with them: replaced texts, notices, unreadable payloads."""
    limited = {source_id: rules for source_id, rules in plan.storage.items() if rules.shortest is not None}
    with reading(engine) as connection:
        brands = store.brands_of(connection, limited.keys())
    n = 0
    for brand, source_ids in brands.items():
        for source_id in source_ids:
            with _patiently(), writing(engine) as connection:
                n += _clear_copies_of(connection, brand, source_id, limited[source_id], now)
    return n


def _clear_copies_of(connection: Connection, brand: str, source_id: str, rules: StorageRules, now: datetime) -> int:
    shortest = rules.shortest or timedelta(0)
    n = quotes.clear_old(connection, source_id, now - shortest, BATCH)
    n += prune.old_quarantine(connection, now - shortest, source_id)
    if rules.text_for is not None:
        name = f"revisions:{source_id}"
        place = _place(connection, name) or {"at": -1, "id": -1}
        before = now - rules.text_for
        n_gone, (at, comment_id) = store.old_revisions(
            connection, brand, source_id, (place["at"], place["id"]), before, BATCH
        )
        if (at, comment_id) != (place["at"], place["id"]):
            threads.remember(connection, name, json.dumps({"at": at, "id": comment_id}))
        n += n_gone
    return n
