"""What a signal is.

The seam for what comes after: anything with these five members can stand in the registry.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from monitor.model import SignalValue
from monitor.signals.prepared import Prepared

if TYPE_CHECKING:
    from monitor.signals.model import Read


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
