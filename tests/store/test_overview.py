from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import Engine

from monitor.model import Author, Comment
from monitor.store import comments, overview, sources
from monitor.store.engine import reading, writing

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def save(engine: Engine, brand: str, n: int) -> None:
    said = [
        Comment(f"{brand}-{number}", "comment", f"text {number}", Author("1", "Kim"), NOW - timedelta(days=number))
        for number in range(n)
    ]
    incoming = comments.Incoming(brand, "park", f"{brand}-bench", NOW, said, [{} for _ in said], "v=1")
    with writing(engine) as connection:
        sources.sync(connection, [sources.Wanted(f"{brand}-bench", brand, "park", "acc")], NOW)
        comments.save_page(connection, incoming, (), NOW)


@pytest.mark.parametrize("n", [0, 1, overview.PAGE - 1, overview.PAGE, overview.PAGE + 1])
def test_everything_of_a_brand_is_read_once_whatever_the_size_of_a_page(engine: Engine, n: int) -> None:
    save(engine, "shop", n)
    save(engine, "cafe", 3)
    with reading(engine) as connection:
        read = [stored.comment.native_id for stored in overview.all_comments(connection, "shop")]
        assert sorted(read) == sorted(f"shop-{number}" for number in range(n))
        assert overview.count(connection, "comments", "shop") == n
        assert overview.count(connection, "threads", "shop") == n == len(list(overview.all_threads(connection, "shop")))


def test_only_what_is_young_enough_is_read(engine: Engine) -> None:
    save(engine, "shop", 10)
    since = NOW - timedelta(days=3)
    with reading(engine) as connection:
        assert len(list(overview.all_comments(connection, "shop", since))) == 4
        assert overview.count(connection, "comments", "shop", since) == 4
        (row, *_rest) = overview.all_threads(connection, "shop")
        assert overview.thread(connection, "shop", row.id) == row
        assert overview.brands(connection) == ["shop"]


def test_sources_are_counted_by_how_they_stand(engine: Engine) -> None:
    with writing(engine) as connection:
        sources.sync(connection, [sources.Wanted(name, "shop", "park", "acc") for name in "abc"], NOW)
        sources.close(connection, "c", "gone", NOW)
        sources.hold_account(connection, "acc", NOW + timedelta(hours=1), "asked too often")
    with reading(engine) as connection:
        stand = overview.sources_stand(connection)
        assert (stand.n, stand.n_closed, stand.n_unread, stand.n_failing, stand.last_read_at) == (2, 1, 2, 0, None)
        assert overview.held_accounts(connection, NOW) == [("acc", NOW + timedelta(hours=1), "asked too often")]
        assert overview.held_accounts(connection, NOW + timedelta(hours=2)) == []
        assert overview.n_quarantined(connection, timedelta(days=1), NOW) == 0
