"""What signals say yes to: each numeric signal at the threshold that was shipped for it."""

from collections.abc import Mapping
from functools import cache

from monitor.model import Signals
from monitor.signals import REGISTRY, weights
from monitor.signals.trained import Trained

_UNTRAINED = 0.5  # where a signal with weights set by hand says yes


def numeric() -> tuple[str, ...]:
    """The signals whose values are numbers."""
    return tuple(name for name, signal in REGISTRY.items() if signal.range is not None)


@cache
def thresholds() -> Mapping[str, float]:
    """For each numeric signal the value from which on it says yes.

    Raises: WeightsDamaged: install again.
    """
    return {
        name: weights.stack().stack[name].threshold if isinstance(REGISTRY[name], Trained) else _UNTRAINED
        for name in numeric()
    }


def flags(values: Signals) -> dict[str, bool]:
    """Whether each numeric signal says yes; what was not measured says no."""
    return {
        name: isinstance(value := values.get(name), float) and value >= least for name, least in thresholds().items()
    }
