"""The links in our own posts: when each is opened next, and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.core.own_posts import LinkState
from monitor.model import make_id
from monitor.store import due, hot
from monitor.store.due import Claim
from monitor.store.engine import mark
from monitor.store.instants import from_us, to_us


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a post (the root of `thread_id`) as it is about to be opened."""

    url: str
    thread_id: int
    created_at: datetime
    is_dead: bool | None
    n_failures: int


def watch(connection: Connection, brand: str, links: Iterable[tuple[int, str]], now: datetime) -> None:
    """Open these links (thread id, URL) from now on, as far as they are not watched already."""
    at = to_us(now)
    rows = [(brand, make_id(brand, str(thread_id), url), thread_id, url, at, at) for thread_id, url in links]
    if rows:
        names = "brand, id, thread_id, url, created_at, due_at"
        marks = ", ".join([mark(connection)] * 6)
        statement = f"INSERT INTO links ({names}) VALUES ({marks}) ON CONFLICT (brand, id) DO NOTHING"  # noqa: S608
        connection.exec_driver_sql(statement, rows)


def states(connection: Connection, brand: str, thread_ids: Iterable[int]) -> dict[int, dict[str, LinkState]]:
    """What came of the links of these posts, by thread and URL; those not opened yet are there, undecided."""
    found: dict[int, dict[str, LinkState]] = {}
    columns = "thread_id, url, is_dead, says"
    for thread_id, url, is_dead, says in hot.select_by_ids(
        connection, columns, "links", brand, thread_ids, key="thread_id"
    ):
        found.setdefault(thread_id, {})[url] = LinkState(None if is_dead is None else bool(is_dead), says)
    return found


def load(connection: Connection, claims: Iterable[Claim]) -> dict[Claim, Link]:
    """The claimed links."""
    by_key = {claimed.key: claimed for claimed in claims}
    columns = "id, url, thread_id, created_at, is_dead, n_failures"
    return {
        by_key[brand, row[0]]: Link(row[1], row[2], from_us(row[3]), None if row[4] is None else bool(row[4]), row[5])
        for brand, ids in due.by_brand(by_key).items()
        for row in hot.select_by_ids(connection, columns, "links", brand, ids)
    }


def save(
    connection: Connection,
    claimed: Claim,
    link: Link,
    state: LinkState,
    n_failures: int,
    due_at: datetime | None,
    now: datetime,
) -> bool:
    """Write what came of opening a link; whether that makes a difference to its post, which is then judged again.

    Raises: ClaimLost.
    """
    values = {"is_dead": state.is_dead, "says": state.says[:300], "n_failures": n_failures, "checked_at": to_us(now)}
    due.release(connection, "links", claimed, due_at, **values)
    if bool(state.is_dead) == bool(link.is_dead):
        return False
    due.mark_due(connection, "threads", [(claimed.brand, link.thread_id)], now)
    return True
