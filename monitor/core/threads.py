"""Who is waiting in a thread, derived from its history: never kept, so never wrong for longer than one look.

Each customer stands alone. A reply of the brand is *addressed* to the customers it mentions and to the customer
whose comment is the nearest above it; where none is above it (a flat conversation, or a parent that we never
saw) to those who wrote before it in the same branch. It answers all that they wrote until then. So a reply to
somebody else answers nobody but them, and a comment that arrives late changes nothing that a later reply settled.

Thanks, goodbyes, emoji, tagged friends and customers talking to each other wait for nothing. A customer's thanks
after we have answered also close what they asked in between ("oh, works now, thanks"); thanks that nobody has
earned yet close nothing ("Where is my order?" - "Thank you").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.conversation import NEVER, Conversation, Customer, Place, address, folded, place_of, sort_voices
from monitor.core.storage import has
from monitor.model import CustomerState, Signals, Standing, StoredComment, Team, ThreadActs, ThreadState

_LOW_STARS = 3  # of 5: a review like this wants an answer even without a word


@dataclass(frozen=True, slots=True)
class FoldPolicy:
    """What counts as needing no answer; the thresholds are of the signals' values.

    `needs_reply_threshold` decides only where customers talk to each other: from there on it is for us after all.
    `hand_off_wait` is how long a customer who moved to private messages is taken to be served there. With
    `likes_answer` the brand's like under a comment is answer enough.
    """

    closing_threshold: float = 0.5
    needs_reply_threshold: float = 0.5
    hand_off_wait: timedelta = timedelta(hours=24)
    likes_answer: bool = False
    tagging_threshold: float = 0.5


def fold(
    comments: Sequence[StoredComment],
    team: Team,
    acts: ThreadActs,
    now: datetime,
    policy: FoldPolicy = FoldPolicy(),
) -> ThreadState:
    """The state of one thread from all of its comments, in any order and however often each is given."""
    thread = sort_voices(comments, team)
    address(thread)
    customers: list[CustomerState] = []
    first_answers: list[tuple[datetime, timedelta]] = []
    due_at: datetime | None = None
    for customer in thread.customers.values():
        wanting = [one for one in customer.messages if wants_answer(one, thread, team, policy)]
        if wanting and customer.replies:
            first_answers += _first_answer(wanting, customer)
        state, runs_out_at = _stand(customer, wanting, acts, now, policy)
        customers.append(state)
        if runs_out_at is not None:
            due_at = runs_out_at if due_at is None else min(due_at, runs_out_at)
    waiting_since = [one.awaiting_since for one in customers if one.awaiting_since is not None]
    is_open = {comment_id for state in customers for comment_id in state.open_ids}
    in_order = thread.in_order
    return ThreadState(
        awaiting_since=min(waiting_since, default=None),
        open_ids=tuple([one.id for one in in_order if one.id in is_open]),
        customers=tuple(customers),
        n_comments=len([one for one in in_order if one.deleted_at is None]),
        last_at=in_order[-1].comment.created_at if in_order else None,
        first_answer_after=min(first_answers)[1] if first_answers else None,
        due_at=due_at,
    )


def wants_answer(stored: StoredComment, thread: Conversation, team: Team, policy: FoldPolicy) -> bool:
    """Whether a customer's comment is of the kind that the brand should answer."""
    comment, signals = stored.comment, stored.signals
    if comment.is_hidden or (policy.likes_answer and comment.is_liked_by_us):
        return False
    if comment.kind == "review" and comment.stars is not None and comment.stars <= _LOW_STARS:
        return True
    if not has(stored, "words"):  # emoji only; a message of a picture alone is for us
        return comment.kind == "message" and has(stored, "blank")
    if is_closer(stored, policy) or _calls_a_friend(stored, team, policy):
        return False
    if _is_among_customers(stored, thread, team):
        if signals.get("needs_reply") is None:
            return _names_team(stored, team)
        return _number(signals, "needs_reply") >= policy.needs_reply_threshold
    return True


def _calls_a_friend(stored: StoredComment, team: Team, policy: FoldPolicy) -> bool:
    """Whether it only names somebody else; who names us, or rather asks, wants an answer."""
    tagging = _number(stored.signals, "tagging_only")
    if tagging < policy.tagging_threshold or tagging < _number(stored.signals, "needs_reply"):
        return False
    return not _names_team(stored, team)


def is_closer(stored: StoredComment, policy: FoldPolicy) -> bool:
    """Whether a comment ends the conversation from the customer's side: thanks, goodbye, solved, and no question."""
    closing = _number(stored.signals, "closing")
    if closing < policy.closing_threshold or closing < _number(stored.signals, "needs_reply"):
        return False
    return not has(stored, "question")


def _number(signals: Signals, name: str) -> float:
    value = signals.get(name)
    return value if isinstance(value, (float, int)) else 0.0


def _is_among_customers(stored: StoredComment, thread: Conversation, team: Team) -> bool:
    """Whether a comment stands under another customer's, or speaks to another customer and not to us."""
    own, mentions = thread.wrote[stored.id], stored.comment.mentions
    if stored.parent_id is not None and thread.wrote.get(stored.parent_id, own) != own:
        return True
    if not mentions or _names_team(stored, team):
        return False
    return any(thread.names.get(folded(name), own) != own for name in mentions)


def _names_team(stored: StoredComment, team: Team) -> bool:
    return any(
        (stored.platform, name) in team.author_ids or folded(name) in team.handles for name in stored.comment.mentions
    )


@dataclass(frozen=True, slots=True)
class _Settled:
    """Up to where a customer's comments are settled, and what has settled them."""

    answered: Place  # by the brand's replies
    closed: Place  # by the customer's own thanks after a reply
    handed_off: Place  # by "sent you a DM" after a request for one, whether or not its time is over


_UNSETTLED = _Settled(NEVER, NEVER, NEVER)


def _open_since(stored: StoredComment, settled: Place, closed_at: datetime | None) -> datetime | None:
    """Since when this comment waits; None if it is settled. An edit after that starts it again."""
    place = place_of(stored)
    if closed_at is not None and stored.seen_at <= closed_at:
        if stored.text_changed_at is None or stored.text_changed_at <= closed_at:
            return None
    elif place > settled:
        return stored.comment.created_at
    edited_at = _edited_at(stored)
    if place <= settled and (edited_at is None or edited_at <= settled[0]):
        return None
    return edited_at


def _edited_at(stored: StoredComment) -> datetime | None:
    """When it was changed: the platform's word where it has one, for we may have looked much later, or never before."""
    told, seen = stored.comment.edited_at, stored.text_changed_at
    return min((at for at in (told, seen) if at is not None), default=None)


def _stand(
    customer: Customer, wanting: Sequence[StoredComment], acts: ThreadActs, now: datetime, policy: FoldPolicy
) -> tuple[CustomerState, datetime | None]:
    """Where one customer stands, and when the clock alone will change that."""
    settled, closed_at = _settle(customer, policy), acts.closed_at
    until = max(settled.answered, settled.closed)
    waits = [(since, one) for one in wanting if (since := _open_since(one, until, closed_at)) is not None]
    runs_out_at: datetime | None = None
    handed_off = False
    if settled.handed_off > NEVER and settled.handed_off[0] + policy.hand_off_wait > now:
        until = max(until, settled.handed_off)
        left = [(since, one) for since, one in waits if _open_since(one, until, closed_at) is not None]
        if len(left) < len(waits):
            handed_off, runs_out_at, waits = True, settled.handed_off[0] + policy.hand_off_wait, left
    state = CustomerState(
        author_key=customer.key,
        standing="awaiting" if waits else "handed_off" if handed_off else _rest(customer, wanting, settled, closed_at),
        awaiting_since=min([since for since, _ in waits], default=None),
        open_ids=tuple([one.id for _, one in waits]),
        last_at=customer.messages[-1].comment.created_at,
    )
    return state, runs_out_at


def _settle(customer: Customer, policy: FoldPolicy) -> _Settled:
    if not customer.replies:
        return _UNSETTLED
    answered, last_reply = max(customer.replies, key=lambda one: (one[0], place_of(one[1])))
    after = [one for one in customer.messages if place_of(one) > answered and not one.comment.is_hidden]
    handed_off = closed = NEVER
    if after and has(last_reply, "asks_to_go_private"):
        handed_off = max((place_of(one) for one in after if has(one, "says_sent")), default=NEVER)
    if handed_off == NEVER:  # "DM sent." "Thanks" still waits for what comes of it
        closed = max((place_of(one) for one in after if is_closer(one, policy)), default=NEVER)
    return _Settled(answered, closed, handed_off)


def _rest(
    customer: Customer, wanting: Sequence[StoredComment], settled: _Settled, closed_at: datetime | None
) -> Standing:
    """The standing of a customer who waits for nothing."""
    if closed_at is not None and any(place_of(one) > settled.answered and one.seen_at <= closed_at for one in wanting):
        return "closed"
    if settled.closed > NEVER and settled.closed == place_of(customer.messages[-1]):
        return "closed"
    return "answered" if customer.replies and wanting else "no_reply_needed"


def _first_answer(wanting: Sequence[StoredComment], customer: Customer) -> list[tuple[datetime, timedelta]]:
    """When this customer first asked and how long the first answer to that took; empty if there is none yet."""
    asked = place_of(wanting[0])
    answers = [reply.comment.created_at for reach, reply in customer.replies if reach >= asked]
    return [(asked[0], max(min(answers) - asked[0], timedelta(0)))] if answers else []
