"""closing: the customer ends the conversation: thanks, goodbye, solved, or nothing but emoji."""

from collections.abc import Sequence

from monitor.model import SignalValue
from monitor.signals.base import Weights, sigmoid
from monitor.signals.prepared import Prepared

_WEIGHTS = Weights(
    bias=-2.9,
    first={
        "closing.thanks": 3.4,
        "closing.solved": 2.4,
        "closing.goodbye": 1.4,
        "closing.but": -0.9,
        "closing.ahead": -2.5,
        "angry.insult": -1.5,
        "angry.swear": -0.8,
        "angry.verdict": -1.5,
        "angry.reproach": -1.5,
        "angry.leaving": -1.5,
        "angry.sarcasm": -2.5,
        "angry.feeling": -1.0,
        "angry.hashtag": -1.5,
        "needs_reply.ask": -0.9,
        "needs_reply.problem": -0.7,
    },
)
_EMOJI_ONLY = 2.5
_LONG = 12  # words; a closing is short


class Closing:
    name = "closing"
    version = "1"
    range = (0.0, 1.0)

    def measure(self, batch: Sequence[Prepared]) -> list[SignalValue]:
        return [_measure(text) for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        return ("emoji only",) if _is_emoji_only(text) else tuple(_WEIGHTS.words(text))


def _is_emoji_only(text: Prepared) -> bool:
    return text.n_emoji > 0 and text.n_words == text.n_mentions and not text.n_links


def _measure(text: Prepared) -> float:
    if _is_emoji_only(text):
        return sigmoid(_EMOJI_ONLY - 4.0 * (text.n_angry_emoji > 0) - 1.5 * (text.n_sad_emoji > 0))
    total = _WEIGHTS.sum(text)
    n_words = text.n_words - text.n_mentions
    if n_words > _LONG:
        total -= min(0.06 * (n_words - _LONG), 2.0)
    elif n_words <= 4:
        total += 0.6
    if text.n_questions:
        total -= 2.5
    if text.n_emoji:
        total += (
            min(0.5 * text.n_warm_emoji, 1.0) - min(1.5 * text.n_angry_emoji, 3.0) - min(0.7 * text.n_sad_emoji, 1.4)
        )
    if text.stars is not None and text.stars <= 3:
        total -= 2.0
    if "closing.thanks" in text.groups and "closing.solved" in text.groups:
        total += 0.5
    return sigmoid(total)
