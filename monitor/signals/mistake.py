"""mistake: the writer points out, asks about or reacts to an error in what the business published."""

from collections.abc import Sequence

from monitor.model import SignalValue
from monitor.signals.base import Weights, sigmoid
from monitor.signals.prepared import Prepared

_WEIGHTS = Weights(
    bias=-2.4,
    first={
        "mistake.link": 3.0,
        "mistake.wrong": 2.1,
        "mistake.date": 2.8,
        "mistake.typo": 2.7,
        "mistake.misleading": 2.6,
        "mistake.contradiction": 1.8,
        "mistake.hacked": 3.4,
        "mistake.offensive": 2.7,
        "mistake.accident": 2.6,
        "mistake.published": 0.8,
        "mistake.own": -3.0,
        "closing.thanks": -0.3,
    },
)


class Mistake:
    name = "mistake"
    version = "1"
    range = (0.0, 1.0)

    def measure(self, batch: Sequence[Prepared]) -> list[SignalValue]:
        return [sigmoid(_WEIGHTS.sum(text)) for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        return tuple(_WEIGHTS.words(text))
