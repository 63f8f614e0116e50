"""What saving a page says was stored is what reading it back gives; and it is believed only while it is the whole."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from monitor.flows.memory import Fresh
from monitor.model import Author, Comment, make_id
from monitor.store import schema
from monitor.store.comments import load_threads
from monitor.store.due import Claim
from monitor.store.engine import reading, writing
from tests.store.rows import BRAND, NOON, PLATFORM, save

TEXTS = st.text(max_size=30) | st.sampled_from(["a\0b", "\ud800", "a\r\nb", "é", "", " x "])
COMMENTS = st.builds(
    Comment,
    native_id=st.sampled_from("abcdef"),
    kind=st.sampled_from(["comment", "review", "post"]),
    text=TEXTS,
    author=st.builds(Author, st.sampled_from(["", "7"]), TEXTS, TEXTS),
    created_at=st.integers(0, 10**12).map(lambda us: NOON + timedelta(microseconds=us)),
    permalink=TEXTS,
    parent_native_id=st.sampled_from([None, "a", "b", "z"]),
    subject_native_id=st.sampled_from([None, "post"]),
    subject_title=TEXTS,
    stars=st.sampled_from([None, 1.0, 4.5]),
    edited_at=st.sampled_from([None, NOON + timedelta(microseconds=7)]),
    mentions=st.sampled_from([(), ("7", "é")]),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(comments=st.lists(COMMENTS, max_size=6, unique_by=lambda comment: comment.native_id))
def test_what_was_just_stored_is_what_reading_it_back_gives(engine: Engine, comments: list[Comment]) -> None:
    with writing(engine) as connection:
        for table in (schema.comments, schema.threads):
            connection.execute(table.delete())
    half = len(comments) // 2
    for page in (comments[:half], comments[half:]):
        saved = save(engine, page)
        with reading(engine) as connection:
            held = load_threads(connection, BRAND, saved.fresh)
        for thread_id, fresh in saved.fresh.items():
            here = {comment.native_id for comment in page}
            there = [one for one in held[thread_id] if one.comment.native_id in here]
            assert sorted(fresh, key=lambda one: one.id) == sorted(there, key=lambda one: one.id)


def test_only_a_thread_that_was_touched_and_claimed_once_is_given_from_memory(engine: Engine) -> None:
    comment = Comment("a", "comment", "Hello", Author("7", "Kim"), NOON)
    saved = save(engine, [comment])
    thread_id = make_id(BRAND, PLATFORM, "a")
    for claim_no, is_given in ((1, True), (2, False)):
        fresh = Fresh()
        fresh.put(BRAND, saved.fresh)
        assert bool(fresh.take([Claim(BRAND, thread_id, claim_no)])) is is_given
        assert not fresh.take([Claim(BRAND, thread_id, 1)]), "each is given once"
