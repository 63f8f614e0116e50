"""What was decided by hand, before any evaluation: how much each kind of text counts, and how often each label is true.

Chosen by cross-validation on training data alone (docs/model-card.md says what else was tried).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEED = 20261121
FOLDS = 8
HEAD_C, HEAD_SMOOTHING = 10.0, 0.3
OFFSET = 3.0  # how freely a domain may have its own base rate, where the recipe lets it
KEPT_OF_TABLE = 0.6  # the part of a table's weights that is not pruned

_SUPPORT_AND_TALK = {"own": 0.36, "support": 0.24, "reviews": 0.15, "reddit": 0.13, "languages": 0.10, "tweets": 0.02}
_MOSTLY_OWN = {"own": 0.5, "support": 0.12, "reviews": 0.06, "reddit": 0.24, "languages": 0.03, "tweets": 0.05}
_SEVEN_TENTHS_OWN = {"own": 0.7, "support": 0.12, "reviews": 0.06, "reddit": 0.06, "languages": 0.04, "tweets": 0.02}

# As mistakes are evaluated: half of what is none are complaints about service, half have the words of mistakes.
_TRAPS_AND_COMPLAINTS = {"own": (0.8, 0.4), "reddit": (0.2, 0.4), "support": (0.0, 0.2)}

GRIEVANCES = (
    "offensive",
    "reddit_anger",
    "reddit_negative",
    "reddit_disappointment",
    "reddit_gratitude",
    "reddit_question",
    "reddit_disapproval",
    "reddit_positive",
    "rated_negative",
    "reviewed_negative",
    "reviewed_positive",
    "languages_negative",
    "languages_positive",
)

_FOR_MISTAKES = (  # the rest of the surface tells who wrote a training text, not whether it is about a mistake
    *("group.mistake.", "group.needs_reply.", "group.closing.", "group.angry."),
    *("surface.asks", "surface.number", "surface.quote", "surface.short"),
    *("surface.thanks_briefly", "surface.emoji_only", "surface.says_nothing"),
)


@dataclass(frozen=True)
class Recipe:
    """How one output is made. `rate`: in how many texts it is declared to be true; probabilities are fitted to that."""

    rate: float
    mix: Mapping[str, float]
    heads: tuple[str, ...] = ()  # of the public data sets' own labels, beside the head of our labels
    features: tuple[str, ...] = ("",)  # what the names of the stack's features may begin with
    strength: float = 0.01  # of the stack's features: the inverse of their penalty
    own_rate_by_domain: bool = False  # a text's domain must not tell: its rate there is an accident of our labelling
    fitted_to: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Another mix for calibration and threshold: of which domains what is true is, and what is not."""
    told_rate: float | None = None  # another rate for calibration and threshold
    most_of_support: float = 1.0  # in so many texts at most of the support domain, ordinary traffic, a flag is raised
    by_hand: Mapping[str, float] = field(default_factory=dict)  # for what no training text has: stars, kinds of comment
    second_voice: float = 0.0  # how much the weights of `second_voice` count beside what was learnt
    by_writer: bool = True  # whole writers are held back; not where one writer wrote nearly all positives
    macro: bool = False  # the threshold is the best for both classes alike


RECIPES: Mapping[str, Recipe] = {
    "angry": Recipe(
        0.21,
        _SUPPORT_AND_TALK,
        GRIEVANCES,
        strength=0.03,
        second_voice=0.5,
        by_hand={"surface.few_stars": 0.8, "surface.many_stars": -0.8},
    ),
    "mistake": Recipe(
        0.20,
        _MOSTLY_OWN,
        features=_FOR_MISTAKES,
        own_rate_by_domain=True,
        fitted_to=_TRAPS_AND_COMPLAINTS,
        told_rate=0.14,  # they are so rare that a probability had better be too low than too high
        second_voice=0.75,
        most_of_support=0.025,
    ),
    "needs_reply": Recipe(0.48, _SUPPORT_AND_TALK, GRIEVANCES, second_voice=0.5, by_hand={"surface.few_stars": 0.4}),
    "closing": Recipe(0.10, _SUPPORT_AND_TALK, strength=0.1, second_voice=0.5, by_hand={"surface.few_stars": -1.0}),
    "tagging_only": Recipe(
        0.05,
        _SEVEN_TENTHS_OWN,
        by_writer=False,
        strength=0.05,
        most_of_support=0.005,
        by_hand={"surface.review": -4.0, "surface.message": -4.0, "surface.mention": -4.0},
    ),
    "urgent": Recipe(0.03, _SEVEN_TENTHS_OWN, strength=0.05, by_writer=False),
    "threat": Recipe(0.01, _SEVEN_TENTHS_OWN, strength=0.05, by_writer=False),
    "negative": Recipe(
        0.333, {"languages": 1.0}, tuple(name for name in GRIEVANCES if not name.startswith("languages")), macro=True
    ),
}
