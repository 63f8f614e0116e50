"""The words of heedful as frozen data: what flows between the floors. Nothing here does any work.

All instants are aware UTC. Ids are 63-bit integers made by `make_id` from what the platform calls a thing, so
that two hosts, two polls and a crash all give the same comment the same id without asking each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Literal

Kind = Literal["comment", "mention", "review", "message", "post"]
SignalValue = float | str | None
Signals = Mapping[str, SignalValue]


def make_id(brand: str, platform: str, native_id: str) -> int:
    """The id of a comment (and of the thread that it is the root of); stable across hosts and time."""
    digest = blake2b(f"{brand}\0{platform}\0{native_id}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(one + two for one in _ALPHABET for two in _ALPHABET)


def show_id(number: int) -> str:
    """An id as people type it: 13 characters of Crockford base32, most significant first (prefixes are ranges)."""
    pairs = _PAIRS  # two characters at a time: ids are shown by the ten thousand
    return (
        f"{_ALPHABET[number >> 60 & 31]}{pairs[number >> 50 & 1023]}{pairs[number >> 40 & 1023]}"
        f"{pairs[number >> 30 & 1023]}{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
    )


def parse_id_prefix(typed: str) -> tuple[int, int]:
    """The first and last id that begin as a person typed it; (1, 0), an empty range, where no id can."""
    cleaned = typed.strip().lower().replace("o", "0").replace("i", "1").replace("l", "1")
    if not 4 <= len(cleaned) <= 13 or any(character not in _ALPHABET for character in cleaned):
        return 1, 0
    number = 0
    for character in cleaned:
        number = number << 5 | _ALPHABET.index(character)
    free = 5 * (13 - len(cleaned))
    if number << free >= 1 << 63:
        return 1, 0
    return number << free, min((number + 1 << free) - 1, (1 << 63) - 1)


class Severity(StrEnum):
    """How much a flag matters; `rank` is ascending urgency order (0 first) as the backlog stores it."""

    CRISIS = "crisis"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Severity.CRISIS: 0, Severity.HIGH: 10, Severity.MEDIUM: 20, Severity.LOW: 30}
UNFLAGGED_RANK = 50


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote; `native_id` is the platform's stable id, "" where it has none (names can be forged)."""

    native_id: str
    name: str
    handle: str = ""
    url: str = ""
    n_followers: int | None = None
    is_bot: bool = False

    @property
    def key(self) -> str:
        """What tells two people of one platform apart, as well as the platform allows."""
        return self.native_id or f"name:{self.name.casefold()}"


@dataclass(frozen=True, slots=True)
class Comment:
    """One utterance as its platform tells it: what a connector's `normalise` returns.

    Native ids are unique within (brand, platform): where a platform is many servers (Mastodon, WordPress) the
    connector puts the server's host in front. `parent_native_id` is the comment answered (never the post);
    `subject_native_id` is the post it hangs under. `root_native_id` is given where the platform tells the root
    of the conversation, and otherwise found by following parents.
    """

    native_id: str
    kind: Kind
    text: str
    author: Author
    created_at: datetime
    permalink: str = ""
    parent_native_id: str | None = None
    root_native_id: str | None = None
    subject_native_id: str | None = None
    subject_title: str = ""
    subject_url: str = ""
    edited_at: datetime | None = None
    language: str = ""
    stars: float | None = None
    n_likes: int = 0
    n_replies: int | None = None  # as the platform counts them; None where it does not say
    mentions: tuple[str, ...] = ()  # author native ids or handles addressed in the text
    is_ours: bool | None = None  # None: the platform does not say; the brand's team decides
    is_hidden: bool = False  # held for moderation or hidden from the public
    is_private: bool = False  # not to be copied into a shared chat room
    is_liked_by_us: bool = False  # the brand's own account liked it, where the platform tells


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one account may ask of its platform in a time, in whatever the platform counts."""

    n: float
    per: timedelta
    unit: str = "requests"
    resets_in: str = "UTC"  # the time zone at whose midnight a budget of a day begins anew


@dataclass(frozen=True, slots=True)
class StorageRules:
    """How long the platform lets us keep what we read, where its terms say so; None: as long as we like.

    After `text_for` the text goes, after `author_for` the name and address of who wrote it; that a comment existed,
    when, and what we did stays. `forgets_deleted`: what is deleted there must lose its text here. `renews`: the time
    begins anew whenever the platform gives us the comment again; otherwise it counts from when we first saw it.
    """

    text_for: timedelta | None = None
    author_for: timedelta | None = None
    forgets_deleted: bool = False
    renews: bool = False

    @property
    def shortest(self) -> timedelta | None:
        """How long a copy that nobody renews may be kept."""
        return min((length for length in (self.text_for, self.author_for) if length is not None), default=None)


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of a comment of which the platform's rules let us keep no more.

    `traits` is what its thread's state needs to know of a text that is gone (`core.storage`).
    """

    has_text: bool = True
    has_author: bool = True
    traits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StoredComment:
    """A comment as we hold it: the platform's word, and what we know of it.

    `text_changed_at` is when we first saw the present text or stars of an edited comment, None if it was never edited.
    `is_history`: it was already there when its source was added, or was imported; it never alerts. `stirs`: a rule
    about many people under one post could count it (as last assessed). `remains` is None while all of it is kept.
    """

    brand: str
    platform: str
    source_id: str
    id: int
    thread_id: int
    parent_id: int | None
    subject_id: int | None
    comment: Comment
    seen_at: datetime
    text_changed_at: datetime | None = None
    deleted_at: datetime | None = None
    is_history: bool = False
    signals: Signals = field(default_factory=dict)
    signals_version: str = ""
    stirs: bool = False
    remains: Remains | None = None

    @property
    def has_text(self) -> bool:
        return self.remains is None or self.remains.has_text

    @property
    def has_author(self) -> bool:
        return self.remains is None or self.remains.has_author


@dataclass(frozen=True, slots=True)
class Source:
    """One watched place, as the queue knows it. `cursor` is the connector's own JSON value."""

    id: str
    brand: str
    platform: str
    account: str
    cursor: object
    added_at: datetime
    next_poll_at: datetime
    n_failures: int = 0
    own_author_ids: frozenset[str] = frozenset()
    account_is_held: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """Who speaks for the brand: account ids (as (platform, native id)), handles and, where nothing better, names."""

    author_ids: frozenset[tuple[str, str]] = frozenset()
    handles: frozenset[str] = frozenset()  # casefolded, without a leading @
    names: frozenset[str] = frozenset()  # casefolded; only what the operator listed as "name:..."
    bot_replies_count: bool = False

    def owns(self, platform: str, comment: Comment) -> bool:
        """Whether the brand wrote this comment."""
        if comment.is_ours is not None:
            return comment.is_ours
        author = comment.author
        if author.native_id and (platform, author.native_id) in self.author_ids:
            return True
        if author.handle and author.handle.lstrip("@").casefold() in self.handles:
            return True
        return bool(self.names) and author.name.casefold() in self.names


Standing = Literal["awaiting", "answered", "closed", "handed_off", "no_reply_needed"]


@dataclass(frozen=True, slots=True)
class CustomerState:
    """Where one customer stands within a thread. `open_ids` are their comments that still want an answer."""

    author_key: str
    standing: Standing
    awaiting_since: datetime | None
    open_ids: tuple[int, ...]
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ThreadActs:
    """What people decided about a thread; `closed_at` covers only the comments seen until then."""

    closed_at: datetime | None = None
    closed_by: str = ""
    snoozed_until: datetime | None = None
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class ThreadState:
    """What `core.threads.fold` derives from a thread's comments and people's acts.

    `awaiting_since` is the earliest over the customers; `open_ids` are in order of time. `root_id` may be a
    comment that we never saw (then it is not in the comments).
    """

    awaiting_since: datetime | None
    open_ids: tuple[int, ...]
    customers: tuple[CustomerState, ...]
    n_comments: int
    last_at: datetime | None
    first_answer_after: timedelta | None = None
    due_at: datetime | None = None  # when the clock alone changes this state (a hand-off that runs out)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a condition held, in numbers and words that a person can check."""

    condition: str
    says: str
    words: tuple[str, ...] = ()
    value: float | str | None = None
    threshold: float | str | None = None
    comment_id: int | None = None
    signal_version: str = ""
    signal: str = ""  # the one whose value this is


@dataclass(frozen=True, slots=True)
class Flag:
    """A rule's true verdict about a thread. `evidence` are the ids of the comments that it rests on."""

    brand: str
    thread_id: int
    rule: str
    severity: Severity
    group_key: str
    reasons: tuple[Reason, ...]
    evidence: tuple[int, ...]
    raised_at: datetime
    is_history: bool = False
    playbook: str = ""
    route: str = ""
    alert_id: int | None = None
    platform: str = ""
    source_id: str = ""

    @property
    def fingerprint(self) -> str:
        return f"{self.rule}:{show_id(self.thread_id)}"


AlertStatus = Literal["open", "acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Alert:
    """Flags that people are told about together. `told` are the fingerprints in the last notice.

    `members` are the fingerprints of its standing flags with their severities; an operator's alert (a dead
    channel, a broken source) has one member, its own group key.
    """

    brand: str
    id: int
    rule: str
    group_key: str
    severity: Severity
    status: AlertStatus
    opened_at: datetime
    members: Mapping[str, Severity] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    told_severity: Severity | None = None
    last_told_at: datetime | None = None
    n_told: int = 0
    snoozed_until: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    playbook: str = ""
    route: str = ""
    platform: str = ""  # of its first member, for routing
    says: str = ""  # of an operator's alert: what is wrong and what to do
    source_id: str = ""  # of its members while they are all of one source, for silences; "" once they are of several
    n_repeats: int = 0  # reminders since the last news
    unowned_since: datetime | None = (
        None  # when people were first told while nobody had it: escalation counts from here
    )
    step: int = 0  # of its ladder: the steps that have been told
    n_reopened: int = 0
    why: str = ""  # nothing more is told at present, as last decided
    shown: str = ""  # a digest of what messages that are kept current show of it
    evidence: frozenset[str] = frozenset()  # fingerprints of the comments that a crisis rests on: it grows by them too


NoticeReason = Literal[
    "first", "more", "severity_rose", "repeat", "escalated", "reopened", "resolved", "update", "digest"
]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A channel that is told, and whose it is: "" where it is a room's."""

    channel: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A matcher and a time window: nothing is sent, everything is recorded. Empty fields match anything."""

    id: int
    brand: str
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    rule: str = ""
    platform: str = ""
    source_id: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class ThreadBrief:
    """One flagged thread as a notice tells it; texts are plain and untrusted. Times are aware UTC."""

    thread_id: str  # as people type it
    platform: str
    source_id: str
    author_name: str
    excerpt: str
    permalink: str
    created_at: datetime
    awaiting_since: datetime | None
    reasons: tuple[Reason, ...]
    subject_title: str = ""
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class StepPlan:
    """Who takes on a step of a playbook ("": whoever has the alert), and within what time (None: no hurry)."""

    owner: str = ""
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PlaybookBrief:
    """What to do, as a notice tells it. `plans` has one for each step, or is empty."""

    name: str
    title: str
    steps: tuple[str, ...]
    avoid: tuple[str, ...] = ()
    situation: str = ""
    plans: tuple[StepPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section: plain and untrusted text, and where it leads ("": nowhere)."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines below a heading, as a digest and a crisis room have them; every channel draws them in its own way."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One decision to tell people about an alert, complete: rendering it needs nothing else.

    `threads` are the most urgent ones, `n_threads` counts all. `says` is the reason for telling now, in words.
    `owner` is who has acknowledged it. Where there are `sections` they come first. The reason
    "update" changes messages that were sent before and calls nobody; a "digest" is about no alert (its id is "").
    """

    id: int
    brand: str
    brand_name: str
    timezone: str
    alert_id: str  # as people type it
    reason: NoticeReason
    says: str
    rule: str
    rule_title: str
    severity: Severity
    created_at: datetime
    threads: tuple[ThreadBrief, ...]
    n_threads: int
    n_people: int = 0
    playbook: PlaybookBrief | None = None
    status: AlertStatus = "open"
    owner: str = ""
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice to one channel: a row of the outbox. `id` travels with the message where the target allows.

    `follows` is what the target calls the message that first told this alert there ("": none, or it does not say);
    an edit changes that message, anything else may be posted below it.
    """

    brand: str
    id: int
    channel: str
    notice: Notice
    n_attempts: int
    person: str = ""
    is_edit: bool = False
    follows: str = ""
