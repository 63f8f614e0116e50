"""What a condition is made of: a test whose answer knows how long it lasts, and a reason that a person can check.

A truth is an instant in microseconds since 1970: a condition holds until that instant if the number is positive, and
fails until its absolute value if it is negative (`ALWAYS`, `NEVER`: the clock alone changes nothing). So `all` is
min, `any` is max and `not` is minus, and when a verdict could change comes with the verdict at no cost.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from math import inf
from typing import Any

from monitor import signals
from monitor.core.facts import View
from monitor.core.matching import Matcher
from monitor.core.reading import Section
from monitor.model import Reason, StoredComment

Truth = float
ALWAYS: Truth = inf
NEVER: Truth = -inf

MANY = 1e9  # more followers or likes than there are


@dataclass(frozen=True, slots=True)
class Known:
    """The names that rules may refer to; None means that they are not checked."""

    playbooks: Collection[str] | None = None
    routes: Collection[str] | None = None
    brands: Collection[str] | None = None
    sources: Collection[str] | None = None
    platforms: Collection[str] | None = None
    own_signals: signals.Beside = field(default_factory=dict)  # of the user; ours are always known


@dataclass(frozen=True, slots=True)
class Context:
    """What the conditions of one rule set share while they are made."""

    known: Known
    lists: Mapping[str, Sequence[str]]
    matcher: Matcher


class Asked(Section):
    """A condition's table in a rule file, and what it may refer to."""

    def __init__(self, file: str, path: str, table: object, context: Context) -> None:
        super().__init__(file, path, table)
        self.context = context

    def phrases(self) -> dict[int, str]:
        """What the key `phrases` lists, by the numbers under which the matcher will find it."""
        wanted = {}
        for phrase in self.texts("phrases"):
            try:
                wanted[self.context.matcher.add_phrase(phrase)] = phrase
            except ValueError as error:
                self.refuse("phrases", str(error))
        return wanted


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, or `all`, `any`, `not` over others.

    `says` is what it asks for, in words. `reason` says what it found, whether it holds or not (leaves only).
    `cost` orders a tree: 0 looks at a field, 1 at the text, 2 at the clock, 3 at many people. `window` is how far
    back it needs a post's comments. `gate` are phrases and patterns of which a comment must contain at least one for
    the condition to hold for it (None: it can hold without; empty: it never holds for a customer's comment).
    `crowd` is the `core.people.People` of a condition about many people under one post.
    """

    name: str
    says: str
    test: Callable[[View], Truth]
    reason: Callable[[View], Reason] | None = None
    children: tuple["Condition", ...] = ()
    cost: int = 0
    evidence: Callable[[View], tuple[int, ...]] | None = None
    window: timedelta | None = None
    needs_first_timer: bool = False
    gate: frozenset[int] | None = None
    crowd: Any = None
    is_about_us: bool = False  # it asks about posts of ours
    compares: tuple[tuple[str, float], ...] = ()  # signals, each with the limit that decides
    reaches: tuple[str, float] | None = None  # the signal that must be so high


@dataclass(frozen=True, slots=True)
class Found:
    """What a leaf found when it was asked why."""

    says: str
    value: float | str | None = None
    words: tuple[str, ...] = ()
    signal_version: str = ""
    signal: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Makes a leaf that asks about a comment: without one it fails."""

    name: str
    says: str
    threshold: float | str | None = None
    cost: int = 0
    needs_first_timer: bool = field(default=False, kw_only=True)
    gate: frozenset[int] | None = field(default=None, kw_only=True)

    def about(
        self,
        test: Callable[[View, StoredComment], bool | Truth],
        found: Callable[[View, StoredComment], Found],
    ) -> Condition:
        def whole_test(view: View) -> Truth:
            comment = view.comment
            if comment is None:
                return NEVER
            answer = test(view, comment)
            return ALWAYS if answer is True else NEVER if answer is False else answer

        return self.directly(whole_test, found)

    def directly(self, test: Callable[[View], Truth], found: Callable[[View, StoredComment], Found]) -> Condition:
        def reason(view: View) -> Reason:
            if view.comment is None:
                return Reason(self.name, "there is no comment to look at", threshold=self.threshold)
            it = found(view, view.comment)
            return Reason(
                self.name,
                it.says,
                it.words,
                it.value,
                self.threshold,
                view.comment.id,
                signal_version=it.signal_version,
                signal=it.signal,
            )

        return Condition(
            self.name, self.says, test, reason, cost=self.cost, needs_first_timer=self.needs_first_timer, gate=self.gate
        )


def one_of(words: Sequence[str]) -> str:
    return " or ".join(words)


def signal_names(known: Known) -> tuple[str, ...]:
    """The signals that are numbers; the language is asked for by its own condition."""
    own = (name for name, signal in known.own_signals.items() if signal.range is not None)
    return (*(name for name in signals.REGISTRY if name != "language"), *own)


def version_of(name: str, stored: StoredComment) -> str:
    """The version of the signal with which this comment was measured."""
    told = _versions(stored.signals_version)
    if name not in signals.REGISTRY:
        return told.get(name, "")
    return told.get(name) or told.get(signals.ALL_OTHERS) or signals.version_of(name)


@lru_cache(maxsize=16)  # most comments of a database were measured with the same few versions
def _versions(told: str) -> Mapping[str, str]:
    """By signal, of several words for one the first that says anything."""
    entries = [entry.partition("=") for entry in reversed(told.split(","))]
    return {name: version for name, _, version in entries if version}
