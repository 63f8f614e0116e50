"""needs_reply: questions, problems, complaints, and what a customer supplies in an open case."""

from collections.abc import Sequence

from monitor.model import SignalValue
from monitor.signals.base import Weights, sigmoid
from monitor.signals.prepared import Prepared

_WEIGHTS = Weights(
    bias=-1.6,
    first={
        "needs_reply.ask": 1.3,
        "needs_reply.problem": 1.5,
        "needs_reply.case": 0.8,
        "needs_reply.sent": 1.6,
        "needs_reply.offtopic": -1.0,
        "angry.insult": 0.4,
        "angry.verdict": 0.5,
        "angry.reproach": 0.8,
        "angry.leaving": 0.6,
        "angry.sarcasm": 0.5,
        "angry.feeling": 0.6,
        "angry.elsewhere": -1.2,
        "mistake.link": 1.0,
        "mistake.wrong": 0.6,
        "mistake.contradiction": 0.6,
        "mistake.published": 0.3,
        "closing.thanks": -1.0,
        "closing.solved": -1.5,
        "closing.goodbye": -0.6,
        "closing.but": 0.5,
    },
)


class NeedsReply:
    name = "needs_reply"
    version = "1"
    range = (0.0, 1.0)

    def measure(self, batch: Sequence[Prepared]) -> list[SignalValue]:
        return [sigmoid(_WEIGHTS.sum(text) + _surface(text)) for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        words = _WEIGHTS.words(text)
        return (*words, "?") if text.n_questions else tuple(words)


def _surface(text: Prepared) -> float:
    total = 0.0
    if text.n_questions:
        total += 1.6
    if text.leads_with_mention:
        total += 1.3
    elif text.n_mentions:
        total += 0.3
    if text.n_emoji:
        total += min(0.4 * (text.n_angry_emoji + text.n_sad_emoji), 0.8) - min(0.5 * text.n_warm_emoji, 1.0)
    if text.stars is not None and text.stars <= 3:
        total += 1.5
    if not text.n_words or text.n_words == text.n_mentions:
        total -= 2.0  # nothing is said
    return total
