"""Rules of storage: what goes when, and that a thread's state does not notice."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.storage import NOT_KEPT, Terms, admitted, forget, forget_at, opaque, shown_text, unquoted
from monitor.core.threads import FoldPolicy, fold
from monitor.model import Reason, Remains, StorageRules, StoredComment, Team, ThreadActs, ThreadState
from tests.core.test_threads_properties import ACTS, POLICIES, TEAMS, worlds
from tests.core.worlds import NOW, TEAM, said

DAY = timedelta(days=1)
BOTH = StorageRules(text_for=timedelta(0), author_for=timedelta(0))
TEXT = StorageRules(text_for=timedelta(0))
AUTHOR = StorageRules(author_for=timedelta(0))


def _gone(stored: StoredComment, rules: StorageRules, team: Team = TEAM) -> StoredComment:
    return forget(stored, rules, None, team, NOW + timedelta(days=365))


def _seen(state: ThreadState) -> tuple[object, ...]:
    """A state without the names of the customers, which are others when they are opaque."""
    customers = [replace(one, author_key="") for one in state.customers]
    return replace(state, customers=()), customers


@given(
    worlds(),
    st.lists(st.sampled_from([None, BOTH, TEXT, AUTHOR]), min_size=9, max_size=9),
    ACTS,
    POLICIES,
    TEAMS,
)
def test_a_threads_state_is_the_same_whatever_had_to_go_of_its_comments(
    thread: list[StoredComment],
    rules: list[StorageRules | None],
    acts: ThreadActs,
    policy: FoldPolicy,
    team: Team,
) -> None:
    left = [it if which is None else _gone(it, which, team) for it, which in zip(thread, rules, strict=False)]
    assert _seen(fold(left, team, acts, NOW, policy)) == _seen(fold(thread, team, acts, NOW, policy))


@given(worlds())
def test_forgetting_twice_is_forgetting_once(thread: list[StoredComment]) -> None:
    for it in thread:
        once = _gone(it, BOTH)
        assert _gone(once, BOTH) == once


@given(worlds())
def test_nothing_of_a_forgotten_customer_is_left_but_an_opaque_name(thread: list[StoredComment]) -> None:
    for it in thread:
        left = _gone(it, BOTH)
        if TEAM.owns(it.platform, it.comment):
            assert left.comment.author == it.comment.author
            assert left.comment.is_ours
        else:
            assert left.comment.author.native_id == opaque(it.brand, it.platform, it.comment.author.key)
            assert it.comment.author.key not in repr(left.comment.author)
            assert left.comment.author.name == left.comment.author.url == ""
        assert left.comment.text == ""
        assert (left.id, left.comment.created_at, left.signals) == (it.id, it.comment.created_at, it.signals)


def test_a_text_goes_before_an_author_where_the_platform_says_so() -> None:
    it = said(1, "tom", "Is there rye?")
    rules = StorageRules(text_for=2 * DAY, author_for=DAY)
    after_a_day = forget(it, rules, None, TEAM, it.seen_at + DAY)
    assert (after_a_day.has_text, after_a_day.has_author) == (True, False)
    after_two = forget(after_a_day, rules, None, TEAM, it.seen_at + 2 * DAY)
    assert (after_two.has_text, after_two.has_author) == (False, False)
    assert shown_text(after_two) == NOT_KEPT
    assert forget_at(rules, Terms(it.seen_at, None, None, after_two.remains)) is None


def test_a_renewed_comment_stays_and_one_that_is_not_renewed_goes() -> None:
    seen_at, refreshed_at = NOW, NOW + 20 * DAY
    renewing = StorageRules(text_for=30 * DAY, renews=True)
    assert forget_at(renewing, Terms(seen_at, refreshed_at)) == refreshed_at + 30 * DAY
    assert forget_at(replace(renewing, renews=False), Terms(seen_at, refreshed_at)) == seen_at + 30 * DAY


def test_what_is_deleted_there_goes_at_once_only_where_it_must() -> None:
    deleted = Terms(NOW, None, NOW + DAY)
    assert forget_at(StorageRules(forgets_deleted=True), deleted) == NOW + DAY
    assert forget_at(StorageRules(), deleted) is None
    assert forget_at(StorageRules(text_for=30 * DAY), deleted) == NOW + 30 * DAY


def test_a_text_that_comes_again_is_kept_only_while_that_is_allowed() -> None:
    it = said(1, "tom", "Is there rye?")
    left, later = _gone(it, BOTH), it.seen_at + 40 * DAY
    rules = StorageRules(text_for=30 * DAY, author_for=30 * DAY, renews=True)
    assert admitted(it.comment, left, rules, later) == (it.comment, None)
    comment, remains = admitted(it.comment, left, replace(rules, renews=False), later)
    assert comment.text == ""
    assert comment.author == left.comment.author
    assert remains == Remains(has_text=False, has_author=False, traits=frozenset({"words", "question"}))
    comment, remains = admitted(it.comment, left, StorageRules(text_for=50 * DAY, author_for=DAY), later)
    assert comment.text == it.comment.text
    assert comment.author == left.comment.author
    assert remains == Remains(has_author=False)


def test_reasons_keep_their_numbers_and_lose_their_words() -> None:
    angry = Reason("signal", "angry 0.92 is at least 0.8", ("UNACCEPTABLE",), 0.92, 0.8, 1, signal="angry")
    assert unquoted(angry) == replace(angry, words=())
    phrase = Reason("phrases", "says “worst ever”", ("worst ever",), None, None, 1)
    assert unquoted(phrase) == replace(phrase, says=NOT_KEPT, words=())
    listed = Reason("author_in", "written by Tom", (), "@tom", None, 1)
    assert unquoted(listed) == replace(listed, says=NOT_KEPT, value=None)
    kind = Reason("kind", "is a review", (), "review", "review", 1)
    assert unquoted(kind) == kind
