"""The condition on many voices together: what several people say of one post weighs more than each of them alone.

One weak score is mostly a false alarm, and so are many weak scores that have nothing to do with each other. So the
strongest voice is believed as far as it goes, and each further person makes it more likely by as much as a reader of
the post would be expected to speak up if it were so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.core.facts import View
from monitor.core.instants import length_in_micros
from monitor.core.people import People, in_time, short
from monitor.core.truth import NEVER, Asked, Condition, Truth, signal_names, version_of
from monitor.model import Reason, StoredComment

FLOOR = 0.3  # a voice below this says nothing either way
_SPEAKS_UP = 0.2  # of those who read a post with a mistake (or a shameful one) say so
_USUAL = 0.2  # the probability that a signal gives before it has read anything (docs/signals.md)
_MOST_VOICES = 6  # the strongest; beyond them a storm is a matter of `people`, not of certainty
_MOST_COMMENTS = 300  # the latest; what was said before them is told already
_LEAST, _MOST = 1e-4, 1 - 1e-4
"""Probabilities are kept away from 0 and 1, where odds end."""


def corroborated(voices: Iterable[float]) -> float:
    """How probable it is that it is so, given each person's own probability; never below the strongest of them."""
    strongest, *others = sorted(voices, reverse=True)[:_MOST_VOICES] or [0.0]
    if not others:
        return strongest
    odds = _odds(strongest)
    for voice in others:
        odds *= max(1.0, 1 - _SPEAKS_UP + _SPEAKS_UP * _odds(voice) / _odds(_USUAL))
    return max(strongest, odds / (1 + odds))


def _odds(probability: float) -> float:
    kept = min(max(probability, _LEAST), _MOST)
    return kept / (1 - kept)


@dataclass(frozen=True, slots=True)
class _Chorus:
    """The latest window in which the voices together reached the limit."""

    ended: int
    score: float
    comments: tuple[StoredComment, ...]  # one for each person, the strongest first


@dataclass(frozen=True, slots=True)
class Together:
    """What several people under one post say with a signal, within a time, taken together.

    Of mistakes only those of one kind support each other: a dead link does not confirm a wrong date.
    """

    people: People
    signal: str
    at_least: float

    def chorus(self, view: View) -> _Chorus | None:
        """The latest window in which enough was said; looked for from its end, where a storm finds it at once."""
        counted = in_time(self.people.who_count(view))[-_MOST_COMMENTS:]
        length = length_in_micros(self.people.within)
        while counted:
            ended = counted[-1][0]
            comments = [it for at, _, it in counted if ended - at <= length]
            for kind in sorted(self._kinds(comments)):
                voices = self._voices(comments, kind)
                score = corroborated(value for value, _ in voices)
                if len(voices) > 1 and score >= self.at_least:
                    return _Chorus(ended, score, tuple(it for _, it in voices))
            counted.pop()
        return None

    def _kinds(self, comments: Sequence[StoredComment]) -> set[str]:
        return {self._kind(it) for it in comments} - {""} or {""}

    def _kind(self, it: StoredComment) -> str:
        value = it.signals.get("mistake_kind") if self.signal == "mistake" else None
        return value if isinstance(value, str) else ""

    def _voices(self, comments: Sequence[StoredComment], kind: str) -> list[tuple[float, StoredComment]]:
        """Each person's strongest comment of this kind (or of none that is known)."""
        strongest: dict[str, tuple[float, StoredComment]] = {}
        for it in comments:
            value, author = it.signals.get(self.signal), it.comment.author.key
            if self._kind(it) not in ("", kind) or not isinstance(value, float):
                continue
            if author not in strongest or value > strongest[author][0]:
                strongest[author] = value, it
        return sorted(strongest.values(), key=lambda voice: (-voice[0], voice[1].id))

    def test(self, view: View) -> Truth:
        if view.comment is not None or len(view.facts.subject_people) < 2:
            return NEVER
        chorus = self.chorus(view)
        until = chorus.ended + length_in_micros(self.people.lasts) if chorus else 0
        return until if until > view.now_micros else NEVER

    def evidence(self, view: View) -> tuple[int, ...]:
        chorus = self.chorus(view)
        return tuple(it.id for it in chorus.comments) if chorus else ()

    def reason(self, view: View) -> Reason:
        chorus = self.chorus(view) if view.comment is None else None
        if chorus is None:
            return Reason("together", f"no people who together make {self.signal} so likely", threshold=self.at_least)
        first = chorus.comments[0]
        alone = first.signals.get(self.signal)
        says = f"{len(chorus.comments)} people together: {self.signal} {chorus.score:.2f} ({alone:.2f} alone)"
        version = f"{self.signal}={version_of(self.signal, first)}"
        return Reason("together", says, (), round(chorus.score, 4), self.at_least, first.id, version)


def together(section: Asked) -> Condition:
    """What several people say of one post, taken together."""
    name = section.choice("together", signal_names(section.context.known))
    at_least = section.number("at_least", 0, 1)
    within, lasts = section.duration("within"), section.duration("lasts", timedelta(hours=24))
    people = People(2, within, lasts, (name,), FLOOR, {})
    it = Together(people, name, at_least)
    says = f"two or more people within {short(within)} who together make {name} at least {at_least:g}"
    return Condition(
        "together", says, it.test, it.reason, cost=3, evidence=it.evidence, window=within + lasts,
        gate=frozenset(), crowd=people, compares=((name, at_least),),
    )  # fmt: skip
