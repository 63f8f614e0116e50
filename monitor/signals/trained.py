"""The signals that the trained model measures: one signal for each of its outputs, and the kind of a mistake."""

from typing import TYPE_CHECKING

from monitor.model import SignalValue
from monitor.signals import weights
from monitor.signals.base import Batch
from monitor.signals.phrasebook import digest_of_phrases
from monitor.signals.prepared import Prepared

if TYPE_CHECKING:
    from monitor.signals.model import Model

READING = 1  # raise it when `prepared`, `ngrams` or `stack` read a text otherwise: its values change


def model() -> "Model":
    """The shipped model; imported when first measured with, because numpy and the tables cost memory and time."""
    from monitor.signals.model import model as shipped

    return shipped()


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
        return list(batch.columns[self._column])

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
        least = weights.stack().kind_from
        likely = [place for place, value in enumerate(batch.columns[_MISTAKE]) if value >= least]
        kinds: list[SignalValue] = [""] * len(batch)
        if likely:
            for place, kind in zip(likely, model().kind([batch[place] for place in likely]), strict=True):
                kinds[place] = kind
        return kinds

    def explain(self, text: Prepared) -> tuple[str, ...]:
        from monitor.signals.evidence import words_for

        return words_for("mistake", text) if self.measure(Batch([text])) != [""] else ()


_MISTAKE = weights.OUTPUTS.index("mistake")
