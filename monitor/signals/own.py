"""A signal of the user's own: somebody else's code, so whatever it does, nothing is lost but its own values."""

import re
from collections.abc import Callable
from pathlib import PurePath
from traceback import extract_tb
from typing import Any, SupportsFloat

from monitor.model import SignalValue
from monitor.signals.base import Batch
from monitor.signals.prepared import Prepared

Report = Callable[[str, str], None]
"""Told the signal's name and what is wrong with it after each batch; "" when nothing is."""

MEMBERS = ("version", "range", "measure", "explain")
_MOST_WORDS, _LONGEST_WORD = 8, 60
_VERSION = re.compile(r"[\w.-]{1,40}")


class Own:
    """The user's object as a signal; what it fails to measure is None."""

    def __init__(self, name: str, theirs: Any, settings_mark: str, report: Report) -> None:
        """`settings_mark` stands for what its values depend on besides its code.

        Raises: ValueError, fit to be shown, where the object is no signal.
        """
        missing = [member for member in MEMBERS if not hasattr(theirs, member)]
        if missing:
            raise ValueError(f"is no signal: it has no {' and no '.join(missing)}")
        if not _VERSION.fullmatch(str(theirs.version)):
            raise ValueError("its version must be made of letters, digits, . _ and -, at most 40")
        self.name, self._theirs, self._report = name, theirs, report
        self.version = f"{theirs.version}.{settings_mark}"
        self.range = _range(theirs.range)

    def measure(self, batch: Batch) -> list[SignalValue]:
        values: list[SignalValue] = [None] * len(batch)
        try:
            found = list(self._theirs.measure(batch))
            if len(found) != len(batch):
                says = f"{len(found)} values for {len(batch)} texts"
            else:
                values = [self._fit(value) for value in found]
                says = self._misfit if found.count(None) < values.count(None) else ""
        except (Exception, SystemExit) as error:
            says = _place(error)
        self._report(self.name, says)
        return values

    @property
    def _misfit(self) -> str:
        return "a value that is no text" if self.range is None else f"a value outside {self.range}"

    def explain(self, text: Prepared) -> tuple[str, ...]:
        try:
            return tuple(str(word)[:_LONGEST_WORD] for word in self._theirs.explain(text))[:_MOST_WORDS]
        except (Exception, SystemExit):
            return ()

    def _fit(self, value: object) -> SignalValue:
        if self.range is None:
            return value if isinstance(value, str) else None
        low, high = self.range
        if not isinstance(value, SupportsFloat) or not low <= float(value) <= high:
            return None
        return float(value)


def _range(told: object) -> tuple[float, float] | None:
    if told is None:
        return None
    match told:
        case (int() | float() as low, int() | float() as high) if 0 <= low < high <= 1:
            return float(low), float(high)
    raise ValueError("its range must be two numbers within 0 and 1, or None for a signal whose values are names")


def _place(error: BaseException) -> str:
    """What was raised and where; not its message, which may quote the text."""
    last = (extract_tb(error.__traceback__) or [None])[-1]
    return f"{type(error).__name__}{f' in {PurePath(last.filename).name}, line {last.lineno}' if last else ''}"
