"""Each query of a queue and of the backlog has its index: read from the database's own plan."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from monitor.model import UNFLAGGED_RANK, Recipient, Severity
from monitor.store import (
    alerts,
    backlog,
    digests,
    due,
    forgetting,
    held,
    hot,
    links,
    outbox,
    quotes,
    rechecks,
    schema,
    second_opinions,
    sources,
    spendings,
    summing,
    threads,
)
from monitor.store.comments import load_posts, load_threads, load_under_posts
from monitor.store.engine import reading, writing
from monitor.store.instants import to_us
from tests.store.rows import BRAND, NOON, PLATFORM, SOURCE

N = 3_000


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """A store with enough rows that a scan would never be the planner's choice."""
    base = to_us(NOON)
    queue = [{"due_at": base + n if n % 100 == 0 else None} for n in range(N)]
    with writing(engine) as connection:
        connection.execute(
            schema.threads.insert(),
            [
                {
                    "brand": BRAND if n % 2 else "other",
                    "id": n,
                    "source_id": f"{SOURCE}{n % 50}",
                    "platform": PLATFORM,
                    "subject_id": n // 30,
                    "rank": (0, 10, UNFLAGGED_RANK)[n % 3],
                    "awaiting_since": base + n if n % 5 == 0 else None,
                    "check_at": base + n if n % 7 == 0 else None,
                }
                | queue[n]
                for n in range(N)
            ],
        )
        connection.execute(
            schema.sources.insert(),
            [
                {"id": f"s{n}", "brand": BRAND, "platform": PLATFORM, "account": "a", "added_at": 0, "next_poll_at": 0}
                | queue[n]
                for n in range(N)
            ],
        )
        connection.execute(
            schema.alerts.insert(),
            [
                {"brand": BRAND, "id": n, "rule": "r", "group_key": f"g{n}", "severity": "low", "status": "open",
                 "opened_at": 0, "resolved_at": None if n % 20 == 0 else 1} | queue[n]
                for n in range(N)
            ],
        )  # fmt: skip
        connection.execute(
            schema.deliveries.insert(),
            [
                {"brand": BRAND, "id": n, "notice_id": n, "channel": f"c{n % 3}", "status": "sent",
                 "created_at": n} | queue[n]
                for n in range(N)
            ],
        )  # fmt: skip
        connection.execute(
            schema.comments.insert(),
            [
                {"brand": BRAND, "id": n, "source_id": SOURCE, "platform": PLATFORM, "native_id": str(n),
                 "thread_id": n // 4, "subject_id": n // 40, "kind": "comment" if n % 30 else "post", "text": "x",
                 "author_key": str(n),
                 "details": '{"author":{}}', "content_hash": 1, "created_at": base + n, "seen_at": base,
                 "is_history": False, "signals": "{}", "signals_version": "", "stirs": n % 20 == 0,
                 "forget_at": base + n if n % 100 == 0 else None}
                for n in range(N)
            ],
        )  # fmt: skip
        connection.execute(
            schema.notices.insert(),
            [
                {"brand": BRAND, "id": n, "alert_id": n // 2, "reason": "first", "created_at": base, "payload": "{}"}
                for n in range(N)
            ],
        )
        connection.execute(
            schema.held.insert(),
            [
                {"brand": BRAND, "id": n, "notice_id": n, "channel": f"c{n % 3}", "person": f"p{n % 30}",
                 "held_at": base, "why": "", "released_at": None if n % 20 == 7 else base}
                for n in range(N)
            ],
        )  # fmt: skip
        connection.execute(
            schema.digests.insert(),
            [
                {"brand": BRAND if n < 30 else f"other{n}", "id": digests.held_id(Recipient(f"c{n % 3}", f"p{n}"))}
                | queue[n]
                for n in range(N)
            ],
        )
        connection.execute(
            schema.links.insert(),
            [{"brand": BRAND, "id": n, "thread_id": n // 3, "url": "x", "created_at": 0} | queue[n] for n in range(N)],
        )
        connection.execute(
            schema.second_opinions.insert(),
            [
                {"brand": BRAND, "id": n, "thread_id": n // 3, "text_hash": 1, "signals": "[]", "created_at": 0}
                | queue[n]
                for n in range(N)
            ],
        )
        connection.execute(
            schema.revisions.insert(),
            [{"brand": BRAND, "comment_id": n, "replaced_at": base + n, "text": "x"} for n in range(N)],
        )
        connection.execute(
            schema.quotes.insert(),
            [
                {"brand": BRAND, "notice_id": n, "thread_id": n // 2, "source_id": f"s{n % 50}", "created_at": base + n}
                for n in range(N)
            ],
        )
        connection.execute(
            schema.spendings.insert(),
            [
                {"account": f"a{n % 50}", "source_id": "", "starts_at": base + n, "ends_at": base + n, "spent": 1,
                 "n_polls": 1, "n_new": 1}
                for n in range(N)
            ],
        )  # fmt: skip
        connection.execute(
            schema.flags.insert(),
            [
                {"brand": BRAND, "thread_id": n, "rule": "r", "severity": "low", "group_key": "g", "reasons": "[]",
                 "evidence": "[]", "is_history": False, "raised_at": 0, "alert_id": n // 3}
                for n in range(N)
            ],
        )  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return engine


LATER = NOON + timedelta(hours=1)
LEASE = timedelta(minutes=1)
WORK = {
    "claim threads": ("threads_due", lambda c: due.claim(c, "threads", NOON, LEASE, 10)),
    "claim alerts": ("alerts_due", lambda c: due.claim(c, "alerts", NOON, LEASE, 10)),
    "claim sources": ("sources_due", lambda c: sources.claim(c, NOON, LEASE, 10, {}, 2)),
    "is anything due": ("threads_due", lambda c: due.is_any_due(c, "threads", NOON)),
    "lag of the sources": ("sources_due", lambda c: due.lag(c, "sources", LATER)),
    "the channels' lines": ("deliveries_line", lambda c: outbox.claim(c, ["c0", "c1"], NOON, LEASE)),
    "first page of the backlog": ("threads_backlog", lambda c: c.execute(backlog.page_statement(BRAND, 50)).all()),
    "a deep page of the backlog": (
        "threads_backlog",
        lambda c: c.execute(backlog.page_statement(BRAND, 50, (10, to_us(NOON) + 900, 900))).all(),
    ),
    "backlog counts": ("threads_backlog", lambda c: backlog.counts(c, BRAND)),
    "what to check again": ("threads_check", lambda c: rechecks.known_to_check(c, f"{SOURCE}7", LATER, 20)),
    "when to check again": ("threads_check", lambda c: rechecks.next_check_at(c, f"{SOURCE}7")),
    "comments of threads": ("comments_thread", lambda c: load_threads(c, BRAND, [1, 2, 3])),
    "comments under posts": ("comments_subject", lambda c: load_under_posts(c, BRAND, [1, 2], NOON)),
    "flags of threads": ("flags_pkey", lambda c: threads.load_flags(c, BRAND, [1, 2])),
    "open alerts": ("alerts_open", lambda c: alerts.load_open(c, [(BRAND, "g40"), (BRAND, "g60")])),
    "alerts that may open again": ("alerts_past", lambda c: alerts.load_past(c, [(BRAND, "g41")], NOON)),
    "crises of a brand": ("alerts_crises", lambda c: alerts.load_crises(c, BRAND)),
    "flags under a post": ("threads_post", lambda c: alerts.flags_under(c, BRAND, [40])),
    "our posts of a source": (
        "comments_posts",
        lambda c: load_posts(c, BRAND, SOURCE, NOON + timedelta(microseconds=N - 500), 50),
    ),
    "links of posts": ("links_thread", lambda c: links.states(c, BRAND, [1, 2])),
    "claim links": ("links_due", lambda c: due.claim(c, "links", NOON, LEASE, 4)),
    "second opinions of threads": (
        "second_opinions_thread",
        lambda c: second_opinions.of_threads(c, BRAND, [1, 2]),
    ),
    "claim second opinions": ("second_opinions_due", lambda c: due.claim(c, "second_opinions", NOON, LEASE, 1)),
    "texts that must go": ("comments_forget", lambda c: forgetting.ended(c, NOON, 100)),
    "comments to settle": ("comments_pkey", lambda c: forgetting.settle(c, BRAND, 2_500, {}, 100)),
    "replaced texts that must go": (
        "revisions_replaced",
        lambda c: forgetting.old_revisions(c, BRAND, SOURCE, (to_us(NOON) + 2_000, 2_000), LATER, 100),
    ),
    "notices of a source that quote": ("quotes_source", lambda c: quotes.clear_old(c, "s7", NOON, 100)),
    "notices that quote a thread": (
        "quotes_thread",
        lambda c: hot.select_by_ids(c, "notice_id", "quotes", BRAND, [1, 2], key="thread_id"),
    ),
    "what an account has spent": ("spendings_pkey", lambda c: spendings.of_account(c, "a7", NOON)),
    "raise who waits under a post": (
        "threads_post",
        lambda c: threads.raise_under_post(c, BRAND, 40, Severity.CRISIS),
    ),
    "ease who waits under a post": ("threads_post", lambda c: threads.ease_under_post(c, BRAND, 40, NOON)),
    "claim digests": ("digests_due", lambda c: due.claim(c, "digests", NOON, LEASE, 10)),
    "what is held for somebody": ("held_waiting", lambda c: held.load(c, BRAND, Recipient("c1", "p7"))),
    "who waits for a digest": ("digests_", lambda c: digests.held_due(c, BRAND)),
    "who was told of an alert": (
        "held_notice",
        lambda c: alerts.told_to(c, BRAND, list(alerts.load(c, [(BRAND, 7)]).values())),
    ),
    "which alerts are held": ("held_notice", lambda c: held._alerts_held(c, BRAND, {1, 2})),
    "what a channel was told": ("deliveries_told", lambda c: held.ledger(c, ["c1"], NOON + held.COUNTED)),
    "who waits longest": ("threads_backlog", lambda c: summing.oldest(c, BRAND, NOON, 5)),
    "how many have begun to wait": ("threads_backlog", lambda c: summing.n_waiting(c, BRAND, since=NOON)),
    "known comments of a page": ("comments_pkey", lambda c: hot.select_by_ids(c, "id", "comments", BRAND, [1, 2, 3])),
}


@pytest.mark.parametrize("name", WORK)
def test_every_query_of_a_queue_or_the_backlog_uses_its_index(filled: Engine, name: str) -> None:
    index, work = WORK[name]
    plans = _plans(filled, work)
    for statement, plan in plans:
        assert not [line for line in plan if _reads_too_much(line)], f"{statement}\n{plan}"
    everything = "\n".join(line for _, plan in plans for line in plan)
    wanted = index.replace("_pkey", "") if filled.dialect.name == "sqlite" else index
    if filled.dialect.name == "sqlite" and index.endswith("_pkey"):
        wanted = f"sqlite_autoindex_{wanted}_1"
    assert wanted in everything, everything


def test_a_queue_that_is_asked_again_and_again_never_begins_to_be_scanned(filled: Engine) -> None:
    if filled.dialect.name == "sqlite":
        pytest.skip("SQLite plans a statement once, without looking at its parameters")
    long_ago = NOON - timedelta(days=1)
    with reading(filled) as connection:
        for _ in range(12):
            assert not due.is_any_due(connection, "threads", long_ago)
        scans = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'threads'"
        assert connection.exec_driver_sql(scans).scalar() == 0


SMALL = ("channels", "json_each", "CONSTANT ROW")  # a scan of these is no scan of a large table


def _reads_too_much(line: str) -> bool:
    """A line of a plan that reads a whole table, or (SQLite) every row of a brand to find a few."""
    is_scan = "Seq Scan on" in line or (line.startswith("SCAN ") and "INDEX" not in line)
    is_brand_scan = "USING INDEX sqlite_autoindex" in line and line.endswith("(brand=?)")
    return (is_scan and not any(small in line for small in SMALL)) or is_brand_scan


def _plans(engine: Engine, work: Any) -> list[tuple[str, list[str]]]:
    """The plans of every statement that this work runs."""
    ran: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "WITH")):
            ran.append((statement, parameters[0] if executemany else parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with writing(engine) as connection:
            work(connection)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with reading(engine) as connection:
        return [
            (statement, [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)])
            for statement, parameters in ran
        ]
