"""Measuring stored comments again: under other versions of the signals, or once a second opinion has been heard."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor import signals
from monitor.core.opinions import Opinion, hash_of, heard, marked
from monitor.flows.plan import Plan
from monitor.model import StoredComment


def measured_again(
    plan: Plan, held: Sequence[StoredComment], opinions: Mapping[int, Opinion]
) -> tuple[Sequence[StoredComment], list[StoredComment]]:
    """The comments as the present signals and opinions see them, and those of them that have changed by that."""
    version, own = signals.version(plan.own_signals), plan.own_signals
    if not own and not opinions and all(c.signals_version == version for c in held):
        return held, []  # nearly always
    stale = {c.id: c for c in held if _is_stale(c, version, own, opinions)}
    if not stale:
        return held, []
    fresh = {c.id: c for c in measured(plan, list(stale.values()), opinions)}
    changed = [
        c
        for c in fresh.values()
        if c.signals_version != stale[c.id].signals_version
        or any(c.signals.get(name) != stale[c.id].signals.get(name) for name in own)
    ]
    return [fresh.get(c.id, c) for c in held], changed


def _is_stale(stored: StoredComment, version: str, own: signals.Beside, opinions: Mapping[int, Opinion]) -> bool:
    """Whether it is to be measured again; of a text that had to go stays what was measured."""
    if not stored.has_text:
        return False
    return stored.signals_version != marked(version, _about(stored, opinions)) or _lacks_any(own, stored)


def measured(plan: Plan, held: Sequence[StoredComment], opinions: Mapping[int, Opinion]) -> list[StoredComment]:
    """The comments with signals of the present versions and with what another model has said of their texts.

    Those whose text had to go are as they were.
    """
    there = [c for c in held if c.has_text]
    if not there:
        return list(held)
    version, values = signals.version(plan.own_signals), signals.measure([c.comment for c in there], plan.own_signals)
    weight = plan.adviser.policy.weight if plan.adviser else 0.0
    fresh = {
        c.id: heard(replace(c, signals=found, signals_version=version), _about(c, opinions), weight)
        for c, found in zip(there, values, strict=True)
    }
    return [fresh.get(c.id, c) for c in held]


def _lacks_any(own: signals.Beside, stored: StoredComment) -> bool:
    """Whether a signal of the user's own failed to measure it: it may work by now."""
    return any(stored.signals.get(name) is None for name in own)


def _about(stored: StoredComment, opinions: Mapping[int, Opinion]) -> Opinion | None:
    """What was said of the text that is there now."""
    opinion = opinions.get(stored.id)
    return opinion if opinion is not None and opinion.text_hash == hash_of(stored.comment.text) else None
