"""Signals as users write them: one that works, and all the ways in which somebody else's code goes wrong."""

from collections.abc import Sequence
from typing import Any

from monitor.signals.prepared import Prepared


class Loyal:
    """How much a writer sounds like somebody who comes often; `word` is what gives them away."""

    name = "loyal"
    version = "2"
    range = (0.0, 1.0)

    def __init__(self, word: str = "always") -> None:
        self.word = word

    def measure(self, batch: Sequence[Prepared]) -> list[float]:
        return [0.9 if self.word in text.words else 0.1 for text in batch]

    def explain(self, text: Prepared) -> tuple[str, ...]:
        return (self.word,) if self.word in text.words else ()


class Failing(Loyal):
    """It does what `how` says, as long as `is_broken`."""

    name = "failing"
    is_broken = True

    def __init__(self, how: Any = "raise") -> None:
        super().__init__()
        self.how = how

    def measure(self, batch: Sequence[Prepared]) -> list[Any]:
        if not type(self).is_broken:
            return super().measure(batch)
        match self.how:
            case "raise":
                raise RuntimeError(f"cannot judge {batch[0].text}")
            case "exit":
                raise SystemExit(1)
            case "few":
                return []
            case "many":
                return [0.5] * (len(batch) + 1)
            case "nothing":
                return None  # type: ignore[return-value]
        return [self.how] * len(batch)

    def explain(self, text: Prepared) -> tuple[str, ...]:
        raise RuntimeError(text.text)


class Mood(Loyal):
    """A signal whose values are names."""

    name = "mood"
    range = None  # type: ignore[assignment]

    def measure(self, batch: Sequence[Prepared]) -> list[Any]:
        return ["cheerful" for _ in batch]


class Broken:
    """It cannot even be made."""

    def __init__(self) -> None:
        raise LookupError("no weights")


class Percent(Loyal):
    range = (0.0, 100.0)


class Versionless(Loyal):
    version = "a,b=c"


class Silent(Loyal):
    """It never can tell."""

    def measure(self, batch: Sequence[Prepared]) -> list[Any]:
        return [None for _ in batch]
