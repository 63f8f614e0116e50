"""The name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint to the name that was probably meant, or the names there are; "" where there are none."""
    known = list(names)
    folded = {known_name.casefold(): known_name for known_name in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{folded[close[0]]}"?'
    if not known:
        return ""
    return f"; there {'is' if len(known) == 1 else 'are'} {', '.join(known[:40])}{', ...' if len(known) > 40 else ''}"
