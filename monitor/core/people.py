"""The condition on many people: how many of them wrote under one post within a short time, and how they were."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from monitor.core.facts import View
from monitor.core.instants import length_in_micros, micros
from monitor.core.truth import NEVER, Asked, Condition, Truth, signal_names, version_of
from monitor.model import Reason, StoredComment

QUALIFIES_PEOPLE = frozenset({"signal", "phrases"})  # elsewhere conditions of their own, here they say who counts


@dataclass(frozen=True, slots=True)
class _Crowd:
    """The latest window with enough people: when it ended (microseconds), how many they were, what they wrote."""

    ended: int
    n_people: int
    comments: tuple[StoredComment, ...]


def in_time(comments: Iterable[StoredComment]) -> list[tuple[int, int, StoredComment]]:
    """Comments as (microseconds, id, comment), in order of time."""
    return sorted(
        # Nobody writes after we have read it: a platform whose clock is wrong must not keep a rule true.
        ((micros(min(it.comment.created_at, it.seen_at)), it.id, it) for it in comments),
        key=lambda entry: entry[:2],
    )


@dataclass(frozen=True, slots=True)
class People:
    """`people` distinct authors within `within`; it stays true for `lasts` after the last comment of such a window.

    An author counts if one of the signals reaches `at_least` or a phrase occurs, and any author where the rule
    names neither. Not counted: the team, bots, deleted comments, what was seen before a person closed the post.
    """

    n_wanted: int
    within: timedelta
    lasts: timedelta
    signals: tuple[str, ...]
    at_least: float
    phrases: dict[int, str]

    @property
    def is_choosy(self) -> bool:
        """Whether it matters what a person wrote."""
        return bool(self.signals or self.phrases)

    def counts(self, view: View, it: StoredComment) -> bool:
        closed_at = view.facts.acts.closed_at
        return (closed_at is None or it.seen_at > closed_at) and self.stirs(view, it)

    def stirs(self, view: View, it: StoredComment) -> bool:
        """Whether a comment is of the kind that is counted, whatever its post."""
        if self.is_choosy and self.strongest(it)[0] < self.at_least and not self.words_of(view, it):
            return False
        facts = view.facts
        return not (
            it.deleted_at is not None or it.comment.author.is_bot or facts.team.owns(facts.platform, it.comment)
        )

    def strongest(self, it: StoredComment) -> tuple[float, str]:
        """The highest of the signals asked for, and its name; below zero if none was measured."""
        strongest = (-1.0, "")
        for name in self.signals:
            value = it.signals.get(name)
            if isinstance(value, float) and value > strongest[0]:
                strongest = value, name
        return strongest

    def words_of(self, view: View, it: StoredComment) -> tuple[str, ...]:
        if not self.phrases:
            return ()
        return tuple(self.phrases[number] for number in sorted(view.hits_in(it)) if number in self.phrases)

    def crowd(self, view: View) -> _Crowd | None:
        """The latest window with enough people in it."""
        counted = in_time(self.who_count(view))
        within = length_in_micros(self.within)
        authors: Counter[str] = Counter()
        latest, start = None, 0
        for end, (at, _, it) in enumerate(counted):
            authors[it.comment.author.key] += 1
            while at - counted[start][0] > within:
                leaver = counted[start][2].comment.author.key
                authors[leaver] -= 1
                if not authors[leaver]:
                    del authors[leaver]
                start += 1
            if len(authors) >= self.n_wanted:
                latest = (at, len(authors), start, end + 1)
        if latest is None:
            return None
        at, n_people, start, stop = latest
        return _Crowd(at, n_people, tuple(it for _, _, it in counted[start:stop]))

    def who_count(self, view: View) -> Iterable[StoredComment]:
        return (it for it in view.facts.subject_people if self.counts(view, it))

    def test(self, view: View) -> Truth:
        if view.comment is not None or len(view.facts.subject_people) < self.n_wanted:
            return NEVER
        crowd = self.crowd(view)
        until = crowd.ended + length_in_micros(self.lasts) if crowd else 0
        return until if until > view.now_micros else NEVER

    def evidence(self, view: View) -> tuple[int, ...]:
        crowd = self.crowd(view)
        return tuple(it.id for it in crowd.comments) if crowd else ()

    def reason(self, view: View) -> Reason:
        crowd = self.crowd(view) if view.comment is None else None
        if crowd is None:
            return Reason("people", "too few people under this post", threshold=float(self.n_wanted))
        words = dict.fromkeys(word for it in crowd.comments for word in self.words_of(view, it))
        versions = ",".join(f"{name}={version_of(name, crowd.comments[0])}" for name in self.signals)
        says = f"{crowd.n_people} people within {short(self.within)}{self.manner()}"
        about = crowd.comments[0].id
        return Reason("people", says, tuple(words), float(crowd.n_people), float(self.n_wanted), about, versions)

    def manner(self) -> str:
        said = ["a phrase of the rule"] * bool(self.phrases)
        measured = [f"{' or '.join(self.signals)} at least {self.at_least:g}"] * bool(self.signals)
        return ", each with " + " or ".join(measured + said) if measured or said else ""


def short(length: timedelta) -> str:
    hours, seconds = divmod(int(length.total_seconds()), 3600)
    return f"{hours} h" if not seconds else f"{hours * 60 + seconds / 60:g} min"


def people(section: Asked) -> Condition:
    """How many distinct people wrote (upset, or with certain words) under one post within a time."""
    n_wanted = int(section.number("people", 1, 100_000))
    measured: tuple[str, ...] = ()
    if section.get("signal") is not None:
        measured = section.choices("signal", signal_names(section.context.known), "signal")
    at_least = section.number("at_least", 0, 1) if measured else 1.0
    phrases = section.phrases() if section.get("phrases") is not None else {}
    within, lasts = section.duration("within"), section.duration("lasts", timedelta(hours=24))
    it = People(n_wanted, within, lasts, measured, at_least, phrases)
    says = f"at least {n_wanted} people within {short(within)}{it.manner()}"
    return Condition(
        "people",
        says,
        it.test,
        it.reason,
        cost=3,
        evidence=it.evidence,
        window=within + lasts,
        gate=frozenset(),
        crowd=it,
        compares=tuple((name, at_least) for name in measured),
    )
