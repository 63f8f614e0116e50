"""Who speaks in a thread, and to whom: the customers' comments, and the replies of the brand addressed to each.

A reply of the brand is addressed to the customers it mentions and to the customer whose comment is the nearest
above it; where none is above it (a flat conversation, or a parent that we never saw) to those who wrote before it
in the same branch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.core.storage import alike
from monitor.model import StoredComment, Team

Place = tuple[datetime, int]  # where a comment stands in its thread's order: created_at, then id

NEVER: Place = (datetime.min.replace(tzinfo=UTC), -1)
_LOOP = -1  # the branch of comments whose parents go round in a circle


def place_of(stored: StoredComment) -> Place:
    return stored.comment.created_at, stored.id


def folded(name: str) -> str:
    """A handle or id as mentions are compared."""
    return name.lstrip("@").casefold()


@dataclass(slots=True)
class Customer:
    """One customer's comments that are not deleted, in order, and the replies addressed to them.

    A reply's place is where it reaches: its own, or that of the comment it stands under if clocks disagree.
    """

    key: str
    messages: list[StoredComment] = field(default_factory=list)
    replies: list[tuple[Place, StoredComment]] = field(default_factory=list)


@dataclass(slots=True)
class Conversation:
    """A thread's comments by id (deleted ones too, for its structure) and, of each customer's comment, by whom."""

    held: dict[int, StoredComment]
    in_order: list[StoredComment]
    customers: dict[str, Customer] = field(default_factory=dict)
    replies: list[StoredComment] = field(default_factory=list)
    wrote: dict[int, str] = field(default_factory=dict)
    _names: dict[str, str] | None = None

    @property
    def names(self) -> dict[str, str]:
        """Customers' keys by what a mention calls them; made when first asked for."""
        if self._names is None:
            self._names = {}
            for customer in self.customers.values():
                for author in {one.comment.author for one in customer.messages}:
                    for name in filter(None, (folded(author.handle), folded(author.native_id))):
                        self._names[name] = min(customer.key, self._names.get(name, customer.key))
        return self._names


def sort_voices(comments: Sequence[StoredComment], team: Team) -> Conversation:
    """Each comment once, in order, sorted by whether the brand or which customer speaks."""
    held = _distinct(alike(comments, team))
    thread = Conversation(held, sorted(held.values(), key=place_of))
    for stored in thread.in_order:
        comment = stored.comment
        if team.owns(stored.platform, comment):
            if _can_answer(stored, team):
                thread.replies.append(stored)
        elif comment.kind != "post":  # a post is what is talked about, whoever published it
            key = comment.author.key
            thread.wrote[stored.id] = key
            if stored.deleted_at is None:
                customer = thread.customers.get(key)
                if customer is None:
                    customer = thread.customers[key] = Customer(key)
                customer.messages.append(stored)
    return thread


def _can_answer(ours: StoredComment, team: Team) -> bool:
    """Whether what the brand wrote stands there for customers to read, and was meant for one."""
    comment = ours.comment
    if ours.deleted_at is not None or comment.is_hidden or (comment.kind == "post" and ours.parent_id is None):
        return False
    return team.bot_replies_count or not comment.author.is_bot


def _distinct(comments: Sequence[StoredComment]) -> dict[int, StoredComment]:
    """By id; of several versions of one comment the one that knows of its deletion, or its last text."""
    held: dict[int, StoredComment] = {}
    for stored in comments:
        known = held.setdefault(stored.id, stored)
        if known is not stored and known != stored and _version(known) < _version(stored):
            held[stored.id] = stored
    return held


def _version(stored: StoredComment) -> tuple[bool, datetime, str]:
    return stored.deleted_at is not None, stored.text_changed_at or NEVER[0], repr(stored)


def address(thread: Conversation) -> None:
    """Hand each reply of the brand to the customers it is addressed to."""
    above: dict[int, int | None] = {}
    branches: _Branches | None = None
    for reply in thread.replies:
        place = place_of(reply)
        reaches: dict[str, Place] = {}
        for name in reply.comment.mentions:
            if (key := thread.names.get(folded(name))) is not None:
                reaches[key] = place
        nearest = _customer_above(reply, thread, above)
        if nearest is not None:
            # what stands under a comment was written after it, whatever the two clocks say
            reaches[thread.wrote[nearest]] = max(place, place_of(thread.held[nearest]))
        elif not reaches:
            branches = branches or _Branches(thread)
            reaches = dict.fromkeys(branches.writers_before(reply), place)
        for key, reach in reaches.items():
            if key in thread.customers:
                thread.customers[key].replies.append((reach, reply))


def _customer_above(reply: StoredComment, thread: Conversation, above: dict[int, int | None]) -> int | None:
    """The id of the nearest customer's comment among a comment's parents; `above` remembers what was found."""
    path: list[int] = []
    here, found = reply, None
    while here.id not in above:
        path.append(here.id)
        above[here.id] = None  # so that a circle of parents ends
        if here.parent_id is None or here.parent_id not in thread.held:
            break
        if here.parent_id in thread.wrote:
            found = here.parent_id
            break
        here = thread.held[here.parent_id]
    else:
        found = above[here.id]
    for passed in path:
        above[passed] = found
    return found


class _Branches:
    """Who first wrote when in each branch: the comments whose topmost known ancestor names the same parent."""

    def __init__(self, thread: Conversation) -> None:
        self._held = thread.held
        self._tops: dict[int, int | None] = {}
        self._first: dict[int | None, dict[str, Place]] = {}
        for key, customer in thread.customers.items():
            for stored in customer.messages:
                self._first.setdefault(self._top(stored), {}).setdefault(key, place_of(stored))

    def writers_before(self, reply: StoredComment) -> Iterable[str]:
        place = place_of(reply)
        return [key for key, first in self._first.get(self._top(reply), {}).items() if first < place]

    def _top(self, stored: StoredComment) -> int | None:
        path: list[int] = []
        here, tops = stored, self._tops
        while here.id not in tops:
            path.append(here.id)
            tops[here.id] = _LOOP
            if here.parent_id is None or here.parent_id not in self._held:
                tops[here.id] = here.parent_id
                break
            here = self._held[here.parent_id]
        branch = tops[here.id]
        for passed in path:
            tops[passed] = branch
        return branch
