"""angry: hostility or strong reproach at the business; not a problem told calmly, not anger at somebody else."""

from collections.abc import Sequence

from monitor.model import SignalValue
from monitor.signals.base import Weights, sigmoid
from monitor.signals.prepared import Prepared

_WEIGHTS = Weights(
    bias=-1.8,
    first={
        "angry.insult": 1.7,
        "angry.swear": 1.2,
        "angry.verdict": 1.7,
        "angry.reproach": 1.7,
        "angry.leaving": 1.4,
        "angry.sarcasm": 1.8,
        "angry.feeling": 1.3,
        "angry.hashtag": 1.6,
        "angry.trouble": 0.45,
        "angry.kind": -0.7,
        "angry.elsewhere": -1.6,
        "closing.solved": -0.8,
        "angry.threat": 2.4,
    },
)


class Angry:
    name = "angry"
    version = "1"
    range = (0.0, 1.0)

    def measure(self, batch: Sequence[Prepared]) -> list[SignalValue]:
        return [sigmoid(_WEIGHTS.sum(text) + _surface(text)) for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        words = _WEIGHTS.words(text)
        if _shouts(text):
            words.append("CAPITALS")
        if text.n_exclamations >= 3:
            words.append("!!!")
        if text.n_angry_emoji:
            words.append("emoji")
        if text.stars is not None and text.stars <= 2:
            words.append(f"{text.stars:g} of 5 stars")
        return tuple(words)


def _shouts(text: Prepared) -> bool:
    return text.n_capitals >= 3 and text.n_capitals >= 0.3 * text.n_words


def _surface(text: Prepared) -> float:
    total = 0.0
    if _shouts(text):
        total += 1.6
    elif text.n_capitals:
        total += min(0.2 * text.n_capitals, 0.5)
    if text.n_exclamations:
        total += min(0.15 * text.n_exclamations, 0.6)
    if text.n_questions and text.n_exclamations:
        total += 0.3
    if text.n_emoji:
        total += min(1.0 * text.n_angry_emoji, 1.8) - min(0.7 * text.n_warm_emoji, 1.4)
    if text.stars is not None:
        total += (3.0 - text.stars) * 0.8
    if text.leads_with_mention or text.n_mentions:
        total += 0.3  # said to somebody
    return total
