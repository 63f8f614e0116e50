"""What must be in the store, and must have arrived, once daemons that died have been followed by one that did not."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Engine, select

from monitor.core.threads import FoldPolicy, fold
from monitor.model import Team, make_id, show_id
from monitor.store import comments as store
from monitor.store import due, schema, sources, threads
from monitor.store.engine import reading
from monitor.store.instants import opt_us
from tests.crash.servers import Received
from tests.crash.world import Said, World

BRAND, PLATFORM = "bakery", "forum"


def wrong_comments(engine: Engine, world: World) -> list[str]:
    """What is stored otherwise than the world says: missing, twice, with another text, in another thread."""
    table = schema.comments
    columns = (table.c.native_id, table.c.text, table.c.thread_id, table.c.deleted_at)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns)).all()
    n_rows, stored = Counter(row.native_id for row in rows), {row.native_id: row for row in rows}
    wrong = [f"{native_id} is stored {n} times" for native_id, n in n_rows.items() if n > 1]
    for said in world.said:
        row = stored.pop(said.id, None)
        if row is None:
            if not said.is_deleted:  # what was deleted before anybody read it was never seen
                wrong.append(f"{said.id} is missing")
            continue
        wrong += [f"{said.id}: {says}" for says in _differences(said, row)]
    return wrong + [f"{native_id} was never said" for native_id in stored]


def _differences(said: Said, row: Any) -> Iterable[str]:
    if said.is_deleted != (row.deleted_at is not None):
        yield "deleted on one side only"
    if not said.is_deleted and row.text != said.text:
        yield f"reads {row.text!r} and not {said.text!r}"
    if row.thread_id != make_id(BRAND, PLATFORM, said.root):
        yield "is in another thread"


def doubled_revisions(engine: Engine) -> list[tuple[int, str]]:
    """Texts that were kept more than once as replaced, of one comment: none is ever said twice."""
    table = schema.revisions
    with reading(engine) as connection:
        kept = Counter((row[0], row[1]) for row in connection.execute(select(table.c.comment_id, table.c.text)))
    return [one for one, n in kept.items() if n > 1]


def untold(world: World, received: Iterable[Received], engine: Engine) -> list[str]:
    """What the world calls for and nobody has been told of."""
    told = " ".join(thread["text"] for arrival in received for thread in arrival.event["data"]["threads"])
    alarms = [said for said in world.said if said.calls == "alarm"]
    missing = [f"nobody was told of {said.id}" for said in alarms if f"({said.id})" not in told]
    arrived = {arrival.alert_id for arrival in received}
    with reading(engine) as connection:
        rows = connection.execute(select(schema.alerts)).all()
        flags = connection.execute(select(schema.flags).where(schema.flags.c.cleared_at.is_(None))).all()
    missing += [
        f"the alert {show_id(row.id)} ({row.rule}) never arrived" for row in rows if show_id(row.id) not in arrived
    ]
    by_alert = {row.id: set(_fingerprints(row.told)) for row in rows}
    for flag in flags:
        if not flag.is_history and f"{flag.rule}:{show_id(flag.thread_id)}" not in by_alert.get(flag.alert_id, ()):
            missing.append(f"the flag {flag.rule} of thread {show_id(flag.thread_id)} was never told")
    flagged = {(flag.rule, flag.thread_id) for flag in flags}
    for said in world.said:
        if said.calls and (said.calls, make_id(BRAND, PLATFORM, said.root)) not in flagged:
            missing.append(f"{said.id} is not flagged")
    return missing


def _fingerprints(told: str) -> list[str]:
    return list(json.loads(told))


def told_again(received: Iterable[Received]) -> list[str]:
    """Alerts that people were told of for the first time more than once, by different deliveries."""
    firsts: dict[str, set[str]] = {}
    for arrival in received:
        if arrival.reason == "first":
            firsts.setdefault(arrival.alert_id, set()).add(arrival.webhook_id)
    return [alert_id for alert_id, deliveries in firsts.items() if len(deliveries) > 1]


def out_of_order(engine: Engine, received: Iterable[Received]) -> list[str]:
    """Deliveries that arrived first before one that had been written earlier, where one daemon at a time writes."""
    return _misplaced(list(_lines(engine).items()), received)


def alerts_out_of_order(engine: Engine, received: Iterable[Received]) -> list[str]:
    """The same of each alert by itself: what several daemons write side by side goes as they commit."""
    by_alert: dict[int, list[tuple[int, int]]] = {}
    for notice_id, alert_id in _lines(engine).items():
        by_alert.setdefault(alert_id, []).append((notice_id, alert_id))
    arrived = list(received)
    return [wrong for line in by_alert.values() for wrong in _misplaced(line, arrived)]


def _lines(engine: Engine) -> dict[int, int]:
    """Each notice with its alert, in the order in which they were written."""
    sent, notices = schema.deliveries, schema.notices
    joined = sent.join(notices, (notices.c.brand == sent.c.brand) & (notices.c.id == sent.c.notice_id))
    order = (sent.c.created_at, sent.c.id)
    with reading(engine) as connection:
        rows = connection.execute(select(notices.c.id, notices.c.alert_id).select_from(joined).order_by(*order))
        return {row[0]: row[1] for row in rows}


def _misplaced(line: Iterable[tuple[int, int]], received: Iterable[Received]) -> list[str]:
    place: dict[str, int] = {}
    for arrival in received:
        place.setdefault(str(arrival.event["data"]["notice_id"]), len(place))
    present = [place[show_id(notice_id)] for notice_id, _ in line if show_id(notice_id) in place]
    return [f"place {here} before {there}" for here, there in pairwise(present) if there < here]


def still_owed(engine: Engine, now: datetime) -> list[str]:
    """Rows that are not at rest: due, claimed, failed or unsent. A source is read again and again: it may be due."""
    with reading(engine) as connection:
        owed = [
            f"{queue} lags {due.lag(connection, queue, now)}"
            for queue in due.QUEUES
            if queue != "sources" and due.is_any_due(connection, queue, now)
        ]
        for queue in ("threads", "alerts", "deliveries"):  # no rule here looks at the clock: nobody waits for it
            table = due.QUEUES[queue]
            claimed = connection.execute(select(table.c.id).where(table.c.due_at.is_not(None))).scalars().all()
            owed += [f"{queue} {show_id(row)} is claimed" for row in claimed]
        unsent = schema.deliveries.c.status != "sent"
        owed += [
            f"{show_id(row)} is unsent"
            for row in connection.execute(select(schema.deliveries.c.id).where(unsent)).scalars()
        ]
        owed += _sources_owed(connection, now)
    return owed


def _sources_owed(connection: Connection, now: datetime) -> Iterable[str]:
    being_read = set(
        connection.execute(select(schema.sources.c.id).where(schema.sources.c.claimed_until.is_not(None))).scalars()
    )
    for report in sources.report(connection):
        is_soon = report.due_at is not None and report.due_at - now <= timedelta(seconds=5)
        if not is_soon and report.id not in being_read:
            yield f"source {report.id} is next read at {report.due_at}"
        if report.n_failures:
            yield f"source {report.id} failed: {report.last_error}"


def stale_threads(engine: Engine, team: Team, now: datetime, brand: str = BRAND) -> list[str]:
    """Threads whose row is not what a fresh look at their comments gives."""
    table = schema.threads
    with reading(engine) as connection:
        rows = {row.id: row for row in connection.execute(select(table).where(table.c.brand == brand))}
        held = store.load_threads(connection, brand, list(rows))
        acts = {thread_id: row.acts for thread_id, row in threads.load_rows(connection, brand, list(rows)).items()}
        homeless = {row[0] for row in connection.execute(select(schema.comments.c.thread_id).distinct())} - set(rows)
    found = [f"thread {show_id(thread_id)} has comments and no row" for thread_id in homeless]
    for thread_id, row in rows.items():
        state = fold(held[thread_id], team, acts[thread_id], now, FoldPolicy())
        fresh = (state.n_comments, opt_us(state.last_at), opt_us(state.awaiting_since))
        if fresh != (row.n_comments, row.last_at, row.awaiting_since):
            found.append(f"thread {show_id(thread_id)} should read {fresh}")
    return found
