"""The signals that the trained model measures: one signal for each of its outputs, and the kind of a mistake."""

from monitor.model import SignalValue
from monitor.signals import weights
from monitor.signals.base import Batch
from monitor.signals.phrasebook import digest_of_phrases
from monitor.signals.prepared import Prepared

READING = 1  # raise it when `prepared`, `ngrams` or `stack` read a text otherwise: its values change


def version() -> str:
    """One for all trained signals: their weights, the phrases, and how texts are read."""
    return f"{weights.stack().version[:8]}.{digest_of_phrases()[:4]}.{READING}"


class Trained:
    """A calibrated probability; `name` is one of the model's outputs."""

    range = (0.0, 1.0)

    def __init__(self, name: str) -> None:
        self.name = name
        self._column = weights.OUTPUTS.index(name)

    @property
    def version(self) -> str:
        return version()

    def measure(self, batch: Batch) -> list[SignalValue]:
        return list(batch.read.columns[self._column])

    def explain(self, text: Prepared) -> tuple[str, ...]:
        from monitor.signals.evidence import words_for

        return words_for(self.name, text)


class MistakeKind:
    """mistake_kind: what kind of error is meant, "" where none is."""

    name = "mistake_kind"
    range = None

    @property
    def version(self) -> str:
        return version()

    def measure(self, batch: Batch) -> list[SignalValue]:
        return list(batch.read.kinds)

    def explain(self, text: Prepared) -> tuple[str, ...]:
        from monitor.signals.evidence import words_for

        return words_for("mistake", text, weights.stack().kind_from)
