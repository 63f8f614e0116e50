"""What a signal is, and the small logistic that the first signals are made of.

The seam for what comes after: anything with these five members can stand in the registry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import TYPE_CHECKING, Protocol

from monitor.model import SignalValue
from monitor.signals.phrasebook import phrasebook
from monitor.signals.prepared import Prepared

if TYPE_CHECKING:
    from monitor.signals.model import Read

_MOST_OF_A_GROUP = 3  # the tenth insult says no more than the third
_MOST_WORDS = 8
_HEAVY = 1.0
_CERTAIN = 30.0


class Batch(list[Prepared]):
    """Texts that are measured together; what the trained model says of them is computed once, for all its signals."""

    @cached_property
    def read(self) -> "Read":
        from monitor.signals.model import model

        return model().read(self)


class Signal(Protocol):
    """One thing that is measured about a text; `range` is None for a signal whose values are names."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Changes whenever a value could; stored with each value, so that old ones can be measured again."""

    @property
    def range(self) -> tuple[float, float] | None: ...

    def measure(self, batch: Batch) -> list[SignalValue]:
        """One value for each text, in order; the same value for the same text, whatever its neighbours."""

    def explain(self, text: Prepared) -> tuple[str, ...]:
        """The words that weighed most, heaviest first, as a person can read them."""


def sigmoid(z: float) -> float:
    if not -_CERTAIN < z < _CERTAIN:
        z = -_CERTAIN if z <= -_CERTAIN else _CERTAIN
    return 1.0 / (1.0 + exp(-z))


@dataclass(frozen=True)
class Weights:
    """A logistic's terms: `first` for a group's first phrase found, `more` of that for each further one, up to two."""

    bias: float
    first: Mapping[str, float]
    more: float = 0.35

    def sum(self, text: Prepared) -> float:
        total = self.bias
        first, more = self.first, self.more
        for group, n in text.groups.items():
            weight = first.get(group)
            if weight is not None:
                total += weight if n == 1 else weight * (1.0 + more * (min(n, _MOST_OF_A_GROUP) - 1))
        return total

    def words(self, text: Prepared) -> list[str]:
        """The phrases found that speak for the signal, those of the heaviest group first.

        Words of light groups ("again", "paid") are named only where nothing heavier was found.
        """
        book = phrasebook()
        found = sorted((-self.first.get(book.groups[hit], 0.0), hit) for hit in text.hits)
        heavy = [hit for weight, hit in found if weight <= -_HEAVY]
        quotes = dict.fromkeys(
            book.quote(hit, text.padded) for hit in heavy or [hit for weight, hit in found if weight < 0]
        )
        longest = [one for one in quotes if one and not any(one != other and one in other for other in quotes)]
        return longest[:_MOST_WORDS]
