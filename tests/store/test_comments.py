from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor.model import Author, make_id
from monitor.store import schema
from monitor.store.comments import load_threads, revisions_of
from monitor.store.engine import reading
from tests.store.rows import BRAND, LONG_AGO, NOON, PLATFORM, comment, save


def _id(native_id: str) -> int:
    return make_id(BRAND, PLATFORM, native_id)


def test_the_same_page_twice_changes_nothing(engine: Engine) -> None:
    page = [comment("a"), comment("b", parent="a")]
    assert save(engine, page).n_new == 2
    again = save(engine, page, now=NOON + timedelta(hours=1))
    assert (again.n_new, again.n_edited, again.n_unchanged, again.thread_ids) == (0, 0, 2, frozenset())


def test_what_is_stored_reads_back_as_it_was(engine: Engine) -> None:
    full = comment(
        "a",
        "Ça va? 🥐 \U0001f468\u200d\U0001f373",
        kind="review",
        author=Author("7", "Zoë", "@zoe", "https://p.example/zoe", 12, True),
        permalink="https://p.example/a",
        subject_native_id="post",
        subject_title="New hours",
        subject_url="https://p.example/post",
        edited_at=NOON,
        language="fr",
        stars=2.5,
        n_likes=3,
        n_replies=1,
        mentions=("@bakery",),
        is_hidden=True,
        is_private=True,
    )
    save(engine, [full])
    with reading(engine) as connection:
        stored = load_threads(connection, BRAND, [_id("a")])[_id("a")]
    assert [s.comment for s in stored] == [full]
    assert (stored[0].subject_id, stored[0].seen_at, stored[0].signals) == (_id("post"), NOON, {"angry": 0.1})


def test_other_stars_are_a_change_of_the_review_and_no_other_text_of_it(engine: Engine) -> None:
    review = comment("a", "Nice bread", kind="review", stars=5.0)
    save(engine, [review])
    later = NOON + timedelta(hours=2)
    save(engine, [replace(review, n_likes=4)], now=later)
    with reading(engine) as connection:
        [stored] = load_threads(connection, BRAND, [_id("a")])[_id("a")]
    assert stored.text_changed_at is None
    assert save(engine, [replace(review, stars=1.0)], now=later).n_edited == 1
    with reading(engine) as connection:
        [stored] = load_threads(connection, BRAND, [_id("a")])[_id("a")]
        kept = revisions_of(connection, BRAND, [_id("a")])
    assert (stored.comment.stars, stored.text_changed_at) == (1.0, later)
    assert not kept.get(_id("a"))


def test_an_edit_keeps_what_was_said_before(engine: Engine) -> None:
    save(engine, [comment("a", "It opens at 9")])
    later = NOON + timedelta(hours=2)
    saved = save(engine, [comment("a", "It opens at 10")], now=later)
    assert (saved.n_new, saved.n_edited) == (0, 1)
    with reading(engine) as connection:
        [stored] = load_threads(connection, BRAND, [_id("a")])[_id("a")]
        kept = revisions_of(connection, BRAND, [_id("a")])
    assert (stored.comment.text, stored.text_changed_at, stored.seen_at) == ("It opens at 10", later, NOON)
    assert [text for _, text in kept[_id("a")]] == ["It opens at 9"]


def test_more_likes_are_an_update_but_no_revision(engine: Engine) -> None:
    save(engine, [comment("a", n_likes=1)])
    assert save(engine, [comment("a", n_likes=2)]).n_edited == 1
    with reading(engine) as connection:
        [stored] = load_threads(connection, BRAND, [_id("a")])[_id("a")]
        assert revisions_of(connection, BRAND, [_id("a")]) == {}
    assert (stored.comment.n_likes, stored.text_changed_at) == (2, None)


def test_a_deleted_comment_stays_as_a_tombstone_and_may_come_back(engine: Engine) -> None:
    save(engine, [comment("a")])
    saved = save(engine, [], gone=["a", "never-seen"], now=NOON + timedelta(hours=1))
    assert (saved.n_gone, saved.thread_ids) == (1, frozenset({_id("a")}))
    with reading(engine) as connection:
        [tombstone] = load_threads(connection, BRAND, [_id("a")])[_id("a")]
    assert tombstone.deleted_at == NOON + timedelta(hours=1)
    assert tombstone.comment.text == "Is it open?"
    assert save(engine, [comment("a")]).n_edited == 1
    with reading(engine) as connection:
        [back] = load_threads(connection, BRAND, [_id("a")])[_id("a")]
    assert back.deleted_at is None


def test_what_was_there_before_the_source_is_history(engine: Engine) -> None:
    old, new = comment("a", created_at=NOON - timedelta(days=1)), comment("b", created_at=NOON + timedelta(seconds=1))
    save(engine, [old, new], added_at=NOON)
    with reading(engine) as connection:
        held = load_threads(connection, BRAND, [_id("a"), _id("b")])
    assert [held[_id(n)][0].is_history for n in "ab"] == [True, False]


@pytest.mark.parametrize("text", ["nul \0 byte", "half \ud83e a pair", "\u202eright to left", "x" * 100_000])
def test_any_text_can_be_stored(engine: Engine, text: str) -> None:
    hostile = comment(
        "a", text, author=Author("1\0", f"name {text[:50]}"), subject_title=text[:50], subject_native_id="p"
    )
    save(engine, [hostile])
    assert save(engine, [hostile]).n_unchanged == 1
    with reading(engine) as connection:
        assert len(load_threads(connection, BRAND, [_id("a")])[_id("a")]) == 1


def test_a_page_of_thousands_is_stored_like_a_small_one(engine: Engine) -> None:
    page = [comment(f"c{n}", f"text {n}") for n in range(2_500)]
    assert save(engine, page).n_new == 2_500
    changed = [replace(c, text=f"{c.text}!") for c in page[:1_200]] + page[1_200:]
    saved = save(engine, changed)
    assert (saved.n_new, saved.n_edited, saved.n_unchanged) == (0, 1_200, 1_300)


def test_a_comment_makes_its_thread_due_with_the_title_of_its_post(engine: Engine) -> None:
    save(engine, [comment("a", subject_native_id="post", subject_title="Sale!")])
    with reading(engine) as connection:
        table = schema.threads
        rows = {row.id: row for row in connection.execute(select(table))}
    assert set(rows) == {_id("a")}
    assert {row.title for row in rows.values()} == {"Sale!"}
    assert all(row.due_at is not None for row in rows.values())


def test_an_id_that_belongs_to_another_comment_is_never_overwritten(engine: Engine) -> None:
    save(engine, [comment("a", "mine")])
    with engine.begin() as connection:
        connection.execute(schema.comments.update().values(native_id="somebody-elses"))
    save(engine, [comment("a", "other words")], added_at=LONG_AGO)
    with reading(engine) as connection:
        assert connection.execute(select(schema.comments.c.text)).scalars().all() == ["mine"]
