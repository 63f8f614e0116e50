"""Who waits in a thread: one sentence, one small thread."""

from datetime import timedelta

import pytest

from monitor.core.handoff import asks_to_go_private, says_sent
from monitor.core.threads import FoldPolicy
from monitor.model import ThreadActs
from tests.core.worlds import BOTS_COUNT, CLOSER, NOW, TAG, at, customer, said, state, waits


def test_a_customers_question_waits_from_when_it_was_written():
    thread = state(said(1, "tom"))
    assert (thread.awaiting_since, thread.open_ids, thread.n_comments, thread.last_at) == (at(1), (1,), 1, at(1))
    assert customer(thread, "tom").standing == "awaiting"


def test_a_reply_of_the_brand_under_it_answers():
    thread = state(said(1, "tom"), said(5, "bakery", under=1))
    assert thread.awaiting_since is None
    assert customer(thread, "tom").standing == "answered"
    assert thread.first_answer_after == timedelta(minutes=4)


def test_a_reply_deep_below_it_answers():
    thread = [said(1, "tom"), said(2, "bakery", under=1), said(3, "bakery", under=2), said(4, "bakery", under=3)]
    assert waits(thread) == ()
    assert waits([said(1, "tom"), said(9, "bakery", minute=3, under=8), said(8, "bakery", minute=2, under=1)]) == ()


def test_the_clock_starts_at_the_first_comment_since_our_last_reply_and_later_ones_do_not_reset_it():
    thread = state(said(1, "tom"), said(2, "bakery", under=1), *(said(n, "tom", under=2) for n in (10, 20, 30)))
    assert (thread.awaiting_since, thread.open_ids) == (at(10), (10, 20, 30))


def test_a_reply_to_the_last_of_several_comments_answers_them_all():
    assert waits([said(1, "tom"), said(2, "tom", under=1), said(3, "tom"), said(4, "bakery", under=3)]) == ()


def test_a_reply_to_somebody_else_answers_only_them():
    thread = state(said(1, "tom"), said(2, "eva", under=1, mentions=("bakery",)), said(3, "bakery", under=2))
    assert customer(thread, "eva").standing == "answered"
    assert customer(thread, "tom").awaiting_since == at(1)
    assert thread.open_ids == (1,)


def test_a_reply_that_mentions_a_customer_answers_them_wherever_it_stands():
    thread = [said(1, "tom"), said(2, "eva", mentions=("bakery",)), said(3, "bakery", under=2, mentions=("@Tom",))]
    assert waits(thread) == ()
    assert waits([*thread[:2], said(3, "bakery", mentions=("eva",))]) == (1,)


def test_a_reply_in_a_branch_whose_beginning_we_never_saw_answers_those_who_wrote_there():
    unseen = 99
    thread = [said(1, "tom", under=unseen), said(2, "bakery", under=unseen), said(3, "eva", under=unseen)]
    assert waits(thread) == (3,)
    assert waits([said(1, "tom", under=unseen), said(2, "bakery", under=98)]) == (1,)


def test_a_flat_conversation_without_parents_is_answered_by_what_comes_later():
    flat = [said(1, "tom", kind="message"), said(2, "bakery", kind="message"), said(3, "tom", kind="message")]
    assert waits(flat) == (3,)
    assert waits([*flat, said(4, "bakery_anna", kind="message")]) == ()


def test_every_account_of_the_team_answers_and_a_bot_only_if_it_is_configured_to():
    assert waits([said(1, "tom"), said(2, "bakery_anna", under=1)]) == ()
    robot = [said(1, "tom"), said(2, "bakerybot", under=1)]
    assert waits(robot) == (1,)
    assert waits(robot, team=BOTS_COUNT) == ()


def test_the_brands_own_post_and_own_comments_wait_for_nothing_and_answer_nobody():
    thread = state(said(1, "bakery", "We open at nine", kind="post"), said(2, "tom"), said(3, "bakery", kind="post"))
    assert thread.open_ids == (2,)
    assert [one.author_key for one in thread.customers] == ["tom"]
    assert state(said(1, "bakery"), said(2, "bakery", under=1)).customers == ()


def test_what_the_platform_says_of_whose_comment_it_is_outweighs_the_team_list():
    assert waits([said(1, "stranger", is_ours=True)]) == ()
    assert waits([said(1, "bakery", is_ours=False)]) == (1,)


def test_a_deleted_or_hidden_comment_no_longer_waits():
    assert waits([said(1, "tom", deleted=True), said(2, "tom", is_hidden=True)]) == ()
    gone = state(said(1, "tom", deleted=True))
    assert (gone.customers, gone.n_comments, gone.last_at) == ((), 0, at(1))


def test_a_reply_that_was_deleted_or_is_hidden_answers_nobody():
    assert waits([said(1, "tom"), said(2, "bakery", under=1, deleted=True)]) == (1,)
    assert waits([said(1, "tom"), said(2, "bakery", under=1, is_hidden=True)]) == (1,)


def test_a_deleted_comment_still_holds_the_conversation_together():
    assert waits([said(1, "tom"), said(2, "tom", under=1, deleted=True), said(3, "bakery", under=2)]) == ()


def test_a_late_arriving_older_comment_does_not_reopen_what_a_later_reply_answered():
    settled = [said(10, "tom"), said(20, "bakery", under=10)]
    assert waits([*settled, said(5, "tom", seen=60)]) == ()
    assert waits([*settled, said(30, "tom"), said(15, "bakery", under=10, seen=60)]) == (30,)


def test_a_reply_is_later_than_what_it_stands_under_even_if_the_clocks_disagree():
    assert waits([said(1, "tom", minute=10), said(2, "bakery", minute=9, under=1)]) == ()
    assert waits([said(7, "tom", minute=10), said(2, "bakery", minute=10, under=7)]) == ()


@pytest.mark.parametrize("text", ["🥖❤️", "!!!", "…", "   ", ""])
def test_emoji_and_nothing_at_all_need_no_answer(text: str):
    thread = state(said(1, "tom", text))
    assert (thread.open_ids, customer(thread, "tom").standing) == ((), "no_reply_needed")


def test_question_marks_alone_and_a_picture_in_a_private_message_do_need_an_answer():
    assert waits([said(1, "tom", "???")]) == (1,)
    assert waits([said(1, "tom", "", kind="message")]) == (1,)


def test_thanks_after_our_reply_close_the_conversation_and_what_was_asked_in_between():
    thread = [said(1, "tom"), said(2, "bakery", under=1), said(3, "tom", under=2)]
    thanks = said(4, "tom", "Oh, found it, thanks!", under=2, signals=CLOSER)
    assert waits(thread) == (3,)
    assert customer(state(*thread, thanks), "tom").standing == "closed"
    assert waits([*thread, thanks, said(5, "tom", under=2)]) == (5,)


def test_thanks_that_nobody_has_earned_yet_do_not_close_the_question():
    assert waits([said(1, "tom"), said(2, "tom", "Thank you", under=1, signals=CLOSER)]) == (1,)


def test_thanks_that_are_hidden_close_nothing():
    begun = [said(1, "tom"), said(2, "bakery", under=1), said(3, "tom")]
    assert waits([*begun, said(4, "tom", "Thanks", is_hidden=True, signals=CLOSER)]) == (3,)


def test_thanks_with_a_question_and_thanks_that_want_something_more_are_no_closing():
    begun = [said(1, "tom"), said(2, "bakery", under=1)]
    assert waits([*begun, said(3, "tom", "Thanks! And on Sunday?", signals=CLOSER)]) == (3,)
    assert waits([*begun, said(3, "tom", "Thanks, still cold", signals={"closing": 0.6, "needs_reply": 0.8})]) == (3,)
    assert waits([*begun, said(3, "tom", "Thanks, it is bread.example/?id=3", signals=CLOSER)]) == ()


def test_a_closing_below_the_configured_threshold_is_none():
    thanks = [said(1, "tom", "ta", signals={"closing": 0.6})]
    assert waits(thanks) == ()
    assert waits(thanks, policy=FoldPolicy(closing_threshold=0.7)) == (1,)


def test_tagging_a_friend_needs_no_answer():
    assert waits([said(1, "tom", "@eva look", signals=TAG)]) == ()


def test_a_question_that_begins_with_a_name_is_no_mere_tag():
    asks = {"tagging_only": 0.52, "needs_reply": 0.98}
    assert waits([said(1, "tom", "@rosewood Do you open on Sunday?", signals=asks)]) == (1,)
    assert waits([said(1, "tom", "@bakery_anna look", mentions=("@bakery_anna",), signals=TAG)]) == (1,)


def test_customers_talking_to_each_other_wait_for_nothing_unless_it_is_for_us_after_all():
    ask = said(1, "tom")
    assert waits([ask, said(2, "eva", "They do, on Fridays", under=1)]) == (1,)
    assert waits([ask, said(2, "eva", "Same here, when?", under=1, signals={"needs_reply": 0.9})]) == (1, 2)
    assert waits([ask, said(2, "eva", "Same here", under=1, mentions=("@bakery_anna",))]) == (1, 2)
    flat = [ask, said(2, "eva", "On Fridays", under=1), said(3, "tom", "Oh, right", under=1, mentions=("eva",))]
    assert waits(flat) == (1,)


def test_a_third_party_who_mentions_us_is_a_customer_of_their_own():
    thread = state(said(1, "tom", kind="mention"), said(2, "bakery", under=1), said(3, "eva", kind="mention", under=2))
    assert thread.open_ids == (3,)
    assert thread.awaiting_since == at(3)


def test_the_thread_waits_since_the_earliest_of_its_customers():
    thread = state(said(1, "tom"), said(2, "bakery", under=1), said(3, "eva"), said(4, "tom"))
    assert thread.awaiting_since == at(3)
    assert thread.open_ids == (3, 4)


def test_an_edit_after_our_reply_starts_the_clock_again_at_the_edit():
    thread = state(said(1, "tom", edited=30), said(5, "bakery", under=1))
    assert (thread.open_ids, thread.awaiting_since) == ((1,), at(30))
    assert waits([said(1, "tom", edited=4), said(5, "bakery", under=1)]) == ()
    assert waits([said(1, "tom", edited=30), said(5, "bakery", under=1), said(40, "bakery", under=1)]) == ()


def test_an_edit_before_any_reply_does_not_move_the_clock():
    assert state(said(1, "tom", edited=30)).awaiting_since == at(1)


def test_an_edit_that_we_saw_late_counts_from_when_the_platform_says_it_was_made():
    assert waits([said(1, "tom", edited=30, told_edited=4), said(5, "bakery", under=1)]) == ()


def test_an_edit_after_our_reply_that_we_read_only_then_starts_the_clock_at_the_edit() -> None:
    review = said(1, "tom", "Still stale", kind="review", stars=1.0, told_edited=30)
    thread = state(review, said(5, "bakery", under=1))
    assert (thread.open_ids, thread.awaiting_since) == ((1,), at(30))
    assert waits([review, said(5, "bakery", under=1), said(40, "bakery", under=1)]) == ()
    assert state(review).awaiting_since == at(1)


def test_an_edit_into_thanks_does_not_reopen():
    thanks = said(1, "tom", "Solved, thanks", edited=30, signals=CLOSER)
    assert waits([thanks, said(5, "bakery", under=1)]) == ()


def test_please_send_us_a_message_answers_and_a_new_comment_reopens():
    begun = [said(1, "tom"), said(2, "bakery", "So sorry! Please DM us your order number.", under=1)]
    assert waits(begun) == ()
    assert waits([*begun, said(3, "tom", "I would rather not", under=2)]) == (3,)


def test_a_customer_who_sent_the_message_is_handed_off_until_the_wait_is_over():
    thread = [
        said(1, "tom"),
        said(2, "bakery", "Could you send us a DM?", under=1),
        said(3, "tom", "How long will that take", under=2),
        said(4, "tom", "DM sent", under=2),
    ]
    off = state(*thread)
    assert (customer(off, "tom").standing, off.open_ids, off.due_at) == ("handed_off", (), at(4) + timedelta(hours=24))
    over = state(*thread, now=at(4) + timedelta(hours=24))
    assert (over.open_ids, over.awaiting_since, over.due_at) == ((3, 4), at(3), None)
    assert state(*thread, said(5, "tom", "Thanks", under=2, signals=CLOSER)).due_at == off.due_at
    again = state(*thread, said(9, "tom", "Hello? Anyone?", under=2))
    assert (again.open_ids, again.awaiting_since, again.due_at) == ((9,), at(9), off.due_at)
    answered = state(*thread, said(9, "bakery", "Got it", under=4))
    assert (customer(answered, "tom").standing, answered.due_at) == ("answered", None)


def test_a_message_sent_that_nobody_asked_for_waits_like_any_other():
    assert waits([said(1, "tom"), said(2, "bakery", "Sorry!", under=1), said(3, "tom", "DM sent", under=2)]) == (3,)


def test_a_close_by_a_person_covers_what_was_seen_until_then():
    closed = ThreadActs(closed_at=at(60))
    shut = state(said(1, "tom"), acts=closed)
    assert (shut.open_ids, customer(shut, "tom").standing) == ((), "closed")
    assert waits([said(1, "tom"), said(61, "tom")], acts=closed) == (61,)
    assert waits([said(1, "tom", seen=70)], acts=closed) == (1,)
    edited = state(said(1, "tom", edited=80), acts=closed)
    assert (edited.open_ids, edited.awaiting_since) == ((1,), at(80))


def test_a_review_waits_until_it_is_answered_and_again_when_it_is_rewritten():
    review = said(1, "tom", "Stale bread", kind="review", stars=2.0)
    reply = said(5, "bakery", under=1)
    assert waits([review]) == (1,)
    assert waits([review, reply]) == ()
    assert waits([said(1, "tom", "Still stale", kind="review", stars=1.0, edited=30), reply]) == (1,)


def test_few_stars_want_an_answer_without_a_word_and_many_do_not():
    assert waits([said(1, "tom", "", kind="review", stars=1.0)]) == (1,)
    assert waits([said(1, "tom", "", kind="review", stars=5.0)]) == ()
    assert waits([said(1, "tom", "Thanks for nothing", kind="review", stars=1.0, signals=CLOSER)]) == (1,)


def test_our_like_is_an_answer_only_if_it_is_configured_to_be():
    liked = [said(1, "tom", "Lovely window today", is_liked_by_us=True)]
    assert waits(liked) == (1,)
    assert waits(liked, policy=FoldPolicy(likes_answer=True)) == ()


def test_the_first_answer_is_measured_from_the_first_comment_that_wanted_one():
    thread = [said(1, "tom", "🥖"), said(3, "tom"), said(10, "bakery", under=3), said(11, "tom"), said(50, "bakery")]
    assert state(*thread).first_answer_after == timedelta(minutes=7)
    assert state(said(1, "tom")).first_answer_after is None
    two = [said(1, "tom"), said(2, "eva"), said(4, "bakery", under=2), said(31, "bakery", under=1)]
    assert state(*two).first_answer_after == timedelta(minutes=30)


def test_an_empty_thread_has_an_empty_state():
    thread = state()
    assert (thread.awaiting_since, thread.open_ids, thread.customers, thread.last_at) == (None, (), (), None)


def test_parents_that_go_round_in_a_circle_do_not_hang_it():
    assert waits([said(1, "tom", under=1)]) == (1,)
    assert waits([said(1, "bakery", under=2), said(2, "bakery", under=1), said(3, "tom", under=2)]) == (3,)
    assert waits([said(1, "tom", under=2), said(2, "bakery", under=1)]) == ()


def test_a_chain_of_thousands_of_our_own_comments_is_walked_once():
    chain = [said(1, "tom"), *(said(n, "bakery", under=n - 1) for n in range(2, 5000))]
    thread = state(*chain, now=NOW + timedelta(days=9))
    assert (thread.open_ids, thread.n_comments) == ((), 4999)


@pytest.mark.parametrize(
    "text",
    [
        "Please DM us your order number",
        "Could you send us a direct message?",
        "Drop us an email and we'll look into it",
        "Schreib uns bitte eine PN",
        "¿Nos escribes por mensaje privado?",
        "Écrivez-nous en message privé",
        "We have received your DM and follow up there",
    ],
)
def test_a_request_to_go_private_is_recognised(text: str):
    assert asks_to_go_private(text)


@pytest.mark.parametrize("text", ["We open at nine", "The message on our door is old, sorry", "Thanks for telling us!"])
def test_an_ordinary_reply_is_no_request_to_go_private(text: str):
    assert not asks_to_go_private(text)


@pytest.mark.parametrize(
    "text", ["DM sent", "@bakery done, thank you", "I've just messaged you", "Enviado", "Hab euch eine PN geschickt"]
)
def test_saying_that_it_is_sent_is_recognised(text: str):
    assert says_sent(text)


@pytest.mark.parametrize(
    "text",
    [
        "I sent three DMs and no one answers",
        "Can I DM you?",
        "They sent me the wrong email",
        "Is it done?",
        "Still waiting",
    ],
)
def test_a_complaint_or_question_about_messages_is_not_taken_for_it(text: str):
    assert not says_sent(text)
